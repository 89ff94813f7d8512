"""The committed sample models are the ones in the manifest, and do what their README says."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

LABELS = range(10)
NOT_BUILT = {"MANIFEST.json", "README.md", "build.py"}


def manifest(sample_models: Path) -> dict:
    return json.loads((sample_models / "MANIFEST.json").read_text())


def committed(sample_models: Path) -> set[str]:
    return {
        path.relative_to(sample_models).as_posix()
        for path in sample_models.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_manifest_names_every_file_and_no_other(sample_models: Path) -> None:
    assert committed(sample_models) - NOT_BUILT == set(manifest(sample_models)["files"])


def test_files_are_those_of_the_manifest(sample_models: Path) -> None:
    for name, fact in manifest(sample_models)["files"].items():
        data = (sample_models / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (fact["bytes"], fact["sha256"]), name


def test_small_and_without_paths_of_the_machine_that_built_them(sample_models: Path) -> None:
    files = [sample_models / name for name in committed(sample_models) - {"build.py"}]
    assert sum(path.stat().st_size for path in files) < 400_000
    for path in files:
        for word in (b"site-packages", b"build.py\x12", b"/home/", b"/root/", b"/usr/", b"/tmp/"):
            assert word not in path.read_bytes(), (path, word)


def test_the_classifier_is_as_good_as_promised(sample_models: Path) -> None:
    digits = manifest(sample_models)["digits"]
    assert digits["test_accuracy"] >= 0.90
    assert digits["train_count"] + digits["test_count"] == 10_000
    readme = (sample_models / "README.md").read_text()
    assert f"{digits['test_accuracy']:.1%}".replace("%", " %") in readme


def run_v1(folder: Path, feeds: dict[str, object], key: str) -> np.ndarray:
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        signature = graph.signature_def["serving_default"]
        named = {signature.inputs[name].name: value for name, value in feeds.items()}
        return session.run(signature.outputs[key].name, named)


def run_v2(folder: Path, feeds: dict[str, object], key: str) -> np.ndarray:
    import tensorflow as tf

    function = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return function(**{name: tf.constant(value) for name, value in feeds.items()})[key].numpy()


def png(sample_models: Path, label: int) -> bytes:
    return (sample_models / f"digits_png/sample-{label}.png").read_bytes()


def web_safe(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data)


@pytest.mark.needs_tf
@pytest.mark.parametrize("run", [run_v1, run_v2])
def test_the_ten_images_are_read_as_the_manifest_says(sample_models: Path, run) -> None:
    told = manifest(sample_models)["images"]
    assert len(told) == 10
    for label in LABELS:
        text = web_safe(png(sample_models, label))
        pixels = run(sample_models / "image_base64", {"base64_input": text}, "pixels")
        assert pixels.shape == (1, 784)
        assert pixels.min() == 0
        assert 0.8 < pixels.max() <= 1
        probabilities = run(sample_models / "digits", {"myInput": pixels}, "myOutput")
        np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
        fact = told[f"digits_png/sample-{label}.png"]
        assert fact["label"] == label
        assert fact["predicted"] == int(probabilities.argmax())


def test_the_readme_tells_how_many_of_the_ten_are_right(sample_models: Path) -> None:
    told = manifest(sample_models)["images"].values()
    assert sum(fact["label"] == fact["predicted"] for fact in told) == 9
    assert "nine of\nthe ten right" in (sample_models / "README.md").read_text()


@pytest.mark.needs_tf
def test_tf2_variants_equal_tf1(sample_models: Path) -> None:
    for label in LABELS:
        feeds = {"base64_input": web_safe(png(sample_models, label))}
        pixels = run_v1(sample_models / "image_base64", feeds, "pixels")
        np.testing.assert_array_equal(pixels, run_v2(sample_models / "image_base64_tf2", feeds, "pixels"))
        feeds = {"myInput": pixels}
        np.testing.assert_allclose(
            run_v1(sample_models / "digits", feeds, "myOutput"),
            run_v2(sample_models / "digits_tf2", feeds, "myOutput"),
            rtol=1e-6,
        )


@pytest.mark.needs_tf
@pytest.mark.parametrize("run", [run_v1, run_v2])
def test_the_batch_model_gives_the_same_pixels(sample_models: Path, run) -> None:
    images = [png(sample_models, label) for label in LABELS]
    batch = run(sample_models / "image_bytes_batch", {"image_bytes": images}, "pixels")
    single = [
        run(sample_models / "image_base64", {"base64_input": web_safe(image)}, "pixels")[0]
        for image in images[:3]
    ]
    assert batch.shape == (10, 784)
    np.testing.assert_array_equal(batch[:3], single)


@pytest.mark.needs_tf
def test_the_batch_model_takes_jpeg_too_and_other_sizes(sample_models: Path) -> None:
    import tensorflow as tf

    grey = np.linspace(0, 255, 60 * 50).reshape(60, 50, 1).astype(np.uint8)
    images = [tf.io.encode_jpeg(np.repeat(grey, 3, 2)).numpy(), tf.io.encode_png(grey).numpy()]
    pixels = run_v2(sample_models / "image_bytes_batch", {"image_bytes": images}, "pixels")
    assert pixels.shape == (2, 784)
    np.testing.assert_allclose(pixels[0], pixels[1], atol=0.05)


@pytest.mark.needs_tf
def test_weights_live_in_the_checkpoint_and_not_in_the_graph(sample_models: Path) -> None:
    import tensorflow as tf

    for name in ("digits", "digits_tf2"):
        reader = tf.train.load_checkpoint(str(sample_models / name / "variables" / "variables"))
        shapes = [shape for shape in reader.get_variable_to_shape_map().values() if shape]
        assert sorted(shapes) == [[10], [784, 10]]
        assert (sample_models / name / "saved_model.pb").stat().st_size < 784 * 10 * 4
    assert not (sample_models / "image_base64" / "variables").exists()


@pytest.mark.needs_tf
def test_lessons_are_told_the_truth_about_their_models(sample_models: Path) -> None:
    """Ink is read as chalk; a merge by `import_scope` gives one model the weights of the other; both roots agree."""
    array = {name: np.load(sample_models / f"digits_npy/{name}-3.npy") for name in ("chalk", "ink")}
    right = run_v1(sample_models / "digits", {"myInput": array["chalk"]}, "myOutput")
    ink = run_v1(sample_models / "digits_ink", {"myInput": array["ink"]}, "myOutput")
    np.testing.assert_allclose(ink, right, atol=1e-5)
    mixed = run_v1(sample_models / "digits_mixed_up", array, "chalk_scores")
    assert right.argmax() == 3 and mixed.argmax() == 5
    np.testing.assert_allclose(run_v1(sample_models / "digits_mixed_up", array, "ink_scores"), ink, atol=1e-6)
    for name, run in (("square_root", run_v1), ("square_root_tf2", run_v2)):
        number = {"number": np.float32(2)}
        assert abs(float(run(sample_models / name, number, "root")) - 2**0.5) < 1e-4
        assert int(run(sample_models / name, number, "rounds")) == 3
