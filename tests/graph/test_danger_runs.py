"""What the walk follows besides the nodes behind a signature is what TensorFlow really runs: each leaves a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.zoo.tools import edit
from workbench.checks.unsafe import unsafe_ops
from workbench.model import open_model
from workbench.probing.run import run
from workbench.runtime.child_process.child import Child

pytestmark = pytest.mark.needs_tf


def swapped(folder: Path, mark: str) -> Path:
    """Calls one function; grappler puts another that implements the same in its place, for the CPU."""
    import tensorflow as tf

    spec = [tf.TensorSpec([None], tf.float32)]

    def implements(device: str) -> dict[str, str]:
        return {"api_implements": "same", "api_preferred_device": device}

    @tf.function(input_signature=spec, experimental_attributes=implements("GPU"))
    def fair(x: Any) -> Any:
        return x + 1.0

    @tf.function(input_signature=spec, experimental_attributes=implements("CPU"))
    def foul(x: Any) -> Any:
        with tf.control_dependencies([tf.io.write_file(mark, "here")]):
            return x + 1.0

    class Model(tf.Module):
        @tf.function(input_signature=spec)
        def __call__(self, x: Any) -> Any:
            foul.get_concrete_function().add_to_graph()
            return fair(x)

    model = Model()
    tf.saved_model.save(model, str(folder), signatures=model.__call__.get_concrete_function())
    return folder


def other_signature(folder: Path, mark: str) -> Path:
    """The main graph calls a harmless function; the object graph has another under the same key."""
    import tensorflow as tf

    spec = [tf.TensorSpec([None], tf.float32)]

    class Model(tf.Module):
        @tf.function(input_signature=spec)
        def fair(self, x: Any) -> Any:
            return {"y": x + 1.0}

        @tf.function(input_signature=spec)
        def foul(self, x: Any) -> Any:
            with tf.control_dependencies([tf.io.write_file(mark, "here")]):
                return {"y": x + 1.0}

    model = Model()
    tf.saved_model.save(model, str(folder), signatures={"serving_default": model.fair, "foul": model.foul})

    def change(message: Any) -> None:
        meta = message.meta_graphs[0]
        nodes = meta.object_graph_def.nodes
        (signatures,) = [c.node_id for c in nodes[0].children if c.local_name == "signatures"]
        numbers = {child.local_name: child.node_id for child in nodes[signatures].children}
        fair, foul = (nodes[numbers[key]].bare_concrete_function for key in ("serving_default", "foul"))
        fair.concrete_function_name = foul.concrete_function_name
        del meta.signature_def["foul"]
        for number, gone in ((signatures, "foul"), (0, "foul")):
            for child in list(nodes[number].children):
                if child.local_name == gone:
                    nodes[number].children.remove(child)

    return edit(folder, change)


def restoring(folder: Path, mark: str) -> Path:
    """A table with values of its own: `tf.saved_model.load` calls the function that puts them back."""
    import tensorflow as tf

    class Model(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def __call__(self, x: Any) -> Any:
            return x + tf.cast(self.table.size(), tf.float32)

    model = Model()
    model.table.insert(["a"], [1])
    tf.saved_model.save(model, str(folder), signatures=model.__call__.get_concrete_function())

    def change(message: Any) -> None:
        meta = message.meta_graphs[0]
        nodes = meta.object_graph_def.nodes
        numbers = [one.restore_function for node in nodes for one in node.saveable_objects.values()]
        names = {nodes[number].bare_concrete_function.concrete_function_name for number in numbers}
        for function in meta.graph_def.library.function:
            if function.signature.name in names:
                for name, text in (("where", mark), ("what", "here")):
                    const = function.node_def.add(name=name, op="Const")
                    const.attr["dtype"].type = 7
                    const.attr["value"].tensor.dtype = 7
                    const.attr["value"].tensor.tensor_shape.SetInParent()
                    const.attr["value"].tensor.string_val.append(text.encode())
                function.node_def.add(name="w", op="WriteFile", input=["where:output:0", "what:output:0"])
                function.signature.control_output.append("w")
                function.control_ret["w"] = "w"

    return edit(folder, change)


@pytest.mark.parametrize(
    ("make", "label"),
    [(swapped, "serving_default"), (other_signature, "serving_default"), (restoring, "(load)")],
    ids=["swapped", "other-signature", "restoring"],
)
def test_it_is_found_and_it_runs(
    make: Callable[[Path, str], Path], label: str, tmp_path: Path, child: Child
) -> None:
    mark = tmp_path / "mark"
    model = open_model(make(tmp_path / "model", str(mark)))
    found = unsafe_ops(model.meta, ["serving_default"])
    assert {(one.op, label in one.signatures) for one in found} == {("WriteFile", True)}
    assert not mark.exists(), "making it runs nothing"
    values = {next(iter(model.meta.signature().inputs)): np.ones(3, np.float32)}
    if make is swapped:  # by Grappler, which a child of ours does without
        import tensorflow as tf

        tf.saved_model.load(str(model.path)).signatures["serving_default"](**values)
    else:
        run(model, values, child=child, allow_unsafe=True, loader="v2")
    assert mark.exists()
