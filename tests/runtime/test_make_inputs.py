"""Inputs made from the graph: what is noticed, and that real models run on them."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runtime.models import placeholder, save, variable
from tests.sampling import plainly
from tests.zoo import ZOO, Example, names
from tests.zoo.common import COMMON, commonly
from tests.zoo.example import tf
from workbench.model import MetaGraph, open_model
from workbench.runtime.api import run_signature
from workbench.runtime.child_process.child import Child
from workbench.runtime.child_process.private_copy import Copies
from workbench.runtime.component_tensors import input_components
from workbench.runtime.inputs.make_inputs import STYLES, Inputs, Unmakeable, make_inputs, sample_maker
from workbench.runtime.inputs.values import complete

pytestmark = pytest.mark.needs_tf

Maker = Callable[..., Inputs]


@pytest.fixture
def made(child: Child, tmp_path: Path) -> Maker:
    """Saves a v1 model, makes an input for it and runs it: what can't be run fails the test."""

    def make(build: Any, **arguments: Any) -> Inputs:
        folder = tmp_path / f"model{len(list(tmp_path.iterdir()))}"
        save(folder, build)
        return _made(child, folder, **arguments)

    return make


def _made(child: Child, folder: Path, **arguments: Any) -> Inputs:
    model = open_model(folder)
    signature = model.meta.signature()
    inputs = make_inputs(model.meta, signature, **arguments)
    slots = input_components(model.meta, signature)
    with Copies() as copies:
        run_signature(child, copies.of(model), signature, inputs.values, slots)
    return inputs


def one(dtype: str, shape: Any, use: Callable[[Any], Any]) -> Any:
    """A builder of a model with the one input `x`."""

    def build(v1: Any) -> Any:
        x = placeholder(dtype, shape)
        found = use(x)
        return {"x": x}, found if isinstance(found, dict) else {"y": tf.identity(found, "y")}

    return build


def table(rows: int, columns: int = 2) -> Any:
    return variable(f"table{rows}", np.arange(rows * columns, dtype=np.float32).reshape(rows, columns))


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    "use",
    [
        lambda x, t: tf.gather(t, x),
        lambda x, t: tf.gather(tf.identity(t), tf.cast(tf.reshape(x, [-1]), "int64")),
        lambda x, t: tf.nn.embedding_lookup(t, x),
        lambda x, t: tf.raw_ops.ResourceGather(resource=t.handle, indices=x, dtype="float32"),
        lambda x, t: tf.gather(tf.ensure_shape(tf.transpose(t), [2, 5]), x, axis=1),
        lambda x, t: tf.one_hot(x, 5),
        lambda x, t: tf.gather_nd(t, tf.expand_dims(x, 1)),
        lambda x, t: tf.cond(tf.size(x) > 0, lambda: tf.gather(t, x), lambda: tf.zeros([1, 2])),
        lambda x, t: tf.map_fn(lambda i: tf.gather(t, i), x, fn_output_signature="float32"),
        lambda x, t: tf.gather(t, tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, y), [0, x])[1]),
        lambda x, t: tf.function(lambda u, i: tf.gather(u, i))(t, x),
        lambda x, t: tf.function(lambda u, i: tf.function(lambda v, j: tf.gather(v, j))(u, i))(t, x),
        lambda x, t: tf.gather(t, tf.maximum(tf.unstack(tf.stack([x, x]))[1], 0)),
    ],
)
def test_indices_stay_below_what_is_gathered(made: Maker, use: Any) -> None:
    inputs = made(one("int32", [None], lambda x: use(x, table(5))), batch=30)
    assert "indices below 5" in inputs.notes["x"]
    assert set(inputs.values["x"].tolist()) == set(range(5))


def test_every_index_is_reached_and_none_beyond(tmp_path: Path) -> None:
    save(tmp_path / "m", one("int64", [None], lambda x: tf.gather(table(3), x)))
    meta = open_model(tmp_path / "m").meta
    values = make_inputs(meta, meta.signature(), batch=200).values["x"]
    assert set(values.tolist()) == {0, 1, 2}
    assert values.dtype == np.int64


def test_the_smallest_bound_counts(made: Maker) -> None:
    inputs = made(one("int32", [None], lambda x: tf.gather(table(9), x)[:, 0] + tf.gather(table(4), x)[:, 0]))
    assert "below 4" in inputs.notes["x"]


