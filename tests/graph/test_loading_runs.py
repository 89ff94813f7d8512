"""What the walk says loading runs is what TensorFlow runs: each case loaded, a file tells."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.graph.loading_cases import CASES, Case
from tests.zoo.tools import edit
from workbench.graph.danger import dangerous
from workbench.model import open_model

pytestmark = [pytest.mark.needs_tf, pytest.mark.exhaustive]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The model that `loading_cases.py` describes, and the file its functions write."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("loading")
    mark = folder / "mark"

    class Model(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.v = tf.Variable([2.0])
            self.sub, self.other, self.items = tf.Module(), tf.Module(), [tf.Module()]
            filled = tf.lookup.KeyValueTensorInitializer(tf.constant(["a"]), tf.constant([1]))
            self.table = tf.lookup.StaticHashTable(filled, -1)

        @tf.function(input_signature=[])
        def writes(self) -> Any:
            tf.io.write_file(str(mark), "x")
            return tf.constant(1.0)

        @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
        def saves(self, name: Any) -> Any:
            tf.io.write_file(str(mark), "x")
            return [{"name": tf.constant(""), "slice_spec": tf.constant(""), "tensor": tf.constant([1.0])}]

        @tf.function(input_signature=[tf.TensorSpec([1], tf.float32)])
        def takes(self, x: Any) -> Any:
            tf.io.write_file(str(mark), "x")
            return x

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def fair(self, x: Any) -> Any:
            found = tf.cast(self.table.lookup(tf.constant("a")), tf.float32)
            return {"y": x * self.v + found}

    made = Model()
    tf.saved_model.save(made, str(folder / "model"), signatures={"s": made.fair})
    yield folder / "model", mark


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_fires_was_found(model: tuple[Path, Path], case: Case, tmp_path: Path) -> None:
    import tensorflow as tf

    base, mark = model
    folder = Path(shutil.copytree(base, tmp_path / "m"))

    def change(proto: Any) -> None:
        objects = proto.meta_graphs[0].object_graph_def
        ids = {"root": 0} | {one.local_name: one.node_id for one in objects.nodes[0].children}
        ids["signature"] = objects.nodes[ids["signatures"]].children[0].node_id
        case.edit(objects, ids)

    edit(folder, change)
    found = {label for one in dangerous(open_model(folder).meta, []) for label in one.signatures}
    mark.unlink(missing_ok=True)
    try:
        loaded = tf.saved_model.load(str(folder))
    except Exception:  # a method that gives something else than it should: what it did is done
        loaded = None
    before = mark.exists()
    del loaded
    gc.collect()
    gc.collect()
    assert (before and "(load)" not in found, mark.exists() and not found) == (False, False)
    assert mark.exists() == case.fires
