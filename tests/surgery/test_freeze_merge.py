"""`merge --freeze`: variables captured by calls, loops and branches become constants, once each in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sampling import plainly
from tests.surgery.tools import Models, draft_of, plan_of
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child

PAIRS = {
    "calls": ("tf2_nested_functions", "tf2_module", "y=x"),
    "loops and branches as functions": ("tf2_while", "tf2_cond", "y=x"),
    "loops and branches of the first kind": ("v1_while_ref", "v1_cond", "y=x"),
    "partitioned and reference variables": ("v1_ref_partitioned", "v1_partitioned_columns", "y=x"),
    "a map and a batch function": ("tf2_map_fn", "tf2_batch_function", "y=x"),
    "custom gradients, the same model twice": ("tf2_custom_gradient", "tf2_custom_gradient", "y=x"),
    "a table of TF1": ("v1_hash_table", "v1_simple_save", "y=x"),
    "a table of TF2": ("tf2_hash_table", "tf2_module", "y=x"),
}


@pytest.mark.parametrize(
    "name",
    plainly(
        PAIRS,
        *("calls", "loops and branches as functions", "partitioned and reference variables"),
        *("custom gradients, the same model twice", "a table of TF2"),
    ),
)
def test_a_frozen_join_is_verified(models: Models, child: Child, tmp_path: Path, name: str) -> None:
    a, b, wire = PAIRS[name]
    draft = draft_of(plan_of(models, {"a": a, "b": b}, [wire], freeze=True))
    report = commit(draft, tmp_path / "frozen", proving=Proving(), child=child)
    assert report.verdict == "verified", report.reason
    assert report.path is not None
    assert open_model(report.path).meta.variables == ()


def test_a_constant_stands_once_in_the_file(models: Models, child: Child, tmp_path: Path) -> None:
    plan = plan_of(models, {"img": "image_base64_tf2", "net": "digits_tf2"}, ["pixels=myInput"], freeze=True)
    draft = draft_of(plan)
    report = commit(draft, tmp_path / "frozen", proving=Proving(), child=child)
    assert report.verdict == "verified", report.reason
    assert report.path is not None
    meta = open_model(report.path).meta
    assert meta.has_object_graph
    weights = next(node for node in meta.nodes.values() if node.op == "Const" and node.ByteSize() > 31_000)
    content = weights.attr["value"].tensor.tensor_content
    assert (report.path / "saved_model.pb").read_bytes().count(content) == 1
