"""What a result must not lose, though its numbers agree: trainable flags, tables, assets, defaults of signatures."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sampling import plainly
from tests.surgery.tools import Models, changed, draft_of, flattened, frozen, plan_of
from workbench.disk import tensor_proto
from workbench.model import Model, open_model
from workbench.publishing.commit import commit
from workbench.surgery.draft import Draft
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan

pytestmark = pytest.mark.needs_tf

FORMATS = ["tf1", "tf2"]


def opened(models: Models, name: str) -> Model:
    source = models(name)
    return open_model(source.path, source.tags)


def merged(models: Models, target: Path, a: str, b: str, wire: str, **options: Any) -> Model:
    commit(draft_of(plan_of(models, {"a": a, "b": b}, [wire], **options)), target, verify=False)
    return open_model(target)


def edits(model: Model) -> dict[str, Draft]:
    rename = ChangeSignature(rename={"serving_default": "predict"})
    return {
        "flat": flattened(model),
        "signature": changed(model, rename),
        "frozen": frozen(model),
    }


# -- trainable flags


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("a", "b", "wire"),
    [
        ("keras_dense", "keras_dense", "output_0=keras_tensor"),
        ("v1_ref_and_resource", "tf2_equal_names", "y=x"),
        ("tf2_optimizer", "v1_adam_slots", "y=x"),
    ],
)
def test_flags_of_variables(models: Models, tmp_path: Path, a: str, b: str, wire: str, form: str) -> None:
    expected = {
        f"{handle}/{variable.name}": bool(variable.trainable)
        for handle, name in (("a", a), ("b", b))
        for variable in opened(models, name).meta.variables
        if variable.key is not None
    }
    result = merged(models, tmp_path / "out", a, b, wire, format=form)
    got = {one.name: bool(one.trainable) for one in result.meta.variables if one.key is not None}
    assert got and got == {name: expected[name] for name in got}
    assert set(got.values()) == {True, False} or a == "keras_dense"


def test_what_is_listed_is_what_is_read(models: Models, tmp_path: Path) -> None:
    """An export of Keras has each variable twice; its lists, and what its functions read, are the same ones."""
    import tensorflow as tf

    merged(models, tmp_path / "out", "keras_dense", "keras_dense", "output_0=keras_tensor", format="tf2")
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    for name in ("variables", "trainable_variables"):
        read = {one.ref() for one in getattr(loaded.signatures["serving_default"], name)}
        listed = [one.ref() for one in getattr(loaded, name)]
        parts = [one.ref() for part in (loaded.a, loaded.b) for one in getattr(part, name)]
        assert len(listed) == len(parts) > 0
        assert set(listed) == set(parts) == read


def test_flags_in_tensorflow(models: Models, tmp_path: Path) -> None:
    """BatchNormalization's statistics stay out of what is trained, in both formats."""
    import tensorflow as tf

    for form in FORMATS:
        merged(models, tmp_path / form, "tf2_image", "keras_conv", "image=keras_tensor", format=form)
        loaded = tf.saved_model.load(str(tmp_path / form))
        floats = [one for one in loaded.variables if one.dtype == tf.float32]
        moving = {one.name for one in floats if "moving_" in one.name}
        fixed = {one.name for one in floats if not one.trainable}
        # the export has each variable twice, in the TF1 format under the name `Variable_N`
        assert moving and {name for name in fixed if "Variable" not in name} == moving, form
        if form == "tf2":
            assert {one.name for one in loaded.trainable_variables} == {one.name for one in floats} - moving


@pytest.mark.parametrize("kind", ["flat", "signature"])
@pytest.mark.parametrize("name", ["keras_conv", "v1_ref_and_resource", "tf2_optimizer"])
def test_flags_after_an_edit(models: Models, tmp_path: Path, name: str, kind: str) -> None:
    model = opened(models, name)
    commit(edits(model)[kind], tmp_path / "out", verify=False)
    before, after = (
        {one.node: one.trainable for one in each.meta.variables}
        for each in (model, open_model(tmp_path / "out"))
    )
    assert after == before and after


# -- tables and assets


TABLES = [("v1_hash_table", "v1_hash_table_other"), ("tf2_hash_table", "tf2_hash_table_other")]


def lookups(path: Path, words: list[bytes]) -> dict[str, list[Any]]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    signature = next(iter(loaded.signatures.values()))
    (key,) = signature.structured_input_signature[1]
    return {name: value.numpy().tolist() for name, value in signature(**{key: tf.constant(words)}).items()}


@pytest.mark.parametrize(("first", "last"), TABLES)
def test_all_entries_of_tables_and_the_bytes_of_assets(
    models: Models, tmp_path: Path, first: str, last: str
) -> None:
    """Two models whose assets have the same name and other words, kept apart; a table looks up every word it has."""
    sources = {handle: opened(models, name) for handle, name in (("a", first), ("c", last))}
    words = {handle: model.meta.assets[0].path.read_bytes().split() for handle, model in sources.items()}
    assert words["a"] != words["c"]
    alone = {handle: lookups(model.path, words[handle]) for handle, model in sources.items()}
    for form in FORMATS:
        plan = plan_of(
            models,
            {"a": first, "b": "v1_key_value_table", "c": last},
            ["a@ids = b@ids", "b@y = c@words"],
            format=form,
            keep_outputs=True,
        )
        target = tmp_path / form
        commit(draft_of(plan), target, verify=False)
        result = open_model(target)
        files = {asset.filename: asset.path.read_bytes() for asset in result.meta.assets}
        assert {f"{handle}_vocab.txt" for handle in sources} <= set(files)
        for handle, model in sources.items():
            assert files[f"{handle}_vocab.txt"] == model.meta.assets[0].path.read_bytes()
        found = lookups(target, words["a"])
        assert alone["a"]["ids"] in list(found.values())


