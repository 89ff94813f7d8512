"""What the walk says loading runs is what TensorFlow runs: each case loaded, a file tells."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.graph.loading_cases import CASES, Case
from tests.zoo.tools import edit
from workbench.checks.unsafe import unsafe_ops
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


def change(case: Case) -> Callable[[Any], None]:
    """A case as a change of the model."""

    def do(proto: Any) -> None:
        objects = proto.meta_graphs[0].object_graph_def
        ids = {"root": 0} | {one.local_name: one.node_id for one in objects.nodes[0].children}
        ids["signature"] = objects.nodes[ids["signatures"]].children[0].node_id
        case.edit(objects, ids)

    return do


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_fires_was_found(model: tuple[Path, Path], case: Case, tmp_path: Path) -> None:
    import tensorflow as tf

    base, mark = model
    folder = Path(shutil.copytree(base, tmp_path / "m"))

    edit(folder, change(case))
    found = {label for one in unsafe_ops(open_model(folder).meta, []) for label in one.signatures}
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


def test_a_layer_asks_its_endpoint_for_a_function(model: tuple[Path, Path], tmp_path: Path) -> None:
    import keras

    base, mark = model
    folder = Path(shutil.copytree(base, tmp_path / "m"))
    edit(folder, change(by_name("an endpoint that traces itself")))
    mark.unlink(missing_ok=True)
    with pytest.raises(AttributeError):
        keras.layers.TFSMLayer(str(folder), call_endpoint="sub")
    assert mark.exists()


def by_name(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


@pytest.mark.parametrize("place", ["main graph", "function"])
@pytest.mark.parametrize("loader", ["v1", "v2"])
def test_importing_runs_constants_behind_shapes(
    model: tuple[Path, Path], tmp_path: Path, place: str, loader: str
) -> None:
    """Nothing reaches the node, and it is not stateful; importing its graph writes a file."""
    import tensorflow as tf

    base, _ = model
    written = tmp_path / "written"
    folder = Path(shutil.copytree(base, tmp_path / "m"))

    def shaped() -> None:
        numbers = tf.constant([2, 3], name="numbers")
        shape = tf.raw_ops.DebugIdentity(
            input=numbers, tensor_name="numbers:0", debug_urls=[f"file://{written}"], name="debug"
        )
        tf.raw_ops.Reshape(tensor=tf.zeros([6], name="zeros"), shape=shape, name="shaped")

    def plant(proto: Any) -> None:
        with tf.Graph().as_default() as graph:
            shaped()
        nodes = graph.as_graph_def().node
        meta = proto.meta_graphs[0]
        if place == "main graph":
            meta.graph_def.node.extend(nodes)
        else:
            body = meta.graph_def.library.function.add(node_def=nodes)
            body.signature.name = "unused"
            for node in body.node_def:
                node.input[:] = [f"{name}:output:0" for name in node.input]

    edit(folder, plant)
    shutil.rmtree(written)
    found = {one.node: one.signatures for one in unsafe_ops(open_model(folder).meta, [])}
    assert found == {"debug": ("(import)",)}
    if loader == "v1":
        with tf.compat.v1.Session(graph=tf.Graph()) as session:
            tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
    else:
        tf.saved_model.load(str(folder))
    assert written.exists() == ((loader == "v1") == (place == "main graph")), "each imports one of them"
