"""Control edges in a join: kept where something has an effect, left out where they only hold an input."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.protos import Func, Shape, const, function, graph, meta_graph, node, write
from workbench.model import MetaGraph
from workbench.surgery.plan import Plan


def model(folder: Path, *held: object, controls: tuple[str, ...], functions: tuple[object, ...] = ()) -> Path:
    """`x` → `mid` → `y`, where `y` waits for what `held` computes from `other`."""
    four = Shape((None, 4))
    found = graph(
        node("x", "Placeholder", dtype=1, shape=four),
        node("other", "Placeholder", dtype=7, shape=Shape((None,))),
        node("mid", "Identity", "x", T=1),
        *held,
        node("y", "AddV2", "mid", "mid", *controls, T=1),
        functions=functions,
    )
    return write(folder, meta_graph(found, serving_default=({"x": "x:0", "other": "other:0"}, {"y": "y:0"})))


def first(folder: Path) -> Path:
    found = graph(node("a", "Placeholder", dtype=1, shape=Shape((None, 4))), node("b", "Identity", "a", T=1))
    return write(folder, meta_graph(found, serving_default=({"a": "a:0"}, {"b": "b:0"})))


TABLE = node("table", "HashTableV2", key_dtype=7, value_dtype=9)
LOOK = node("look", "LookupTableFindV2", "table", "other", "default", Tin=7, Tout=9)
FUNCTION = function("reads", ["a:7"], node("b", "StringLower", "a"))
WRITER = function("writes", ["a:7"], node("b", "PrintV2", "a", output_stream="stderr"))


@pytest.mark.parametrize(
    ("held", "functions"),
    [
        ([TABLE, const("default", "?"), LOOK], ()),
        ([TABLE, const("default", "?"), LOOK, node("again", "LookupTableSizeV2", "table", "^look")], ()),
        ([node("look", "StatefulPartitionedCall", "other", f=Func("reads"), Tin=[7], Tout=[])], (FUNCTION,)),
        ([node("draw", "RandomStandardNormal", "shape"), node("look", "NoOp", "^lower", "^draw"),
          node("lower", "StringLower", "other"), node("shape", "StringLength", "other")], ()),
    ],
    ids=["lookup", "chain", "call", "random"],
)  # fmt: skip
def test_reads_hold_no_input(tmp_path: Path, held: list[object], functions: tuple[object, ...]) -> None:
    controls = ("^again",) if any(one.name == "again" for one in held) else ("^look",)  # type: ignore[attr-defined]
    second = model(tmp_path / "second", *held, controls=controls, functions=functions)
    draft = wb.apply(Plan.join(first(tmp_path / "first"), second, wires=["b=%mid"]))
    assert list(draft.meta.signatures["serving_default"].inputs) == ["a"]
    assert not [text for text in draft.meta.nodes["second/y"].input if text.startswith("^")]
    assert "second/other" not in draft.meta.nodes


@pytest.mark.parametrize(
    ("held", "functions"),
    [
        ([node("look", "PrintV2", "other", output_stream="stderr")], ()),
        ([node("look", "StatefulPartitionedCall", "other", f=Func("writes"), Tin=[7], Tout=[])], (WRITER,)),
        ([node("print", "PrintV2", "other", output_stream="stderr"), node("look", "NoOp", "^print")], ()),
        ([node("same", "Equal", "other", "other", T=7), node("look", "Assert", "same", "other", T=[7])], ()),
    ],
    ids=["print", "call", "group", "assert"],
)
def test_what_has_an_effect_holds_its_input(
    tmp_path: Path, held: list[object], functions: tuple[object, ...]
) -> None:
    second = model(tmp_path / "second", *held, controls=("^look",), functions=functions)
    draft = wb.apply(Plan.join(first(tmp_path / "first"), second, wires=["b=%mid"]))
    assert list(draft.meta.signatures["serving_default"].inputs) == ["a", "other"]
    assert "^second/look" in draft.meta.nodes["second/y"].input


def test_a_control_edge_into_a_branch_of_tf1_stays(tmp_path: Path) -> None:
    """A constant of a branch is in it by its control edge alone."""
    held = [
        node("which", "Placeholder", dtype=10, shape=Shape(())),
        node("switch", "Switch", "which", "which", T=10),
        node("pivot", "Identity", "switch:1", T=10),
        const("look", "?"),
    ]
    held[-1].input.append("^pivot")
    second = model(tmp_path / "second", *held, controls=("^look",))
    draft = wb.apply(Plan.join(first(tmp_path / "first"), second, wires=["b=%mid"]))
    assert list(draft.meta.nodes["second/look"].input) == ["^second/pivot"]
    assert isinstance(draft.meta, MetaGraph)
