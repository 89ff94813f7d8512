"""State of any kind that the checkpoint fills: freezing names and refuses it; what another MetaGraph needs stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.protos import Func, const, function, graph, meta_graph, node, write
from tests.surgery.tools import changed
from workbench.disk import dtypes
from workbench.disk.checkpoint.bundle_write import join
from workbench.disk.dtypes import FLOAT
from workbench.model import MetaGraph, Model, open_model
from workbench.surgery.draft import Draft
from workbench.surgery.export.restored_state import restored
from workbench.surgery.operations.freeze import Freeze

READ = [
    const("file", "model"),
    const("keys", "state"),
    const("slices", ""),
    node("restore", "RestoreV2", "file", "keys", "slices", dtypes=[FLOAT]),
    node("restore_all", "NoOp", "^fill"),
]
SERVED = [node("x", "Placeholder", dtype=FLOAT), node("y", "CustomRead", "state", "x")]


def model(folder: Path, *nodes: object, functions: tuple[object, ...] = ()) -> Model:
    made = meta_graph(graph(*nodes, functions=functions), serving_default=({"x": "x:0"}, {"y": "y:0"}))
    made.saver_def.filename_tensor_name = "file:0"
    made.saver_def.restore_op_name = "restore_all"
    return open_model(write(folder, made))


IMPORT = function(
    "import", ["handle:20", "file:7"],
    const("keys", "state"), const("slices", ""),
    node("restore", "RestoreV2", "file", "keys", "slices", dtypes=[FLOAT]),
    node("fill", "CustomFill", "handle", "restore:tensors:0"),
)  # fmt: skip
BY_NAME = function(
    "import", ["file:7"],
    node("same", "CustomState", shared_name="one"),
    const("keys", "state"), const("slices", ""),
    node("restore", "RestoreV2", "file", "keys", "slices", dtypes=[FLOAT]),
    node("fill", "CustomFill", "same:handle:0", "restore:tensors:0"),
)  # fmt: skip
CALLED = [const("file", "model"), node("restore_all", "NoOp", "^fill")]
KINDS = {
    "a mutable table": [
        node("state", "MutableHashTableV2"),
        node("fill", "LookupTableImportV2", "state", "restore", "restore:1"),
        *READ,
    ],
    "an op that TensorFlow does not have": [
        node("state", "CustomState"), node("fill", "CustomFill", "state", "restore"), *READ,
    ],
    "a barrier": [node("state", "Barrier"), node("fill", "BarrierInsertMany", "state", "restore"), *READ],
    "through ops that only compute": [
        node("state", "StackV2"), node("handle", "Identity", "state"), node("half", "Cast", "restore"),
        node("fill", "StackPushV2", "handle", "half"), *READ,
    ],
    "a variable, but not as its value": [
        node("state", "VarHandleOp", dtype=FLOAT, shared_name="state"),
        node("fill", "ResourceScatterUpdate", "state", "keys", "restore"), *READ,
    ],
    "a variable whose value is computed": [
        node("state", "VarHandleOp", dtype=FLOAT, shared_name="state"), node("half", "Mul", "restore", "restore"),
        node("fill", "AssignVariableOp", "state", "half"), *READ,
    ],
    "in a function that is given it": [
        node("state", "CustomState"), node("fill", "PartitionedCall", "state", "file", f=Func("import")), *CALLED,
    ],
    "in a function that opens it by its name": [
        node("state", "CustomState", shared_name="one"),
        node("fill", "StatefulPartitionedCall", "file", f=Func("import")), *CALLED,
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_checkpoint_fills_is_named_and_refused(tmp_path: Path, kind: str) -> None:
    functions = (IMPORT if "given" in kind else BY_NAME,) if "function" in kind else ()
    opened = model(tmp_path / "m", *KINDS[kind], *SERVED, functions=functions)
    (tmp_path / "m" / "variables").mkdir()
    join([], tmp_path / "m" / "variables" / "variables", extra={"other": (dtypes.FLOAT, (), b"\0" * 4)})
    edit = changed(opened, Freeze())
    errors = [finding for finding in edit.findings if finding.severity == "error"]
    assert [(finding.code, finding.where) for finding in errors] == [("freeze-state", "state")]
    assert "The checkpoint fills this" in errors[0].message


PLAIN = {
    "a table that only the init op fills": [
        node("state", "HashTableV2", key_dtype=FLOAT, value_dtype=FLOAT),
        node("set", "InitializeTableV2", "state", "keys", "keys", Tkey=FLOAT, Tval=FLOAT),
       
        node("v", "VarHandleOp", dtype=FLOAT, shared_name="v"), node("fill", "AssignVariableOp", "v", "restore"), *READ,
    ],
    "what restoring only waits for": [
        node("state", "CustomState"), node("v", "VarHandleOp", dtype=FLOAT, shared_name="v"),
        node("fill", "AssignVariableOp", "v", "restore", "^state"), *READ,
    ],
    "no saver": [node("state", "MutableHashTableV2", key_dtype=FLOAT, value_dtype=FLOAT)],
}  # fmt: skip


@pytest.mark.parametrize("kind", PLAIN)
def test_other_state_stays_as_it_is(tmp_path: Path, kind: str) -> None:
    opened = model(tmp_path / "m", *PLAIN[kind], *SERVED)
    edit = changed(opened, Freeze())
    assert isinstance(edit, Draft), edit.findings
    assert "state" in {one.name for one in edit.workspace.meta_graph.graph_def.node}


def test_a_variable_that_takes_its_value_as_it_is_becomes_a_constant(tmp_path: Path) -> None:
    nodes = [
        node("v", "VarHandleOp", dtype=FLOAT, shared_name="v"),
        node("fill", "AssignVariableOp", "v", "restore"),
        *READ,
    ]
    found = restored(model(tmp_path / "m", *nodes, *SERVED[:1]).meta)
    assert dict(found.nodes) == {"v": "AssignVariableOp"} and found.variables == {"v"}


def test_the_checkpoint_stays_if_another_meta_graph_needs_it(tmp_path: Path) -> None:
    def meta(tags: tuple[str, ...]) -> MetaGraph:
        nodes = [
            node("state", "VarHandleOp", dtype=FLOAT, shared_name="state"),
            node("x", "Placeholder", dtype=FLOAT),
            node("read", "ReadVariableOp", "state", dtype=FLOAT),
            node("y", "AddV2", "x", "read", T=FLOAT),
            node("fill", "AssignVariableOp", "state", "restore"),
        ]
        made = meta_graph(graph(*nodes, *READ), tags, serving_default=({"x": "x:0"}, {"y": "y:0"}))
        made.saver_def.filename_tensor_name, made.saver_def.restore_op_name = "file:0", "restore_all"
        return made

    for count, kept in ((1, "drop"), (2, "copy")):
        folder = write(tmp_path / f"m{count}", *[meta((tag,)) for tag in ("serve", "train")[:count]])
        (folder / "variables").mkdir()
        join([], folder / "variables" / "variables", extra={"state": (dtypes.FLOAT, (), b"\0" * 4)})
        edit = changed(open_model(folder), Freeze())
        assert isinstance(edit, Draft), edit.findings
        assert edit.checkpoint.how == kept
        told = [finding.message for finding in edit.findings if finding.code == "freeze-checkpoint"]
        assert [("tag sets: train" in text) for text in told] == [True] * (count - 1)
        names = [copied.relative for copied in edit.files]
        assert ("variables/variables.index" in names) == (kept == "copy")
