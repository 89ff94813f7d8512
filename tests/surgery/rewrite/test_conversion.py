"""Values in place of handles through calls, loops and branches, on graphs of a few nodes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protos import Func, function, node
from tests.surgery.importing import written
from workbench.disk import schema
from workbench.disk.optable import OpTable
from workbench.surgery.rewrite.variables_to_constants import Conversion

FLOAT, BOOL, RESOURCE = 1, 10, 20

READS = function(
    "reads", ["x:1", "w:20"],
    node("r", "ReadVariableOp", "w", dtype=FLOAT), node("y", "Mul", "x", "r:value:0", T=FLOAT),
    returns={"out": "y:z:0"},
)  # fmt: skip
WRITES = function(
    "writes", ["x:1", "w:20"], node("a", "AssignVariableOp", "w", "x", dtype=FLOAT), returns={"out": "x"}
)
NESTED = function(
    "nested", ["x:1", "w:20"],
    node("c", "PartitionedCall", "x", "w", f=Func("reads"), Tin=[FLOAT, RESOURCE], Tout=[FLOAT]),
    returns={"out": "c:output:0"},
)  # fmt: skip
PASSES = function("passes", ["w:20"], node("i", "Identity", "w", T=RESOURCE), returns={"w": "i:output:0"})
PASSES.signature.output_arg[0].type = RESOURCE
STOPS = function("stops", ["x:1", "w:20"], node("p", "Const", dtype=BOOL), returns={"out": "p:output:0"})
STEP = function("step", ["x:1", "w:20"], *READS.node_def, returns={"x": "y:z:0", "w": "w"})
STEP.signature.output_arg[1].type = RESOURCE
TURNS = function("turns", ["x:1", "w:20"], *READS.node_def, returns={"x": "y:z:0", "w": "x"})
ITSELF = function(
    "itself", ["w:20"], node("c", "PartitionedCall", "w", f=Func("itself"), Tin=[RESOURCE], Tout=[])
)
KEEPS = function(
    "keeps", ["w:20"], node("r", "ReadVariableOp", "w", dtype=FLOAT), returns={"out": "r:value:0"}
)
LIBRARY = {
    one.signature.name: one for one in (KEEPS, READS, WRITES, NESTED, PASSES, STOPS, STEP, TURNS, ITSELF)
}


def call(name: str, inputs: tuple[str, ...] = ("x", "w"), outs: tuple[int, ...] = (FLOAT,)) -> Any:
    types = [RESOURCE if text == "w" else FLOAT for text in inputs]
    return node("call", "StatefulPartitionedCall", *inputs, f=Func(name), Tin=types, Tout=list(outs))


def conversion(*nodes: Any) -> Conversion:
    by_name = {one.name: one for one in nodes}

    def add(name: str, op: str) -> Any:
        by_name[name] = schema.NodeDef(name=name, op=op)
        return by_name[name]

    return Conversion(by_name, LIBRARY, OpTable(schema.OpList()), add)


def converted(*nodes: Any) -> dict[str, Any]:
    """The functions that were made, after the variable `w`, float32, became a value."""
    work = conversion(*nodes)
    assert work.follow({"w": FLOAT}) == []
    return work.apply()


def test_a_call_gets_a_copy_that_takes_the_value() -> None:
    caller = call("reads")
    made = converted(caller)
    assert list(made) == ["reads__frozen"]
    assert written(made["reads__frozen"].node_def) == ["r = Identity(w)", "y = Mul(x, r:output:0)"]
    assert [one.type for one in made["reads__frozen"].signature.input_arg] == [FLOAT, FLOAT]
    assert caller.attr["f"].func.name == "reads__frozen"
    assert list(caller.attr["Tin"].list.type) == [FLOAT, FLOAT]
    assert written(READS.node_def)[0] == "r = ReadVariableOp(w)"


def test_nested_calls() -> None:
    made = converted(call("nested"))
    assert set(made) == {"nested__frozen", "reads__frozen"}
    assert made["nested__frozen"].node_def[0].attr["f"].func.name == "reads__frozen"


def test_two_calls_share_a_copy() -> None:
    other = call("reads")
    other.name = "other"
    assert list(converted(call("reads"), other)) == ["reads__frozen"]


def test_a_call_that_gives_the_handle_back() -> None:
    caller = call("passes", ("w",), (RESOURCE,))
    reader = node("r", "ReadVariableOp", "call", dtype=FLOAT)
    made = converted(caller, reader)
    assert made["passes__frozen"].signature.output_arg[0].type == FLOAT
    assert list(caller.attr["Tout"].list.type) == [FLOAT]
    assert written([reader]) == ["r = Identity(call)"]


def test_a_loop_that_hands_it_on() -> None:
    loop = node("loop", "While", "x", "w", cond=Func("stops"), body=Func("step"), T=[FLOAT, RESOURCE])
    after = node("r", "ReadVariableOp", "loop:1", dtype=FLOAT)
    made = converted(loop, after)
    assert set(made) == {"stops__frozen", "step__frozen"}
    assert list(loop.attr["T"].list.type) == [FLOAT, FLOAT]
    assert written([after]) == ["r = Identity(loop:1)"]


def test_branches() -> None:
    taken = node(
        "if", "If", "p", "x", "w",
        then_branch=Func("reads"), else_branch=Func("nested"), Tin=[FLOAT, RESOURCE], Tout=[FLOAT],
    )  # fmt: skip
    assert set(converted(taken)) == {"reads__frozen", "nested__frozen"}
    assert (taken.attr["then_branch"].func.name, taken.attr["else_branch"].func.name) == (
        "reads__frozen",
        "nested__frozen",
    )


OBSTACLES = {
    "a function that writes": (call("writes"), "AssignVariableOp", "writes to it"),
    "a loop that changes it": (
        node("loop", "While", "x", "w", cond=Func("stops"), body=Func("turns"), T=[FLOAT, RESOURCE]),
        "While", "does not hand the variable on",
    ),
    "a function that is not there": (call("gone"), "", "is not known well enough"),
    "a function that calls itself": (call("itself", ("w",), ()), "", "calls itself"),
    "branches of which one gives it back": (
        node("if", "If", "p", "w", then_branch=Func("passes"), else_branch=Func("keeps"), Tin=[RESOURCE]),
        "If", "do not all give the variable back",
    ),
    "an op that is not known": (node("far", "SomebodysOp", "w"), "SomebodysOp", "writes to it or needs it"),
}  # fmt: skip


@pytest.mark.parametrize(("user", "op", "why"), OBSTACLES.values(), ids=OBSTACLES)
def test_obstacles_change_nothing(user: Any, op: str, why: str) -> None:
    copy = schema.NodeDef.FromString(user.SerializeToString())
    work = conversion(copy)
    found = work.follow({"w": FLOAT})
    assert found and found[0].variable == "w"
    assert any(one.op == op and why in one.why for one in found)
    assert copy == user