def test_v1_control_flow_is_followed(made: Maker) -> None:
    def use(x: Any) -> Any:
        wide, narrow = table(6), table(3)
        tf.compat.v1.disable_control_flow_v2()
        try:
            looped = tf.map_fn(lambda i: tf.gather(wide, i), x, fn_output_signature="float32")
            return tf.cond(tf.size(x) > 0, lambda: tf.identity(looped), lambda: tf.gather(narrow, x))
        finally:
            tf.compat.v1.enable_control_flow_v2()

    assert "below 3" in made(one("int32", [None], use)).notes["x"]


@pytest.mark.parametrize(
    ("dtype", "shape", "use", "note"),
    [
        ("uint8", [None, 8, 8, 3], lambda x: tf.cast(x, "float32"), "0 to 255"),
        ("float32", [None, 4], lambda x: x / 255.0, "numbers 0 to 255"),
        ("float32", [None, 4], lambda x: x * (1 / 127.5) - 1, "numbers 0 to 127.5"),
        ("float32", [None, 4], lambda x: x * 2, "numbers 0 to 1"),
        ("bool", [], lambda x: tf.cast(x, "float32"), "false"),
        ("int32", [], lambda x: tf.fill([x], 1.0), "small sizes"),
        ("int32", [2], lambda x: tf.image.resize(tf.zeros([1, 4, 4, 1]), x), "small sizes"),
        ("int32", [], lambda x: tf.argmax(tf.zeros([2, 2]), x), "a dimension's number"),
        ("complex64", [None], lambda x: tf.math.real(x), "complex"),
    ],
)
def test_the_range_fits_the_use(made: Maker, dtype: str, shape: Any, use: Any, note: str) -> None:
    assert note in made(one(dtype, shape, use)).notes["x"]


@pytest.mark.parametrize(
    ("shape", "use", "expected"),
    [
        ([None, None], lambda x: tf.matmul(x, table(7)), (2, 7)),
        ([None, None], lambda x: tf.matmul(tf.nn.relu(x / 2.0), table(7)), (2, 7)),
        ([None, None], lambda x: tf.matmul(table(7), x, transpose_b=True), (2, 2)),
        (None, lambda x: tf.matmul(x, table(7)), (2, 7)),
        (None, lambda x: tf.nn.conv2d(x, tf.ones([3, 3, 5, 2]), 1, "SAME"), (2, 32, 32, 5)),
        (
            [None, None, None, None],
            lambda x: tf.nn.conv2d(x, tf.ones([3, 3, 5, 2]), 1, "SAME"),
            (2, 32, 32, 5),
        ),
        ([None, 9, None, 4], lambda x: tf.nn.conv2d(x, tf.ones([3, 3, 4, 2]), 1, "SAME"), (2, 9, 32, 4)),
        ([None, None], lambda x: tf.reshape(x, [-1, 3, 4]), (2, 12)),
        ([None, None, None, 1], lambda x: tf.reshape(x, [-1, 64]), (2, 8, 8, 1)),
        (None, lambda x: tf.ensure_shape(x, [None, 6]), (2, 6)),
        ([3, 5], lambda x: x, (3, 5)),
        ([], lambda x: x, ()),
    ],
)
def test_sizes_come_from_the_graph(made: Maker, shape: Any, use: Any, expected: Any) -> None:
    assert made(one("float32", shape, use)).values["x"].shape == expected


def test_one_picture_as_numbers_has_no_batch(made: Maker) -> None:
    inputs = made(one("uint8", [None, None, 3], lambda x: tf.expand_dims(tf.cast(x, "float32"), 0)), batch=5)
    assert inputs.values["x"].shape == (32, 32, 3)
    assert not inputs.free_batch


def test_the_batch_size_and_the_seed_are_obeyed(made: Maker) -> None:
    build = one("float32", [None, 3], lambda x: x * 2)
    first, other, again, wide = (
        made(build, batch=batch, seed=seed) for batch, seed in ((2, 1), (2, 2), (2, 1), (5, 1))
    )
    assert first.free_batch
    assert wide.values["x"].shape == (5, 3)
    np.testing.assert_array_equal(first.values["x"], again.values["x"])
    assert (first.values["x"] != other.values["x"]).any()


