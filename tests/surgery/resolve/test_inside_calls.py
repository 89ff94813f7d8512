"""Endpoints inside calls, in graphs of a few nodes: found, inlined in a copy, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.protos import Func, function, graph, meta_graph, node, write
from tests.surgery.importing import written
from workbench.findings import Finding
from workbench.model import Model, open_model
from workbench.surgery.resolve.inside_calls import inline_for_endpoints, look_inside

FLOAT = 1
INNER = function("inner", ["a:1"], node("h", "Exp", "a", T=FLOAT), returns={"out": "h:y:0"})
OUTER = function(
    "outer", ["a:1"],
    node("two", "PartitionedCall", "a", f=Func("inner"), Tin=[FLOAT], Tout=[FLOAT]),
    node("n", "Neg", "two:output:0", T=FLOAT),
    node("if", "If", "a", "a", then_branch=Func("inner"), else_branch=Func("inner"), Tout=[FLOAT]),
    returns={"out": "n:y:0"},
)  # fmt: skip
ROUND = function(
    "round", ["a:1"], node("again", "PartitionedCall", "a", f=Func("round"), Tin=[FLOAT], Tout=[FLOAT])
)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """`one` and `other` call `outer`, which calls `inner`; `loop` calls itself."""
    meta = meta_graph(
        graph(
            node("x", "Placeholder", dtype=FLOAT),
            node("one", "PartitionedCall", "x", f=Func("outer"), Tin=[FLOAT], Tout=[FLOAT]),
            node("other", "PartitionedCall", "x", f=Func("outer"), Tin=[FLOAT], Tout=[FLOAT]),
            node("loop", "PartitionedCall", "x", f=Func("round"), Tin=[FLOAT], Tout=[FLOAT]),
            functions=(INNER, OUTER, ROUND),
        ),
        serving_default=({"x": "x:0"}, {"y": "one:0"}),
    )
    return open_model(write(tmp_path / "m", meta))


def test_the_calls_above_it_are_inlined_and_no_others(model: Model) -> None:
    copy = inline_for_endpoints(model, "m", ["one::two::h:0"])
    assert copy.changed
    assert copy.inside == {"one::two::h:0": "one/two/h:0"}
    lines = written(copy.meta.nodes.values())
    assert "one/two/h = Exp(x)" in lines
    assert "other = PartitionedCall(x)" in lines
    assert "one/two/h" not in model.meta.nodes


def test_two_endpoints_share_the_inlined_calls(model: Model) -> None:
    copy = inline_for_endpoints(model, "m", ["one::two::h:0", "one::n:0"])
    assert dict(copy.inside) == {"one::two::h:0": "one/two/h:0", "one::n:0": "one/n:0"}


def test_looking_inside_changes_nothing(model: Model) -> None:
    found = look_inside(model.meta, "one::two::h", "m")
    assert isinstance(found, tuple)
    assert (found[0], found[1].dtype) == ("one/two/h:0", FLOAT)


REFUSED = {
    "one::too::h:0": ("R1-call", "There is no call 'too' in the body of 'one'", "two"),
    "x::h:0": ("R1-call", "calls nothing", ""),
    "one::if::h:0": ("R1-inside-body", "its body runs any number of times", "one::if:0"),
    "one::two::a:0": ("R1-argument", "is an argument of the body of 'one::two'", "input 0"),
    "one::two::g:0": ("R1-tensor", "There is no node 'g' in the body of 'one::two'", ""),
    "loop::again::again:0": ("R1-inside-call", "itself a part of", "Name the outputs"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(model: Model, text: str) -> None:
    """By the same finding, whether it is only looked at or inlined; and nothing is copied."""
    code, message, hint = REFUSED[text]
    copy = inline_for_endpoints(model, "m", [text])
    found = copy.inside[text]
    assert isinstance(found, Finding)
    assert found.code == code and message in found.message and hint in (found.hint or "")
    assert not copy.changed
    seen = look_inside(model.meta, text, found.where)
    assert isinstance(seen, Finding) and (seen.code, seen.message) == (found.code, found.message)


def test_an_output_that_is_not_there(model: Model) -> None:
    found = look_inside(model.meta, "one::two::h:3", "m")
    assert isinstance(found, Finding)
    assert (found.code, found.message) == ("R1-output", "'h' (Exp) has no output 3.")


def test_calls_of_the_saver_are_refused(tmp_path: Path) -> None:
    """Its tensors exist only while a checkpoint is read or written."""
    restore = function("restore", ["file:7"], node("r", "Identity", "file", T=7), returns={"o": "r:output:0"})
    meta = meta_graph(
        graph(
            node("name", "Placeholder", dtype=7),
            node("restored", "StatefulPartitionedCall", "name", f=Func("restore"), Tin=[7], Tout=[7]),
            functions=(restore,),
        ),
        serving_default=({}, {"y": "restored:0"}),
    )
    meta.saver_def.filename_tensor_name = "name:0"
    copy = inline_for_endpoints(open_model(write(tmp_path / "m", meta)), "m", ["restored::r:0"])
    found: Any = copy.inside["restored::r:0"]
    assert (found.code, "the saver's" in found.message) == ("R1-inside-call", True)
