"""Adapters of a wire in a session: what is suggested, what a typed chain makes, what could come next."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.surgery.tiny import typed
from workbench.errors import UsageError
from workbench.session.adapting import endpoints_of, read_chain, suggested, suggested_for, title
from workbench.session.command import command_line
from workbench.session.session import Session
from workbench.surgery.operations.connect import Connect
from workbench.surgery.resolve.endpoints import Endpoint

N = None


@pytest.fixture
def session(tmp_path: Path) -> Session:
    found = Session()
    types = {"a": ("uint8", (N, 32, 32, 3)), "b": ("float32", (N, 28, 28, 1))}
    for name, own in types.items():
        found.load(found.add(typed(tmp_path / name, *own)).path)
    return found


def ends(session: Session) -> tuple[Endpoint, Endpoint]:
    found = endpoints_of(session, Connect("y", "x"))
    assert found is not None
    return found


def test_a_judgement_suggests_adapters_and_the_session_takes_them(session: Session) -> None:
    source, target = ends(session)
    assert title(source, target) == "y uint8 [?,32,32,3] → x float32 [?,28,28,1]"
    judged = session.judge(source, target)
    chain = suggested(judged.hint)
    assert judged.state == "no" and chain == "resize 28 28 | color RGB>GRAY"
    assert session.judge(source, target, chain).state == "fits"
    with pytest.raises(UsageError):
        session.wire(source, target, "resize 28 28")
    assert session.wire(source, target, chain) == Connect("y", "x", chain)
    assert session.undo() == "wire y → x" and not session.plan.wires
    session.redo()
    (wire,) = session.plan.wires
    session.adapt(wire, f"{chain} | scale 1/255")
    assert session.can_undo == "adapt y → x"
    assert command_line(session.plan).endswith(f"--wire 'y | {chain} | scale 1/255 = x'")


def test_what_findings_suggest_for_a_wire(session: Session) -> None:
    session.add_wire(Connect("y", "x"))
    assert suggested_for(session, session.plan.wires[0]) == "resize 28 28 | color RGB>GRAY"
    session.adapt(session.plan.wires[0], "resize 28 28")
    assert suggested_for(session, session.plan.wires[0]) == "resize 28 28 | color RGB>GRAY"
    session.adapt(session.plan.wires[0], "resize 28 28 | color RGB>GRAY")
    session.compute()
    assert suggested_for(session, session.plan.wires[0]) == "resize 28 28 | color RGB>GRAY | scale 1/255"
    session.adapt(session.plan.wires[0], "resize 28 28 | color RGB>GRAY | scale 1/255")
    session.compute()
    assert suggested_for(session, session.plan.wires[0]) is None
    assert suggested_for(session, Connect("nothing", "x")) is None


@pytest.mark.parametrize(
    ("text", "steps", "makes", "fits", "problem"),
    [
        ("", 0, "uint8 [?,32,32,3]", False, ""),
        ("resize 28 28", 1, "float32 [?,28,28,3]", False, ""),
        ("resize 28 28 | color RGB>GRAY", 2, "float32 [?,28,28,1]", True, ""),
        ("resize 28 28 | crop 28 28 | color RGB>GRAY | argmax", 4, "int64 [?,28,28]", False, ""),
        ("flatten | resize 2 2", 1, "uint8 [?,3072]", False, "`resize 2 2` has uint8 [?,3072]; it takes"),
        ("resize 28", 0, "", False, "`resize 28` can't be read: WIDTH is missing."),
        ("scale '", 0, "", False, "A quote is not closed"),
    ],
)
def test_a_chain_is_read_while_it_is_typed(
    session: Session, text: str, steps: int, makes: str, fits: bool, problem: str
) -> None:
    found = read_chain(*ends(session), text)
    assert (len(found.steps), found.makes, found.fits) == (steps, makes, fits)
    assert found.problem.startswith(problem) and bool(found.problem) == bool(problem)
    assert bool(found.offers) == (not problem)


def test_what_is_offered_is_taken_and_leads_to_the_input(session: Session) -> None:
    offers = read_chain(*ends(session), "").offers
    assert offers[0][:2] == ("resize 28 28", "float32 [?,28,28,3]") and offers[0].suggested
    for offer in offers:
        assert offer.makes in [one.makes for one in read_chain(*ends(session), offer.text).steps]
    after = {offer.text for offer in read_chain(*ends(session), "resize 28 28 | color RGB>GRAY").offers}
    assert not {"resize 28 28", "cast float32", "crop 28 28"} & after, "they would change nothing"


def test_a_wire_keeps_its_adapters_where_models_move(session: Session) -> None:
    session.add_wire(Connect("y", "x", "resize 28 28"))
    session.swap()
    assert [wire.through for wire in session.plan.wires] == ["resize 28 28"]
