"""Networks of keras.applications with their published preprocessing rebuilt as a chain, on real photographs.

Weights are random: what is compared is the numbers that go in. The sources of TF1 and Keras 3 have variables, those of
TF2 and the GraphDef constants.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.surgery.adapters.pictures import strings
from tests.surgery.networks import small_mobilenet
from workbench.runtime.child_process.child import Child

pytestmark = pytest.mark.needs_tf

PHOTOS = [path.read_bytes() for path in sorted((Path(__file__).parent / "photos").glob("*.[!m]*"))]
SIZE = 32
CHAINS = {
    "mobilenet_v2": f"decode-image | resize {SIZE} {SIZE} | scale 1/127.5 offset=-1",
    "resnet50": f"decode-image | resize {SIZE} {SIZE} | color RGB>BGR | mean 103.939 116.779 123.68",
    "densenet": f"decode-image | resize {SIZE} {SIZE} | scale 1/255 | mean 0.485 0.456 0.406 | std 0.229 0.224 0.225",
}


def pixels() -> Any:
    """The photographs as `tf.image.resize` makes them for a network: float32 [4,32,32,3], 0-255."""
    import tensorflow as tf

    images = [tf.io.decode_image(data, channels=0, expand_animations=False) for data in PHOTOS]
    return np.stack([tf.image.resize(image, (SIZE, SIZE)).numpy() for image in images])


def network(name: str, whole: bool = False) -> Any:
    """A network with the layers of `keras.applications`.

    Args:
        name: of the module there.
        whole: with all its blocks (one of each size in ResNet and DenseNet), which take many seconds to export.
    """
    import keras

    keras.utils.set_random_seed(5)
    make = {"mobilenet_v2": mobile, "resnet50": residual, "densenet": dense}[name]
    return make(keras, (SIZE, SIZE, 3), whole)  # the smallest pictures that they take


def mobile(keras: Any, shape: tuple[int, ...], whole: bool) -> Any:
    if whole:
        return keras.applications.MobileNetV2(shape, 0.35, weights=None, classes=6)
    return small_mobilenet(keras.Input(shape), 6)


def residual(keras: Any, shape: tuple[int, ...], whole: bool) -> Any:
    from keras.src.applications.resnet import ResNet, stack_residual_blocks_v1

    def blocks(x: Any) -> Any:
        for at, filters in enumerate((64, 128, 256, 512) if whole else (16,)):
            x = stack_residual_blocks_v1(x, filters, 1, stride1=2 if at else 1, name=f"conv{at + 2}")
        return x

    return ResNet(blocks, False, True, weights=None, input_shape=shape, classes=6)


def dense(keras: Any, shape: tuple[int, ...], whole: bool) -> Any:
    from keras.src.applications import densenet

    if whole:
        return densenet.DenseNet([1, 2, 1, 1], weights=None, input_shape=shape, classes=6)
    layers = keras.layers
    image = keras.Input(shape)
    x = layers.Conv2D(8, 7, strides=2, use_bias=False)(layers.ZeroPadding2D(3)(image))
    x = densenet.dense_block(x, 1, name="conv2")
    x = densenet.transition_block(x, 0.5, name="pool2")
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(image, layers.Dense(6, "softmax")(layers.GlobalAveragePooling2D()(x)))


WHOLE = [pytest.param(False, id="blocks"), pytest.param(True, id="whole", marks=pytest.mark.exhaustive)]


def preprocess(name: str) -> Any:
    import keras

    return getattr(keras.applications, name).preprocess_input


def wanted(name: str, model: Any) -> Any:
    """What Keras computes of the photographs, preprocessed by itself."""
    return np.asarray(model(preprocess(name)(pixels().copy()), training=False))


def served(name: str, source: Path, folder: Path, child: Child, pictures: Any = None) -> Any:
    """What the adapted model, verified, computes of the files in each loader."""
    (key,) = wb.open_model(source).meta.signatures["serving_default"].inputs
    plan = wb.Plan.edit(wb.open_model(source), wb.Adapt(before={key: CHAINS[name]}))
    report = wb.commit(wb.apply(plan), folder, child=child)
    assert report.verdict == "verified", report.reason
    found = []
    for loader in ("v1", "v2"):
        result = wb.run(wb.open_model(folder), {key: strings(*PHOTOS)}, loader=loader, child=child)  # type: ignore[arg-type]
        found.append(next(iter(result.values())))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)
    return found[0]


# -- one small network in each kind of source


@pytest.fixture(scope="module", params=WHOLE)
def mobilenet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, dict[str, Path]]:
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    folder = tmp_path_factory.mktemp("mobilenet")
    model = network("mobilenet_v2", request.param)
    model.export(str(folder / "keras"), verbose=False)
    spec = tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32, name="image")
    function = tf.function(lambda image: {"scores": model(image, training=False)}, input_signature=[spec])
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    (folder / "graph.pb").write_bytes(frozen.graph.as_graph_def().SerializeToString())
    module = tf.Module()
    module.serve = tf.function(lambda image: {"scores": frozen(image)[0]}, input_signature=[spec])
    tf.saved_model.save(module, str(folder / "tf2"), signatures=module.serve)
    plan = wb.Plan.edit(folder / "keras", wb.Flatten("tf1"))
    wb.commit(wb.apply(plan), folder / "tf1", verify=False)
    return model, {
        "tf1": folder / "tf1",
        "tf2": folder / "tf2",
        "keras": folder / "keras",
        "graphdef": folder / "graph.pb",
    }


@pytest.mark.parametrize("kind", ["tf1", "tf2", "keras", "graphdef"])
def test_a_network_of_each_kind_of_source(
    mobilenet: tuple[Any, dict[str, Path]], kind: str, tmp_path: Path, child: Child
) -> None:
    model, sources = mobilenet
    found = served("mobilenet_v2", sources[kind], tmp_path / "served", child)
    np.testing.assert_allclose(found, wanted("mobilenet_v2", model), rtol=1e-4)
    assert wb.open_model(tmp_path / "served").meta.has_object_graph == (kind in ("tf2", "keras"))


# -- the other two ways of preprocessing


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("name", ["resnet50", "densenet"])
def test_a_network_with_a_mean_for_each_colour(name: str, whole: bool, tmp_path: Path, child: Child) -> None:
    model = network(name, whole)
    model.export(str(tmp_path / "model"), verbose=False)
    found = served(name, tmp_path / "model", tmp_path / "served", child)
    np.testing.assert_allclose(found, wanted(name, model), rtol=1e-4, atol=1e-6)


# -- preprocessing that was exported with the network


def rescaling(x: Any) -> Any:
    import keras

    return keras.layers.Rescaling(1 / 127.5, offset=-1)(x)


def normalization(x: Any) -> Any:
    import keras

    scaled = keras.layers.Rescaling(1 / 255)(x)
    return keras.layers.Normalization(mean=(0.485, 0.456, 0.406), variance=(0.0524, 0.0502, 0.0506))(scaled)


def halved(x: Any) -> Any:
    return x * 2.0 - 1.0


INSIDE: dict[str, tuple[Callable[[], Callable[[Any], Any]], str]] = {
    "caffe": (lambda: preprocess("resnet50"), ""),
    "torch": (lambda: preprocess("densenet"), ""),
    "efficientnet": (lambda: normalization, ""),
    "tf": (lambda: preprocess("mobilenet_v2"), "whether red or blue comes first"),
    "mobilenet_v3": (lambda: rescaling, "whether red or blue comes first"),
    "0-1": (lambda: halved, "whether red or blue comes first"),
    "nothing": (lambda: lambda x: x, "whether red or blue comes first and the range of the numbers"),
}


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    import keras

    folder = tmp_path_factory.mktemp("inside")

    def make(name: str) -> Path:
        x = keras.Input((8, 8, 3), name="image")
        y = keras.layers.Conv2D(2, 3)(INSIDE[name][0]()(x))
        keras.Model(x, y).export(str(folder / name), verbose=False)
        return folder / name

    return make


@pytest.mark.parametrize("name", INSIDE)
def test_what_the_graph_shows_of_preprocessing_in_it(inside: Callable[[str], Path], name: str) -> None:
    step = wb.Adapt(before={"image": "auto"})
    found = wb.check(wb.Plan.edit(inside(name), step))
    asked = INSIDE[name][1]
    if not asked:
        assert found.draft is not None, list(found)
        assert found.draft.plan.steps == (wb.Adapt(before={"image": "decode-image | resize 8 8"}),)
        return
    (error,) = (one for one in found if one.severity == "error")
    assert error.message == f"The graph does not show {asked}."
    scaled = "| scale 1/255" if name in ("0-1", "nothing") else ""
    assert f"decode-image | resize 8 8 {scaled}".strip() in [
        line.strip() for line in str(error.hint).splitlines()
    ]
