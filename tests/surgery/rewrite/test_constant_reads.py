"""What each op makes of a value where a variable's handle came before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protos import node
from tests.surgery.importing import written
from workbench.disk import schema
from workbench.disk.optable import OpTable
from workbench.surgery.rewrite.constant_reads import ConvertedBody, Obstacle

FLOAT, INT, RESOURCE = 1, 3, 20


class Work:
    """What a conversion shares, of one graph without functions."""

    def __init__(self) -> None:
        self.op_table = OpTable(schema.OpList())
        self.once: set[str] = set()
        self.edits: list[Any] = []
        self.obstacles: list[Obstacle] = []
        self.made: list[Any] = []

    def refuse(self, obstacle: Obstacle) -> None:
        self.obstacles.append(obstacle)

    def op_def(self, node: Any) -> Any:
        return self.op_table.get(node.op)

    def new_node(self, level: ConvertedBody, name: str, op: str) -> Any:
        self.made.append(schema.NodeDef(name=name, op=op))
        return self.made[-1]

    def called(self, level: ConvertedBody, node: Any, inputs: Any, variable: str) -> Any:
        return None


def converted(
    *nodes: Any, references: tuple[str, ...] = (), once: tuple[str, ...] = ()
) -> tuple[Work, list[str]]:
    """The graph after its variable `w`, float32, became a value."""
    work = Work()
    work.once.update(once)
    copies = {one.name: one for one in nodes}
    ConvertedBody(work, copies, "").run({("w", 0): (FLOAT, "w")}, references)
    for edit in work.edits:
        edit()
    return work, written([*copies.values(), *work.made])


READS = {
    "ReadVariableOp": (node("r", "ReadVariableOp", "w", "^c", dtype=FLOAT), ["r = Identity(w, ^c)"]),
    "VariableShape": (node("r", "VariableShape", "w", out_type=INT), ["r = Shape(w)"]),
    "ResourceGatherNd": (node("r", "ResourceGatherNd", "w", "i", Tindices=INT), ["r = GatherNd(w, i)"]),
    "ResourceGather": (
        node("r", "ResourceGather", "w", "i", Tindices=INT), ["r = GatherV2(w, i, r/axis)", "r/axis = Const()"],
    ),
    "VarIsInitializedOp": (node("r", "VarIsInitializedOp", "w"), ["r = Const(^w)"]),
    "DisableCopyOnRead": (node("r", "DisableCopyOnRead", "w", "^c"), ["r = NoOp(^c)"]),
    "Identity": (node("r", "Identity", "w", T=RESOURCE), ["r = Identity(w)"]),
}  # fmt: skip


@pytest.mark.parametrize(("reads", "after"), READS.values(), ids=READS)
def test_reads(reads: Any, after: list[str]) -> None:
    work, lines = converted(reads)
    assert (lines, work.obstacles) == (after, [])


def test_dtypes_of_what_a_read_becomes() -> None:
    reads = [node("r", "ReadVariableOp", "w", dtype=FLOAT), node("s", "Switch", "w", "p", T=RESOURCE)]
    converted(*reads)
    assert dict(reads[0].attr) == {"T": schema.AttrValue(type=FLOAT)}
    assert reads[1].attr["T"].type == FLOAT


def test_values_flow_through_switches_and_loops() -> None:
    """Both outputs of a Switch, and what enters a frame, are values then."""
    work, lines = converted(
        node("s", "Switch", "w", "p", T=RESOURCE),
        node("e", "Enter", "s:1", T=RESOURCE),
        node("r", "ReadVariableOp", "e", dtype=FLOAT),
        node("q", "ReadVariableOp", "s", dtype=FLOAT),
    )
    assert lines == ["s = Switch(w, p)", "e = Enter(s:1)", "r = Identity(e)", "q = Identity(s)"]
    assert work.obstacles == []


def test_a_writer_is_an_obstacle() -> None:
    work, lines = converted(node("a", "AssignAddVariableOp", "w", "x", dtype=FLOAT))
    (found,) = work.obstacles
    assert (found.variable, found.node, found.op) == ("w", "a", "AssignAddVariableOp")
    assert lines == ["a = AssignAddVariableOp(w, x)"]


def test_an_assignment_that_runs_once_becomes_nothing_to_do() -> None:
    work, lines = converted(node("a", "AssignVariableOp", "w", "x", "^c", dtype=FLOAT), once=("a",))
    assert (lines, work.obstacles) == (["a = NoOp(^c)"], [])


def test_a_merge_with_another_value_is_an_obstacle() -> None:
    work, _ = converted(node("m", "Merge", "w", "other", T=RESOURCE))
    assert [found.why for found in work.obstacles] == ["another value than a variable flows together with it"]


def test_references() -> None:
    """What takes the value of a reference stays as it is; what needs the reference is an obstacle."""
    work, lines = converted(
        node("r", "Identity", "w", T=FLOAT), node("y", "Neg", "w", T=FLOAT), references=("w",)
    )
    assert (lines, work.obstacles) == (["r = Identity(w)", "y = Neg(w)"], [])
    work, _ = converted(node("a", "AssignSub", "w", "x", T=FLOAT), references=("w",))
    assert [found.op for found in work.obstacles] == ["AssignSub"]
    work, lines = converted(node("r", "RefIdentity", "w", T=FLOAT), references=("w",))
    assert (lines, work.obstacles) == (["r = Identity(w)"], [])