def test_resources_and_variants_can_not_be_made(tmp_path: Path) -> None:
    save(tmp_path / "m", one("float32", [], lambda x: x))
    meta = open_model(tmp_path / "m").meta
    meta.nodes["x"].attr["dtype"].type = 21
    with pytest.raises(Unmakeable):
        make_inputs(meta, meta.signature())
    maker = sample_maker(meta, meta.signature())
    assert maker(0) is None


# ---------------------------------------------------------------- strings


def bytes_of(inputs: Inputs) -> list[bytes]:
    return list(inputs.values["x"].reshape(-1).tolist())


@pytest.mark.parametrize(
    ("use", "note"),
    [
        (lambda x: tf.io.decode_png(x, channels=1), "a 16 by 16 grey PNG"),
        (lambda x: tf.ensure_shape(tf.io.decode_png(x, channels=3), (20, 30, 3)), "a 30 by 20 RGB PNG"),
        (lambda x: tf.ensure_shape(tf.io.decode_png(x, channels=3)[:, ::-1], (20, 30, 3)), "a 30 by 20 RGB PNG"),
        (lambda x: tf.io.decode_png(x), "a 16 by 16 RGB PNG"),
        (lambda x: tf.io.decode_png(x, channels=4), "RGBA PNG"),
        (lambda x: tf.io.decode_jpeg(x, channels=3), "RGB PNG"),
        (lambda x: tf.io.decode_image(x, expand_animations=False), "PNG"),
        (lambda x: tf.io.decode_image(x), "PNG"),
        (lambda x: tf.image.decode_and_crop_jpeg(x, [0, 0, 4, 4]), "JPEG"),
        (lambda x: tf.io.extract_jpeg_shape(x), "JPEG"),
        (lambda x: tf.io.decode_gif(x), "GIF"),
        (lambda x: tf.io.decode_bmp(x), "BMP"),
        (lambda x: tf.reshape(tf.cast(tf.io.decode_png(x, channels=1), "float32") / 255.0, [1, 784]), "a 28 by 28"),
        (lambda x: tf.reshape(tf.io.decode_png(x), [-1, 12, 12, 3]), "a 12 by 12 RGB"),
        (lambda x: tf.ensure_shape(tf.io.decode_png(x, channels=1), [20, 20, 1]), "a 20 by 20 grey"),
        (lambda x: tf.io.decode_png(tf.io.decode_base64(x), channels=1), "grey PNG, as web-safe base64"),
        (lambda x: tf.function(lambda s: tf.io.decode_png(tf.io.decode_base64(s), channels=1))(x), "grey PNG, as web"),
        (lambda x: tf.io.decode_raw(x, "uint8"), "the bytes of 8 uint8"),
        (lambda x: tf.reshape(tf.io.decode_raw(x, "float32"), [3, 4]), "the bytes of 12 float32"),
        (lambda x: tf.strings.to_number(x, "int32"), "integers 0 to 7, as text"),
        (lambda x: tf.gather(table(5), tf.strings.to_number(x, "int64")), "indices below 5, as text"),
        (lambda x: tf.io.decode_compressed(x, "GZIP"), "compressed"),
        (lambda x: tf.io.decode_png(tf.io.decode_compressed(x, "ZLIB")), "PNG, compressed"),
        (lambda x: tf.audio.decode_wav(x)[0], "a WAV"),
        (lambda x: tf.io.parse_tensor(x, "int32"), "a serialised int32 tensor"),
        (lambda x: tf.audio.decode_wav(x, 1, 4000)[0], "a WAV of 0.25 s"),
        (lambda x: tf.strings.to_number(tf.strings.substr(x, 5, 2), "int32"), "digits"),
        (lambda x: tf.io.decode_png(tf.io.decode_base64(tf.strings.substr(x, 22, 1 << 20))), "from character 22 on"),
        (
            lambda x: tf.reshape(tf.strings.to_number(tf.strings.split([x], ",").values), [1, 6]),
            "6 times numbers 0 to 1, as text",
        ),
        (lambda x: tf.strings.length(x), "words"),
    ],
)  # fmt: skip
def test_a_string_has_the_format_it_is_read_as(made: Maker, use: Any, note: str) -> None:
    first, second = made(one("string", [], use), seed=1), made(one("string", [], use), seed=2)
    assert note in first.notes["x"]
    assert bytes_of(first) != bytes_of(second)


