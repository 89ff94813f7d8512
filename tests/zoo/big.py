"""Models with many nodes, variables or bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.zoo.example import Example, floats, maker, numbers, tf
from tests.zoo.tools import fill, placeholder, save, v1_session, variable
from tests.zoo.v2 import module_of, save_module


@maker("tf1", "chain", "big", "slow")
def v1_thousand_variables(folder: Path) -> Example:
    """1,000 variables of four numbers, added one after the other."""
    with v1_session() as session:
        y = x = placeholder()
        for i in range(1000):
            y = y + variable(f"scope_{i // 100}/var_{i:04}", [4])
        y = tf.identity(y, name="y")
        fill(session, "thousand")
        path = save(folder, session, inputs={"x": x}, outputs={"y": y})
    return Example(path=path, inputs=floats(), variables=1000, checkpoint_keys=1000)


@maker("tf2", "chain", "big", "slow")
def tf2_thousand_variables(folder: Path) -> Example:
    """1,000 variables in a module: long traced save and restore functions, an object graph to match."""
    values = [tf.Variable(numbers(str(i), (4,)), name=f"var_{i}") for i in range(1000)]
    module = module_of(
        lambda self, x: x + tf.add_n([tf.convert_to_tensor(var) for var in self.values]), values=values
    )
    return Example(
        path=save_module(folder, module),
        callables=("__call__",),
        inputs=floats(),
        variables=1000,
        checkpoint_keys=1001,
        object_graph=True,
    )


def application(folder: Path, name: str, **facts: Any) -> Example:
    """A model of `keras.applications` with random weights, exported."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model = getattr(keras.applications, name)(weights=None, input_shape=(224, 224, 3))
    path = folder / "model"
    model.export(str(path), verbose=False)
    return Example(
        path=path,
        signatures=("serve", "serving_default"),
        callables=("serve",),
        inputs=floats("keras_tensor", tail=(224, 224, 3)),
        outputs=("output_0",),
        batches=(1,),
        object_graph=True,
        **facts,
    )


@maker("tf2", "keras", "big", "slow")
def keras_mobilenet_v2(folder: Path) -> Example:
    """MobileNetV2, 14 MB of weights."""
    return application(folder, "MobileNetV2", variables=786, checkpoint_keys=525)


@maker("tf2", "keras", "big", "slow")
def keras_resnet50(folder: Path) -> Example:
    """ResNet50, 103 MB of weights."""
    return application(folder, "ResNet50", variables=960, checkpoint_keys=641)
