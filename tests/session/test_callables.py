"""What merge wires, the session wires too: keys of callables, judged and looked up in one way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.protos import Func, function, graph, meta_graph, node, write
from workbench.describe.actions import words
from workbench.findings import Finding
from workbench.session.command import commit_words
from workbench.session.lists.picking import (
    Picked,
    Refused,
    endpoint_of,
    outputs_of,
    pick,
    resolve,
    wired_endpoints,
)
from workbench.session.lists.viewer import Viewer
from workbench.session.session import Session
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source
from workbench.surgery.resolve.endpoints import Endpoint
from workbench.surgery.resolve.join import look_up

IMAGE, DIGITS = "image_base64_tf2", "digits_tf2"


@pytest.fixture
def pair(sample_models: Path) -> Session:
    session = Session()
    for name in (IMAGE, DIGITS):
        session.load(session.add(sample_models / name).path)
    return session


def end(session: Session, handle: str, name: str, key: str, side: str) -> Endpoint:
    found = session.judging.port(handle, name, key, side)  # type: ignore[arg-type]
    assert isinstance(found, Endpoint), found
    return found


def rows_of(session: Session, handle: str) -> dict[str, object]:
    viewer = Viewer(session.models[handle])
    unfolded = {("section", "callables"), ("callable", "__call__")}
    return {row.key: row for row in viewer.lister.listing(unfolded)}  # type: ignore[misc]


def test_a_key_of_a_callable_is_picked_and_wired_as_merge_writes_it(pair: Session) -> None:
    rows = rows_of(pair, IMAGE), rows_of(pair, DIGITS)
    (output,) = [key for key in rows[0] if key[:3] == ("port", "__call__", "output")]
    (into,) = [key for key in rows[1] if key[:3] == ("port", "__call__", "input")]
    picked = pick(pair, None, IMAGE, rows[0][output])  # type: ignore[arg-type]
    assert isinstance(picked, Picked)
    judged = picked.judge(pair, DIGITS, rows[1][into])  # type: ignore[arg-type]
    assert judged is not None and judged.state == "fits"
    assert pick(pair, picked, DIGITS, rows[1][into]) is None  # type: ignore[arg-type]
    wire = Connect(f"__call__#{output[3]}", f"__call__#{into[3]}")
    assert pair.plan.wires == (wire,)
    assert f"{wire.source}={wire.target}" in commit_words(pair.plan)
    outcome = pair.compute()
    assert outcome.draft is not None and outcome.errors == 0
    plain = Plan((Source(IMAGE, pair.source(IMAGE).path), Source(DIGITS, pair.source(DIGITS).path)), (wire,))
    join = look_up(plain, pair.models)
    assert not join.blocked and [str(link) for link in join.links] == [
        str(link) for link in pair.links().values()
    ]
    wired = wired_endpoints(pair)
    assert ("__call__", "output", output[3]) in wired[IMAGE].keys and not wired[IMAGE].tensors
    viewers = {handle: Viewer(model) for handle, model in pair.models.items()}
    assert resolve(pair, f"{DIGITS}@{wire.target}", viewers) == (DIGITS, into)
    assert viewers[DIGITS].lister.row_of(into) is not None
    assert viewers[DIGITS].lister.above(into) == {("section", "callables"), ("callable", "__call__")}


def test_a_model_is_joined_by_its_callable_or_by_something_else(pair: Session) -> None:
    pixels = end(pair, IMAGE, "serving_default", "pixels", "source")
    rows = rows_of(pair, DIGITS)
    (into,) = [key for key in rows if key[:3] == ("port", "__call__", "input")]
    by_call = end(pair, DIGITS, "__call__", into[3], "target")
    by_key = end(pair, DIGITS, "serving_default", "myInput", "target")
    assert pair.judge(pixels, by_call).state == pair.judge(pixels, by_key).state == "fits"
    pair.wire(pixels, by_call)
    no = pair.judge(pixels, end(pair, DIGITS, "serving_default", "myInput", "target"))
    assert (no.state, no.code) == ("no", "R1-callables")
    assert pair.judge(pixels, end(pair, DIGITS, "__call__", into[3], "target")).code == "R2-twice"
    pair.undo()
    pair.wire(pixels, by_key)
    inner = end(pair, DIGITS, "__call__", into[3], "target")
    judged = pair.judge(pixels, inner)
    assert judged.code == "R1-callables" and judged.reason.startswith(f"{DIGITS}@myInput is wired.")
    pair.undo()
    for wire in (Connect("pixels", "serving_default#myInput"), Connect("pixels", inner.written)):
        pair.add_wire(wire)
    assert "R1-callables" in {finding.code for finding in pair.compute().findings}, "as merge says of it"


def test_a_callable_can_be_the_chosen_signature(pair: Session) -> None:
    pair.choose_signature(DIGITS, "__call__")
    (wire,) = pair.suggestions()
    assert wire.source == "pixels"
    pair.add_wire(wire)
    assert pair.chosen(DIGITS) == "__call__" and pair.compute().draft is not None
    pair.choose_signature(DIGITS, "serving_default")
    found = pair.judging.port(DIGITS, "__call__", "x", "target")
    assert isinstance(found, Finding) and "signature-of" in words(found.hint, "command line"), (
        "as merge refuses it"
    )


def test_what_can_not_be_picked_says_why(pair: Session) -> None:
    rows = rows_of(pair, DIGITS)
    found = pick(pair, None, DIGITS, rows["callable", "__call__"])  # type: ignore[arg-type,index]
    assert isinstance(found, Refused)


def with_two_outputs(folder: Path) -> Path:
    """`pair` gives indices and values of the largest; its body hands on the second output first."""
    top = node("top", "TopKV2", "x", "k:output:0", T=1)
    body = function("f", ["x"], node("k", "Const", dtype=3), top, returns={"second": "top:indices:0"})
    body.signature.output_arg[0].type = 3
    call = node("call", "PartitionedCall", "in", f=Func("f"), Tin=[1], Tout=[3])
    nodes = (node("in", "Placeholder", dtype=1), call, node("split", "Unique", "in", T=1, out_idx=9))
    return write(folder, meta_graph(graph(*nodes, functions=[body]), serving_default=({"x": "in:0"}, {})))


def test_each_output_of_a_node_can_be_picked(sample_models: Path, tmp_path: Path) -> None:
    session = Session()
    for path in (with_two_outputs(tmp_path / "two"), sample_models / "digits"):
        session.load(session.add(path).path)
    view = Viewer(session.models["two"])
    row = view.lister.row_of(("node", "", "split"))
    assert row is not None and outputs_of(session, "two", row) == 2
    ends = [endpoint_of(session, "two", row, "source", index) for index in range(2)]
    assert [(one.written, one.dtypes) for one in ends if isinstance(one, Endpoint)] == [
        ("split", (1,)),
        ("split:1", (9,)),
    ]
    rows = list(view.lister.listing({("section", "nodes"), ("node", "", "call")}))
    result = next(row for row in rows if row.kind == "result")
    found = endpoint_of(session, "two", result, "source")
    assert isinstance(found, Endpoint) and (found.written, found.dtypes) == ("call::top:1", (3,))
    said = view.teller.tell(next(row for row in rows if row.text == "top"))
    assert any("int32" in "".join(span.text for span in line) for line in said.lines)