@pytest.mark.parametrize(
    ("name", "kind"),
    plainly(
        list(
            product(
                ["v1_hash_table", "tf2_hash_table", "keras_string_lookup"], ["flat", "signature", "frozen"]
            )
        ),
        ("v1_hash_table", "signature"),
        ("tf2_hash_table", "flat"),
        ("tf2_hash_table", "frozen"),
        ("keras_string_lookup", "frozen"),
    ),
)
def test_tables_after_an_edit(models: Models, tmp_path: Path, name: str, kind: str) -> None:
    model = opened(models, name)
    commit(edits(model)[kind], tmp_path / "out", verify=False)
    words = [b"ant", b"bee", b"cat", b"none"]
    if model.meta.assets:
        words = [*model.meta.assets[0].path.read_bytes().split(), b"none"]
    words = words[:2] if name == "keras_string_lookup" else words
    shaped: Any = [words] if name == "keras_string_lookup" else words
    assert lookups(tmp_path / "out", shaped) == lookups(model.path, shaped)
    before, after = (
        {one.filename: one.path.read_bytes() for one in each.meta.assets}
        for each in (model, open_model(tmp_path / "out"))
    )
    assert before == after


# -- defaults of signatures


def default(model: Model, signature: str, key: str) -> Any:
    proto = model.meta.signatures[signature].inputs[key].default
    return None if proto is None else tensor_proto.to_array(proto).tolist()


@pytest.mark.parametrize("form", FORMATS)
def test_defaults_of_a_signature(models: Models, tmp_path: Path, form: str) -> None:
    result = merged(models, tmp_path / "out", "tf2_module", "tf2_default_inputs", "y=x", format=form)
    assert default(result, "serving_default", "scale") == 3.0
    again = Plan.join(a=tmp_path / "out", b=models("tf2_module").path, wires=["y=x"])
    commit(draft_of(again.with_result(format=form)), tmp_path / "again", verify=False)
    assert default(open_model(tmp_path / "again"), "serving_default", "scale") == 3.0


@pytest.mark.parametrize("kind", ["flat", "signature", "frozen"])
def test_defaults_after_an_edit(models: Models, tmp_path: Path, kind: str) -> None:
    model = opened(models, "tf2_default_inputs")
    commit(edits(model)[kind], tmp_path / "out", verify=False)
    key = "predict" if kind == "signature" else "serving_default"
    assert (
        default(open_model(tmp_path / "out"), key, "scale")
        == default(model, "serving_default", "scale")
        == 3.0
    )


def test_a_call_may_leave_out_what_has_a_default(models: Models, tmp_path: Path) -> None:
    import tensorflow as tf

    merged(models, tmp_path / "out", "v1_simple_save", "tf2_default_inputs", "y=x", format="tf2")
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    x = tf.ones([2, 4])
    wanted = loaded(x, tf.constant(3.0)).numpy()
    np.testing.assert_array_equal(loaded(x).numpy(), wanted)
    np.testing.assert_array_equal(loaded(x=x).numpy(), wanted)
    np.testing.assert_array_equal(loaded.serve(x).numpy(), wanted)
    np.testing.assert_array_equal(loaded({"x": x, "scale": tf.constant(3.0)}).numpy(), wanted)
    np.testing.assert_allclose(loaded(x, scale=tf.constant(6.0)).numpy(), wanted * 2, rtol=1e-6)
    np.testing.assert_allclose(loaded({"scale": tf.constant(6.0), "x": x}).numpy(), wanted * 2, rtol=1e-6)
    layer = tf.keras.layers.TFSMLayer(str(tmp_path / "out"))
    np.testing.assert_array_equal(layer({"x": x, "scale": tf.constant(3.0)}).numpy(), wanted)


# -- an optimizer's slots


def test_slots_of_an_optimizer_that_no_longer_loads(models: Models, tmp_path: Path) -> None:
    """TensorFlow can't load the source; of the result it loads all, the slots with their values."""
    import tensorflow as tf
    from tensorflow.python.checkpoint.graph_view import ObjectGraphView

    model = opened(models, "tf2_old_optimizer")
    merged(models, tmp_path / "out", "tf2_old_optimizer", "v1_simple_save", "y=x", format="tf2")
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    assert model.bundle is not None
    saved = {
        key.partition("/.OPTIMIZER_SLOT/optimizer/")[2].partition("/")[0]: model.bundle.array(key)
        for key in model.bundle
        if key.startswith("weights/.OPTIMIZER_SLOT")
    }
    assert sorted(saved) == ["m", "v"]
    children = ObjectGraphView(loaded).children(loaded.a.optimizer)
    slots = {name: value for name, value in children.items() if name.startswith("slot_")}
    for kind, value in saved.items():
        assert any(
            name.endswith(kind) and np.array_equal(slot.numpy(), value) for name, slot in slots.items()
        )
