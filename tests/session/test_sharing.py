"""Inputs that models share, in a session: picking, verdicts, undo, the command line, models that go."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.session.test_session import end, parsed
from tests.surgery.tiny import doubler, typed
from workbench.errors import UsageError
from workbench.session.command import command_line
from workbench.session.lists.picking import Picked, Refused, best, pick, wired_endpoints
from workbench.session.lists.viewer import Viewer
from workbench.session.pictures.preview import Subject, View
from workbench.session.session import Session
from workbench.session.steps import fill
from workbench.surgery.operations.concat import Concat
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.mean import Mean
from workbench.surgery.operations.set import Set
from workbench.surgery.operations.share import Share
from workbench.surgery.resolve.endpoints import Endpoint


@pytest.fixture
def three(tmp_path: Path) -> Session:
    """Handles `a`, `b`, `c`: x float32 [?,4] → y. `d` takes int32."""
    session = Session()
    for handle in "abc":
        session.load(session.add(doubler(tmp_path / handle).save()).path)
    session.load(session.add(typed(tmp_path / "d", "int32")).path)
    return session


def x(session: Session, handle: str) -> Endpoint:
    return end(session, handle, "x", "target")


def test_a_third_input_joins_those_that_share(three: Session) -> None:
    three.share(x(three, "a"), x(three, "b"))
    assert three.plan.steps == (Share({"x": ["a@x", "b@x"]}),)
    three.share(x(three, "c"), x(three, "b"))
    assert three.plan.steps == (Share({"x": ["a@x", "b@x", "c@x"]}),)
    assert three.unconnected == ["d"]
    assert three.undo() == "share x with b@x" and three.unconnected == ["c", "d"]
    assert three.redo() is not None and three.plan.shares[0].inputs == (("x", ("a@x", "b@x", "c@x")),)
    assert all(wired_endpoints(three)[handle].tensors == {"x:0"} for handle in "abc")


def test_verdicts(three: Session) -> None:
    judge = three.judging.judge_share(x(three, "a"), x(three, "d"))
    assert (judge.state, judge.code) == ("no", "share-dtype") and "cast int32" in (judge.hint or "")
    with pytest.raises(UsageError, match="takes int32"):
        three.share(x(three, "a"), x(three, "d"))
    assert three.judging.judge_share(x(three, "a"), x(three, "b")).reason == (
        "One input of the result, float32 [?,4], feeds both."
    )
    three.share(x(three, "a"), x(three, "b"))
    again = three.judging.judge_share(x(three, "b"), x(three, "a"))
    assert (again.state, again.code) == ("no", "R2-twice")
    taken = three.judge(end(three, "c", "y", "source"), x(three, "a"))
    assert taken.state == "no" and taken.reason == "The input shares the value of 'x'."
    three.add_wire(Connect("a@y", "c@x"))
    wired = three.judging.judge_share(x(three, "c"), x(three, "b"))
    assert wired.state == "no" and "already wired, from a@y" in wired.reason


def test_two_inputs_are_picked(three: Session) -> None:
    listers = {handle: Viewer(model).lister for handle, model in three.models.items()}
    listing = {handle: one.listing(one.unfolded_at_first(None)) for handle, one in listers.items()}
    row = {
        handle: next(rows[at] for at in range(len(rows)) if rows[at].kind == "input")
        for handle, rows in listing.items()
    }
    picked = pick(three, None, "a", row["a"])
    assert isinstance(picked, Picked) and picked.side == "target"
    judged = picked.judge(three, "b", row["b"])
    assert judged is not None and judged.state == "fits"
    refused = pick(three, picked, "d", row["d"])
    assert isinstance(refused, Refused) and refused.title == "Cannot be shared"
    assert pick(three, picked, "b", row["b"]) is None
    assert three.plan.shares == (Share({"x": ["a@x", "b@x"]}),)
    found = best(three, picked, "c", listing["c"])
    assert found is not None and listing["c"][found].kind == "input", "no output of c can feed a shared input"


def test_the_line_makes_the_same_plan(three: Session) -> None:
    three.close("d")
    three.add_step(Set("x", [[1.0] * 4]))
    three.share(x(three, "a"), x(three, "b"))
    assert [step.NAME for step in three.plan.steps] == ["share", "set"], "models are connected first"
    three.add_step(Mean({"m": ["a@y", "b@y"]}))
    three.set_plan("side by side", side_by_side=True)
    words = shlex.split(command_line(three.plan))
    assert "--share" in words and "x=a@x,b@x" in words and "--side-by-side" in words
    assert parsed(words)[0] == three.plan
    three.add_step(Share({"p=q": ["c@x"]}))
    assert parsed(shlex.split(command_line(three.plan)))[0] == three.plan


def test_models_that_go_share_nothing(three: Session) -> None:
    three.share(x(three, "a"), x(three, "b"))
    three.share(x(three, "a"), x(three, "c"))
    three.rename("b", "second")
    assert three.plan.shares == (Share({"x": ["a@x", "second@x", "c@x"]}),)
    three.close("a")
    assert three.plan.shares == (Share({"x": ["second@x", "c@x"]}),)
    three.close("c")
    assert three.plan.shares == ()


def test_the_picture_has_one_box_for_the_shared_input(three: Session) -> None:
    for handle in "dc":
        three.close(handle)
    three.share(x(three, "a"), x(three, "b"))
    draft = three.compute().draft
    assert draft is not None
    subject = Subject.of_draft(draft)
    assert subject.seam == ("a/x", "b/x")
    scene = subject.scene(View(expanded=frozenset({"a", "b"})))
    boxes = {node.id: node for node in scene.nodes}
    (shared,) = (node for node in scene.nodes if node.path == "x")
    fed = [boxes[edge.target].owner for edge in scene.edges if edge.source == shared.id]
    assert sorted(map(str, fed)) == ["a", "b"] and not shared.owner


def test_the_forms_of_steps_that_name_several(three: Session) -> None:
    assert fill("share", {"inputs": "x=a@x,b@x size=size"}).step == Share({"x": "a@x,b@x", "size": "size"})
    assert fill("mean", {"outputs": "m=a@y,b@y", "keep": True}).step == Mean({"m": ["a@y", "b@y"]}, keep=True)
    assert fill("concat", {"outputs": '{"m": ["a@y", "b@y"]}', "axis": "0"}).step == Concat(
        {"m": "a@y,b@y"}, 0
    )
    filled = fill("concat", {"outputs": "m", "axis": "one"})
    assert filled.problems == {
        "outputs": "The field 'outputs' of concat is m; it has to be KEY=NAME,NAME, or an object of lists of texts.",
        "axis": "The field 'axis' of concat is one; it has to be a whole number.",
    }
