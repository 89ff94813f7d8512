"""Counts of variables, alike in every face: on hand-made lists, and on a sample model with nodes added."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.tools import call
from workbench.disk import schema
from workbench.model import open_model
from workbench.model.variables import Counts, Variable, count_variables
from workbench.session.lists.viewer import Viewer


def variable(name: str, key: str | None, nbytes: int | None = 8, trainable: bool | None = True) -> Variable:
    return Variable(name, "VarHandleOp", False, "", key, 1, (2,), nbytes, None, trainable)


def test_what_nothing_restores_is_counted_apart() -> None:
    a, b, again = variable("a", "A"), variable("b", "B", trainable=False), variable("a_1", "A")
    twin, local = variable("Variable", None), variable("local", None)
    assert count_variables([a, b], {}) == Counts(2, 16, 1, 0, 0, True)
    assert count_variables([a, b, twin, local], {"Variable": a}) == Counts(2, 16, 1, 1, 1, True)
    assert count_variables([a, again], {}) == Counts(2, 8, 2, 0, 0, True), (
        "bytes that two nodes read count once"
    )
    assert count_variables([twin, local], {}) == Counts(2, 16, 2, 0, 0, False)
    assert count_variables([variable("a", "A", None)], {}).nbytes is None
    assert count_variables([], {}) == Counts(0, None, 0, 0, 0, False)


def test_every_face_counts_alike(
    sample_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sample_models / "digits", tmp_path / "m")
    file = tmp_path / "m" / "saved_model.pb"
    proto = schema.SavedModel.FromString(file.read_bytes())
    graph = proto.meta_graphs[0].graph_def
    handle = next(node for node in graph.node if node.op == "VarHandleOp")
    for name in ("one", "two", "three"):
        extra = graph.node.add()
        extra.CopyFrom(handle)
        extra.name = name
        extra.attr["shared_name"].s = name.encode()
    file.write_bytes(proto.SerializeToString())
    page = call(capsys, "inspect", tmp_path / "m")
    assert "2 variables  31.4 kB, 2 trainable, 3 more that nothing restores" in page.out
    viewer = Viewer(open_model(tmp_path / "m"))
    section = ("section", "variables")
    rows = list(viewer.lister.listing({section}))
    head = next(row for row in rows if row.key == section)
    assert head.columns == ("2", "31.4 kB")
    listed = [row for row in rows if row.kind == "variable"]
    assert [row.aside == "not restored" for row in listed] == [False] * 2 + [True] * 3
    told = viewer.teller.tell(next(row for row in rows if row.kind == "model"))
    said = ["".join(span.text for span in line) for line in told.lines]
    assert any(
        line.split(maxsplit=1)[1:] == ["2, 31.4 kB, 2 trainable, 3 more that nothing restores"]
        for line in said
    )