@pytest.mark.parametrize(
    ("use", "value"),
    [
        (lambda x, rate: tf.math.floor(rate + tf.random.uniform([2, 4])), 1),
        (lambda x, rate: tf.nn.dropout(x, rate), 0),
        (lambda x, rate: tf.compat.v1.nn.dropout(x, keep_prob=rate), 1),
        (lambda x, rate: tf.cast(tf.random.uniform([2, 4], -1.0, 1.0) < rate, "float32"), 1),
        (lambda x, rate: tf.compat.v1.cond(tf.reduce_any(x > 0), lambda: tf.nn.dropout(x, 1 - rate), lambda: x), 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shape", [[], None])
def test_nothing_is_dropped_at_random(made: Maker, use: Any, value: float, shape: Any) -> None:
    def build(v1: Any) -> Any:
        x, rate = placeholder("float32", [2, 4]), placeholder("float32", shape, "rate")
        # its shape says what is scaled, not what the rate is like
        return {"x": x, "rate": rate}, {"y": (use(x, rate) / tf.maximum(rate, 0.5)) @ tf.ones([4, 1])}

    for variant in range(2):
        inputs = made(build, variant=variant)
        assert inputs.values["rate"].shape == () and inputs.values["rate"] == value
        assert "nothing is dropped" in inputs.notes["rate"]


def test_sizes_that_have_to_be_equal_are_equal_in_some_variant(tmp_path: Path, child: Child) -> None:
    def build(v1: Any) -> Any:
        x, lengths = placeholder("float32", [None, None, 3]), placeholder("int32", [None], "lengths")
        fits = v1.assert_equal(tf.shape(x)[1], tf.shape(lengths)[0])  # the batch is the second dimension
        with tf.control_dependencies([fits]):
            return {"x": x, "lengths": lengths}, {"y": tf.reverse_sequence(x, lengths, 0, 1)}

    save(tmp_path / "m", build)
    found = _made(child, tmp_path / "m", variant=6, batch=3)
    assert found.values["x"].shape == (3, 3, 3)


def test_an_input_that_the_graph_has_a_value_for_may_be_left_out(zoo: Any, child: Child) -> None:
    model = open_model(zoo("v1_default_input").path)
    slots = input_components(model.meta, model.meta.signature())
    assert all(slot.optional for slot in slots.values())
    assert complete({}, slots) == {}


def test_a_batch_of_pictures_in_a_loop(made: Maker) -> None:
    def use(x: Any) -> Any:
        return tf.map_fn(lambda s: tf.io.decode_png(s, channels=1), x, fn_output_signature="uint8")

    inputs = made(one("string", [None], use), batch=3)
    assert inputs.notes["x"] == "3 strings, each a 16 by 16 grey PNG"
    assert len(set(bytes_of(inputs))) == 3


def test_what_is_wrapped_can_be_unwrapped(made: Maker) -> None:
    inputs = made(one("string", [], lambda x: tf.io.decode_png(tf.io.decode_base64(x))))
    assert base64.urlsafe_b64decode(bytes_of(inputs)[0]).startswith(b"\x89PNG")
    inputs = made(one("string", [], lambda x: tf.io.decode_png(tf.io.decode_compressed(x, "ZLIB"))))
    assert zlib.decompress(bytes_of(inputs)[0]).startswith(b"\x89PNG")


FEATURES = {
    "age": ("float32", [3]),
    "word": ("string", []),
    "id": ("int64", []),
}


def parse(x: Any, *, single: bool = False) -> Any:
    features = {key: tf.io.FixedLenFeature(shape, dtype) for key, (dtype, shape) in FEATURES.items()}
    features["tags"] = tf.io.VarLenFeature("int64")
    features["rows"] = tf.io.RaggedFeature("float32")
    if single:
        del features["rows"]
        found = tf.io.parse_single_example(x, features)
    else:
        found = tf.io.parse_example(x, features)
    return found


def test_an_example_has_the_keys_dtypes_and_shapes_that_are_parsed(made: Maker) -> None:
    def use(x: Any) -> Any:
        found = parse(x)
        picked = tf.gather(table(4), found["id"]) + tf.reduce_sum(found["age"], 1, keepdims=True)
        return {
            "y": picked,
            "word": found["word"],
            "tags": found["tags"].values,
            "rows": found["rows"].flat_values,
        }

    inputs = made(one("string", [None], use), batch=3)
    assert "a serialised Example with" in inputs.notes["x"]
    for data in bytes_of(inputs):
        feature = tf.train.Example.FromString(data).features.feature
        assert set(feature) == {"age", "word", "id", "tags", "rows"}
        assert len(feature["age"].float_list.value) == 3
        assert feature["id"].int64_list.value[0] < 4
        assert len(feature["tags"].int64_list.value) == 2


@pytest.mark.parametrize("single", [False, True])
def test_a_sequence_example_has_its_lists(made: Maker, single: bool) -> None:
    def use(x: Any) -> Any:
        parse = tf.io.parse_single_sequence_example if single else tf.io.parse_sequence_example
        context, lists, *_ = parse(
            x,
            {"age": tf.io.FixedLenFeature([2], "float32"), "tags": tf.io.VarLenFeature("int64")},
            {"step": tf.io.FixedLenSequenceFeature([3], "float32"), "ids": tf.io.VarLenFeature("int64")},
        )
        return {"y": lists["step"], "age": context["age"], "ids": tf.gather(table(4), lists["ids"].values)}

    inputs = made(one("string", [] if single else [None], use))
    for data in bytes_of(inputs):
        example = tf.train.SequenceExample.FromString(data)
        assert set(example.context.feature) == {"age", "tags"}
        steps = example.feature_lists.feature_list
        assert set(steps) == {"step", "ids"} and len(steps["step"].feature) > 1
        assert max(value for one in steps["ids"].feature for value in one.int64_list.value) < 4


def test_an_example_can_carry_a_picture(made: Maker) -> None:
    def use(x: Any) -> Any:
        found = tf.io.parse_single_example(x, {"image/encoded": tf.io.FixedLenFeature([], "string")})
        return tf.io.decode_jpeg(found["image/encoded"], channels=3)

    (data,) = bytes_of(made(one("string", [], use)))
    (picture,) = tf.train.Example.FromString(data).features.feature["image/encoded"].bytes_list.value
    assert picture.startswith(b"\x89PNG")


def test_a_single_example_and_json(made: Maker) -> None:
    single = made(one("string", [], lambda x: {"y": parse(x, single=True)["age"]}))
    assert set(tf.train.Example.FromString(bytes_of(single)[0]).features.feature) == {
        "age",
        "word",
        "id",
        "tags",
    }
    as_json = made(one("string", [None], lambda x: {"y": parse(tf.io.decode_json_example(x))["age"]}))
    (data, _) = bytes_of(as_json)
    assert set(json.loads(data)["features"]["feature"]) == {"age", "word", "id", "tags", "rows"}


def test_a_line_of_fields(made: Maker) -> None:
    def use(x: Any) -> Any:
        number, index, word = tf.io.decode_csv(x, [[0.0], [0], [""]], field_delim=";")
        return {"y": tf.gather(table(3), index) * tf.expand_dims(number, 1), "word": word}

    for line in bytes_of(made(one("string", [None], use), batch=9)):
        number, index, word = line.split(b";")
        assert float(number) >= 0 and int(index) < 3 and word


# ---------------------------------------------------------------- tables


def test_keys_of_a_table_from_a_file(tmp_path: Path) -> None:
    vocabulary = tmp_path / "words.txt"
    vocabulary.write_text("ant\nbee\ncat\n")

    def use(x: Any) -> Any:
        source = tf.lookup.TextFileInitializer(str(vocabulary), "string", -2, "int64", -1)
        return tf.lookup.StaticHashTable(source, -1).lookup(tf.strings.lower(x))

    # saved without its asset, so the file is named to the maker
    folder = tmp_path / "m"
    save(folder, one("string", [None], use))
    meta = open_model(folder).meta
    (filename,) = [
        name for name, node in meta.nodes.items() if list(node.attr["value"].tensor.string_val)[:1]
    ]
    inputs = make_inputs(meta, meta.signature(), batch=20, assets={f"{filename}:0": vocabulary})
    assert set(bytes_of(inputs)) == {b"ant", b"bee", b"cat"}
    assert "keys of its lookup table" in inputs.notes["x"]
    assert "words" in make_inputs(meta, meta.signature()).notes["x"]
    vocabulary.unlink()  # gone: words, no error
    assert "words" in make_inputs(meta, meta.signature(), assets={f"{filename}:0": vocabulary}).notes["x"]


@pytest.mark.parametrize("name", commonly(names("table")))
def test_keys_of_the_zoos_tables(zoo: Callable[[str], Example], name: str) -> None:
    example = zoo(name)
    meta = open_model(example.path).meta
    inputs = make_inputs(meta, meta.signature(example.signature), batch=8)
    expected = "Example" if name == "v1_estimator" else "keys of its lookup table"
    assert [note for note in inputs.notes.values() if expected in note], inputs.notes
    assert name == "v1_estimator" or "Example" not in " ".join(inputs.notes.values())


# ---------------------------------------------------------------- sparse, ragged, the zoo


def test_the_parts_of_a_sparse_input_fit(made: Maker) -> None:
    def build(v1: Any) -> Any:
        x = v1.sparse_placeholder("float32", [None, 7], "x")
        return {"x": x}, {"y": tf.sparse.sparse_dense_matmul(x, table(7))}

    inputs = made(build, batch=3)
    indices, dense = inputs.values["x.indices"], inputs.values["x.dense_shape"]
    assert dense.tolist() == [3, 7]
    assert (indices < dense).all()
    assert indices.tolist() == sorted(indices.tolist())
    assert (
        len({tuple(row) for row in indices.tolist()}) == len(indices) == len(inputs.values["x.values"]) == 6
    )


def test_sparse_ids_are_indices(made: Maker) -> None:
    def build(v1: Any) -> Any:
        x = v1.sparse_placeholder("int64", name="x")
        return {"x": x}, {"y": tf.nn.embedding_lookup_sparse(table(4), x, None, combiner="sum")}

    assert "indices below 4" in made(build).notes["x.values"]


@pytest.mark.parametrize("listed", plainly(["common", "all"], "common"))
def test_models_of_the_zoo_run_on_made_inputs(
    child: Child, zoo: Callable[[str], Example], listed: str
) -> None:
    failed = {}
    for name in names():
        if "big" in ZOO[name].kinds or (listed == "common" and name not in COMMON):
            continue
        example = zoo(name)
        model = open_model(example.path)
        if not example.runs_v1 or (example.signature is None and model.format != "graphdef"):
            continue
        meta: MetaGraph = model.meta if model.format == "graphdef" else model.select(example.tags)
        signature = meta.signature(example.signature)
        inputs = make_inputs(meta, signature)
        slots = input_components(meta, signature)
        try:
            with Copies() as copies:
                run_signature(child, copies.of(model, meta), signature, inputs.values, slots, loader="v1")
        except Exception as error:
            failed[name] = str(error)
    assert not failed


def test_samples_come_in_several_batch_sizes_and_variants(tmp_path: Path) -> None:
    save(tmp_path / "m", one("float32", [None, None], lambda x: x))
    meta = open_model(tmp_path / "m").meta
    maker = sample_maker(meta, meta.signature(), rename=lambda slot: f"a_{slot}")
    first = maker(0)
    assert first is not None
    assert [sample["a_x"].shape[0] for sample in first.samples] == [2, 3]
    assert set(first.notes) == {"a_x"}
    assert (first.samples[0]["a_x"] != first.samples[1]["a_x"][:2, : first.samples[0]["a_x"].shape[1]]).any()
    shapes = {sample["a_x"].shape for variant in range(len(STYLES)) for sample in maker(variant).samples}  # type: ignore[union-attr]
    assert len(shapes) > 6
    assert maker(len(STYLES)) is None


def test_given_values_stay_and_set_the_batch(tmp_path: Path) -> None:
    def build(v1: Any) -> Any:
        x, z = placeholder("float32", [None, 2]), placeholder("float32", [None], "z")
        return {"x": x, "z": z}, {"y": x + tf.expand_dims(z, 1)}

    save(tmp_path / "m", build)
    meta = open_model(tmp_path / "m").meta
    given = np.ones((5, 2), np.float32)
    found = sample_maker(meta, meta.signature(), given={"x": given})(0)
    assert found is not None
    for sample in found.samples:
        assert sample["x"] is given
        assert sample["z"].shape == (5,)
    assert set(found.notes) == {"z"}
