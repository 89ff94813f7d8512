"""The steps from inputs to outputs, on graphs of a few nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.protos import Func, function, graph, meta_graph, node, write
from workbench.model import open_model
from workbench.probing.steps import path_steps

FLOAT = 1
INNER = function(
    "inner", ["a:1", "w:20"],
    node("read", "ReadVariableOp", "w", dtype=FLOAT), node("h", "Mul", "a", "read:value:0", T=FLOAT),
    returns={"out": "h:z:0"},
)  # fmt: skip


def steps(folder: Path, meta: Any) -> list[str]:
    meta_ = open_model(write(folder, meta)).meta
    return [one.address for one in path_steps(meta_, meta_.signature())]


def test_only_what_depends_on_an_input_in_order(tmp_path: Path) -> None:
    """Not the order of the file; nothing of variables, of the saver, or of other outputs."""
    meta = meta_graph(
        graph(
            node("y", "Neg", "sum", T=FLOAT),
            node("sum", "AddV2", "same", "read", T=FLOAT),
            node("same", "Identity", "x", T=FLOAT),
            node("x", "Placeholder", dtype=FLOAT),
            node("w", "VarHandleOp", dtype=FLOAT),
            node("read", "ReadVariableOp", "w", dtype=FLOAT),
            node("other", "Exp", "x", T=FLOAT),
        ),
        serving_default=({"x": "x:0"}, {"y": "y:0"}),
    )
    assert steps(tmp_path / "m", meta) == ["x:0", "sum:0", "y:0"]


def test_calls_and_loops_are_entered(tmp_path: Path) -> None:
    meta = meta_graph(
        graph(
            node("x", "Placeholder", dtype=FLOAT),
            node("w", "VarHandleOp", dtype=FLOAT),
            node("call", "StatefulPartitionedCall", "x", "w", f=Func("inner"), Tin=[FLOAT, 20], Tout=[FLOAT]),
            node("loop", "While", "call", "w", cond=Func("inner"), body=Func("inner"), T=[FLOAT, 20]),
            node("y", "Neg", "loop", T=FLOAT),
            functions=(INNER,),
        ),
        serving_default=({"x": "x:0"}, {"y": "y:0"}),
    )
    assert steps(tmp_path / "m", meta) == ["x:0", "call::h:0", "loop[body]::h:0", "loop:0", "y:0"]


def test_a_call_that_gets_no_input_is_left_out(tmp_path: Path) -> None:
    meta = meta_graph(
        graph(
            node("x", "Placeholder", dtype=FLOAT),
            node("k", "Const", dtype=FLOAT),
            node("w", "VarHandleOp", dtype=FLOAT),
            node("call", "StatefulPartitionedCall", "k", "w", f=Func("inner"), Tin=[FLOAT, 20], Tout=[FLOAT]),
            node("y", "AddV2", "call", "x", T=FLOAT),
            functions=(INNER,),
        ),
        serving_default=({"x": "x:0"}, {"y": "y:0"}),
    )
    assert steps(tmp_path / "m", meta) == ["x:0", "y:0"]


def test_a_loop_of_tf1_ends(tmp_path: Path) -> None:
    meta = meta_graph(
        graph(
            node("x", "Placeholder", dtype=FLOAT),
            node("enter", "Enter", "x", T=FLOAT),
            node("merge", "Merge", "enter", "next", T=FLOAT),
            node("next", "NextIteration", "half", T=FLOAT),
            node("half", "Neg", "merge", T=FLOAT),
            node("y", "Exit", "merge", T=FLOAT),
        ),
        serving_default=({"x": "x:0"}, {"y": "y:0"}),
    )
    assert steps(tmp_path / "m", meta) == ["x:0", "merge:0", "half:0", "y:0"]
