"""Joins of every kind of model with every other, each written to disk, run and compared in both loaders."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sampling import plainly
from tests.surgery.tools import Models, draft_of, plan_of
from tests.zoo.example import numbers
from workbench.disk import dtypes
from workbench.publishing.commit import commit
from workbench.publishing.report import Report
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft
from workbench.surgery.plan import Plan

pytestmark = pytest.mark.needs_tf


@dataclass(frozen=True)
class Pair:
    """A join that has to be verified.

    `v2` is None where `tf.saved_model.load` has to agree as well, else what it says of a *source* alone, for which
    it is left out.
    """

    name: str
    parts: dict[str, str]
    wires: tuple[str, ...]
    v2: str | None = None
    inputs: dict[str, Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    allow_unsafe: bool = False


def pair(
    name: str,
    a: str,
    b: str,
    *wires: str,
    v2: str | None = None,
    inputs: dict[str, Any] | None = None,
    allow_unsafe: bool = False,
    **options: Any,
) -> Pair:
    return Pair(name, {"a": a, "b": b}, wires or ("y=x",), v2, inputs, options, allow_unsafe)


def chain(name: str, *parts: str, v2: str | None = None, wires: tuple[str, ...] = (), **options: Any) -> Pair:
    """Models `a`, `b`, `c`, … each feeding the next by `y` and `x`, or by `wires`."""
    handles = "abcdefgh"[: len(parts)]
    made = [f"{one}@{{}} = {other}@{{}}" for one, other in pairwise(handles)]
    keys = [text.split("=") for text in wires] or [["y", "x"]] * len(made)
    joined = tuple(text.format(*pair) for text, pair in zip(made, keys, strict=True))
    return Pair(name, dict(zip(handles, parts, strict=True)), joined, v2, None, options)


def pictures() -> list[bytes]:
    """Two of the sample PNGs."""
    folder = Path(__file__).resolve().parents[2] / "sample_models" / "digits_png"
    return [(folder / f"sample-{label}.png").read_bytes() for label in (3, 8)]


STORY = "pixels=myInput"
RUNS_WRONG = "can't run a alone either"

# fmt: off
PAIRS = [
    # the sample models
    Pair("the story", {"img": "image_base64", "digits": "digits"}, (STORY,)),
    Pair("the story, TF2 last", {"img": "image_base64", "digits": "digits_tf2"}, (STORY,)),
    Pair("the story, TF2 first", {"img": "image_base64_tf2", "digits": "digits"}, (STORY,)),
    Pair("the story in batches", {"img": "image_bytes_batch", "digits": "digits_tf2"}, (STORY,)),
    # formats and versions
    pair("TF1 twins", "v1_simple_save", "v1_simple_twin"),
    pair("TF2 twins", "tf2_module", "tf2_module_twin"),
    pair("TF1 into TF2", "v1_simple_save", "tf2_nested_functions"),
    pair("TF2 into TF1", "tf2_captured_constants", "v1_functions"),
    pair("the same model twice, TF1", "v1_simple_save", "v1_simple_save"),
    pair("the same model twice, Keras", "keras_dense", "keras_dense", "output_0=keras_tensor"),
    chain("GraphDef into TF2 into GraphDef", "graphdef_pb", "tf2_module", "graphdef_pbtxt"),
    chain("text formats", "v1_pbtxt", "tf2_pbtxt", "graphdef_pbtxt"),
    pair("a loaded and saved v1 model", "tf2_resaved_v1", "v1_names_and_places"),
    pair("an optimizer's slots on both sides", "v1_adam_slots", "tf2_optimizer"),
    pair("an optimizer TF 2.21 can't load but in the result", "tf2_old_optimizer", "v1_simple_save"),
    # tables and assets
    chain(
        "two tables with the same asset name", "v1_hash_table", "v1_key_value_table", "v1_hash_table_other",
        wires=("ids=ids", "y=words"),
    ),
    chain(
        "two TF2 tables with the same asset name", "tf2_hash_table", "v1_key_value_table", "tf2_hash_table_other",
        wires=("ids=ids", "y=words"),
    ),
    chain(
        "tables of TF1 and TF2 in one", "tf2_tables", "v1_key_value_table", "v1_vocabulary_table",
        "v1_key_value_table", "v1_mutable_table", wires=("ids=ids", "y=words", "y=ids", "y=words"),
    ),
    pair("a table before variables", "v1_hash_table", "tf2_module", "y=x"),
    pair("words into Keras text", "tf2_strings", "keras_text", "upper=keras_tensor",
         inputs={"text": [b"good bad", b"A FILM", b""]}),
    pair("a tokenizer before BERT", "tokenizer", "bert_like", "ids=input_ids", "mask=input_mask",
         "kinds=segment_ids"),
    pair("an asset that is no table's", "v1_assets_without_table", "v1_simple_save", allow_unsafe=True),
    # kinds of variables
    pair("ref on both sides", "v1_ref_variables", "v1_ref_and_resource"),
    pair("refs that are assigned to", "v1_ref_counter", "v1_ref_scatter"),
    pair("partitioned on both sides", "v1_partitioned", "v1_partitioned_columns"),
    pair("ref and partitioned on both sides", "v1_ref_partitioned", "v1_ref_partitioned"),
    pair("sharded on both sides", "v1_sharded", "v1_sharded"),
    pair("variables of every dtype, strings too", "v1_odd_variables", "tf2_odd_variables"),
    pair("three variables of one name", "tf2_equal_names", "tf2_equal_names"),
    pair("keys that are not the variables' names", "v1_renamed_keys", "v1_renamed_keys"),
    pair("a RestoreV2 for each variable", "one_restore_each", "one_restore_each"),
    pair("the key constant is used by the graph", "shared_key_constant", "shared_key_constant"),
    pair("init op and main op", "v1_main_op", "v1_legacy_init_op"),
    pair("variables that the init op sets in a chain", "init_sets_variables", "v1_main_op"),
    pair("two handles on one variable", "v1_shared_names", "v1_simple_save", v2=RUNS_WRONG),
    # control flow and functions
    chain("loops and branches of the first kind", "v1_cond", "v1_while", "v1_while_nested", "v1_map_fn",
          "v1_tensor_array", "v1_while_ref"),
    chain("loops and branches as functions", "tf2_cond", "v1_while_functional", "tf2_while", "v1_cond_functional",
          "tf2_map_fn"),
    pair("a loop's gradient kept beside", "slope", "slope", keep_signatures=True),
    pair("functions of the same names", "v1_functions", "v1_functions"),
    pair("custom gradients", "tf2_custom_gradient", "tf2_custom_gradient"),
    pair("batch functions", "tf2_batch_function", "tf2_batch_function"),
    # state
    pair("counters", "tf2_counter", "v1_mutex"),
    pair("two queues of one name", "v1_queue", "v1_queue"),
    pair("two iterators of one name", "v1_iterator", "v1_iterator"),
    # wires
    pair("two wires", "v1_two_in_two_out", "v1_two_in_two_out", "y=a", "z=b"),
    pair("fan-out", "v1_simple_save", "v1_two_in_two_out", "y=a", "y=b"),
    pair("an input left open", "tf2_module", "v1_two_in_two_out", "y=b"),
    pair("a default left open", "v1_simple_save", "tf2_default_inputs", "y=x"),
    pair("a PlaceholderWithDefault wired", "v1_simple_save", "v1_default_input"),
    pair("a placeholder no signature names", "v1_simple_save", "training_switch"),
    Pair("a tree", {"a": "v1_simple_save", "b": "tf2_module", "c": "v1_two_in_two_out"},
         ("a@y = c@a", "b@y = c@b")),
    Pair("a diamond",
         {"a": "v1_simple_save", "b": "tf2_module", "c": "v1_simple_twin", "d": "v1_two_in_two_out"},
         ("a@y = b@x", "a@y = c@x", "b@y = d@a", "c@y = d@b")),
    Pair("a giver with two takers", {"a": "v1_simple_save", "b": "tf2_module", "c": "v1_simple_twin"},
         ("a@y = b@x", "a@y = c@x")),
    pair("sparse", "v1_sparse_output", "v1_sparse_input"),
    pair("sparse, in parts", "v1_sparse_output", "tf2_sparse", "%dense_to_sparse/Where:0=x",
         "%dense_to_sparse/GatherNd:0=x_1", "%dense_to_sparse/Shape:0=x_2"),
    pair("ragged", "v1_ragged_input", "v1_ragged_input", "twice=x"),
    pair("bools among twelve dtypes", "tf2_dtypes", "tf2_dtypes", "out_bool=in_bool"),
    pair("scalars and any rank", "tf2_shapes", "tf2_shapes", "any=any", "scalar=scalar", "static=static"),
    # ends
    pair("from and into bare tensors", "v1_signatures", "v1_signatures", "%MatMul:0=%Relu:0"),
    pair("into the second output of an op", "v1_simple_save", "v1_names_and_places", "%y=%scope/x:0"),
    pair("into what no placeholder is", "v1_simple_save", "v1_simple_twin", "y=%MatMul:0"),
    pair("another signature's output", "v1_signatures", "tf2_signatures#mix/two", "twice#first=left"),
    pair("another signature's input", "v1_signatures", "v1_signatures#twice", "both#hidden=%Relu:0"),
    pair("an input of the signature that is no placeholder", "keras_conv", "v1_estimator#parsed",
         "output_0=age"),
    pair("odd keys", "v1_odd_keys", "v1_odd_keys", "a/b = #x:0", "[bold] = a=b", "#img@x = #s#k", "#x:0 = #%x:0",
         "größe = with space", v2="can't load a alone either"),
    pair("one tensor under two keys", "v1_shared_input", "v1_simple_save", v2="can't load a alone either"),
    pair("names that look like another's", "v1_simple_save", "stateful_table_names"),
    Pair("handles that are no Python names", {"my-model": "v1_two_in_two_out", "b.c": "v1_two_in_two_out"}, ("y=a",)),
    # tag sets
    pair("different tag sets", "v1_empty_tags", "v1_tags_serve_gpu"),
    pair("one of three tag sets, another of the same", "v1_tag_sets[serve,gpu]", "v1_tag_sets"),
    # shapes
    pair("a static batch first", "v1_static_batch", "v1_simple_save"),
    pair("a static batch last", "v1_simple_save", "v1_static_batch"),
    pair("a static batch, signatures kept", "v1_simple_save", "v1_static_batch", keep_signatures=True),
    chain("unknown rank", "v1_unknown_rank", "tf2_module", "v1_unknown_rank", "v1_static_batch"),
    pair("a lying input shape", "v1_simple_save", "v1_lying_input_shape"),
    pair("a lying output shape last", "v1_simple_save", "v1_lying_output_shape"),
    # outputs
    pair("an output that is the input", "v1_passthrough", "tf2_passthrough", "same=x", keep_outputs=True,
         inputs={"x": [[1.0, 2, 3, 4], [5, 6, 7, 8]]}),
    pair("an output that is a wired input", "tf2_module", "v1_passthrough", keep_outputs=True),
    pair("a ref output first", "v1_ref_output", "v1_ref_output", keep_outputs=True, v2=None),
    pair("a ref output of Assign", "v1_simple_save", "ref_assign_output"),
    pair("a ref output of ScatterUpdate", "v1_simple_save", "ref_scatter_output"),
    pair("a ref wire from ScatterUpdate", "ref_scatter_output", "v1_simple_save"),
    pair("a ref of free shape", "ref_free_shape", "v1_simple_save"),
    pair("RefSwitch", "ref_embedding", "v1_simple_save"),
    pair("all signatures", "v1_signatures", "tf2_signatures", keep_signatures=True),
    # what people have
    pair("pictures into a detector", "jpeg_batch", "detector", "images=inputs", inputs={"image_bytes": pictures()}),
    pair("an image before a Keras CNN", "tf2_image", "keras_conv", "image=keras_tensor"),
    pair("ids into an LSTM", "tokenizer", "keras_lstm", "ids=keras_tensor"),
    pair("attention", "keras_attention", "keras_attention", "mixed=query"),
    pair("examples and text", "v1_base64", "tf2_strings", "doubled_bytes=text", keep_outputs=True),
]
# fmt: on


def committed(one: Pair, models: Models, child: Child, target: Path) -> tuple[Draft, Report]:
    draft = draft_of(plan_of(models, one.parts, one.wires, **one.options))
    inputs = one.inputs
    if inputs is not None:
        slots = {key: port.dtype for key, port in draft.meta.signatures["serving_default"].inputs.items()}
        inputs = {key: np.array(value, dtypes.numpy(slots[key]) or object) for key, value in inputs.items()}
    proving = Proving(inputs=inputs, allow_unsafe=one.allow_unsafe)
    return draft, commit(draft, target, child=child, proving=proving)


PLAIN = {
    "the story, TF2 first",
    "TF1 into TF2",
    "GraphDef into TF2 into GraphDef",
    "an optimizer TF 2.21 can't load but in the result",
    "two TF2 tables with the same asset name",
    "tables of TF1 and TF2 in one",
    "ref and partitioned on both sides",
    "sharded on both sides",
    "three variables of one name",
    "keys that are not the variables' names",
    "the key constant is used by the graph",
    "variables that the init op sets in a chain",
    "two handles on one variable",
    "loops and branches of the first kind",
    "functions of the same names",
    "two queues of one name",
    "a PlaceholderWithDefault wired",
    "a diamond",
    "sparse, in parts",
    "bools among twelve dtypes",
    "an input of the signature that is no placeholder",
    "odd keys",
    "one of three tag sets, another of the same",
    "unknown rank",
    "a lying output shape last",
    "an output that is a wired input",
    "a ref output of Assign",
    "all signatures",
}
"""Of each group the pairs that ask for most; the plain run takes these."""
assert {one.name for one in PAIRS} >= PLAIN


def name_of(one: Pair) -> str:
    return one.name.replace(" ", "-")


@pytest.mark.parametrize("one", plainly(PAIRS, *[one for one in PAIRS if one.name in PLAIN]), ids=name_of)
def test_verified(one: Pair, models: Models, child: Child, tmp_path: Path) -> None:
    target = tmp_path / "merged"
    draft, report = committed(one, models, child, target)
    assert report.verdict == "verified", report.reason
    assert report.published and report.path == target
    assert "error" not in [found.severity for found in report.findings]
    by_name = {check.loader: check for check in report.verification.loaders}
    assert by_name["v1"].status == "equal"
    if one.v2 is None:
        assert by_name["v2"].status == "equal", by_name["v2"].reason
    else:
        assert by_name["v2"].status == "skipped"
        assert one.v2 in by_name["v2"].reason
    same_variables(draft, target)


def same_variables(draft: Draft, target: Path) -> None:
    """R10: every tensor of every source's checkpoint is in the result's, bytes equal, and no others but aliases."""
    import tensorflow as tf

    expected: dict[str, Any] = {}
    for handle, part in draft.parts.items():
        if part.model.bundle is None or not part.has_saver:
            continue
        source = tf.train.load_checkpoint(str(part.model.folder / "variables" / "variables"))
        for key in source.get_variable_to_shape_map():
            expected[f"{handle}/{key}"] = source.get_tensor(key)
    if not (target / "variables").exists():
        assert not expected
        return
    result = tf.train.load_checkpoint(str(target / "variables" / "variables"))
    more = result.get_variable_to_shape_map().keys() - expected.keys()
    assert more <= {alias.key for part in draft.checkpoint.parts for alias in part.aliases} | {
        "_CHECKPOINTABLE_OBJECT_GRAPH"
    }
    assert expected.keys() <= result.get_variable_to_shape_map().keys()
    for key, value in expected.items():
        got = result.get_tensor(key)
        assert np.asarray(got).dtype == np.asarray(value).dtype
        assert np.array_equal(got, value)
        assert np.asarray(got).tobytes() == np.asarray(value).tobytes() or np.asarray(value).dtype == object


# -- more than equal outputs


def run_v2(path: Path, signature: str, **inputs: Any) -> dict[str, np.ndarray]:
    import tensorflow as tf

    found = tf.saved_model.load(str(path)).signatures[signature]
    return {key: value.numpy() for key, value in found(**inputs).items()}


def merge(models: Models, target: Path, parts: dict[str, str], *wires: str, **options: Any) -> Draft:
    """A result on disk that was not run; for tests that run it themselves."""
    draft = draft_of(plan_of(models, parts, wires, **options))
    report = commit(draft, target, verify=False)
    assert report.verdict == "unverified" and report.published
    return draft


def test_a_result_is_joined_again(models: Models, child: Child, tmp_path: Path) -> None:
    """Three levels: variables, tables and assets keep their values; the recipe holds those of its sources."""
    first, second = tmp_path / "first", tmp_path / "second"
    merge(models, first, {"a": "tf2_hash_table", "b": "v1_simple_save"}, "y=x")
    plan = Plan.join(a=first, b=models("v1_simple_twin").path, wires=["y=x"])
    assert commit(draft_of(plan), second, child=child).verdict == "verified"
    third = tmp_path / "third"
    again = Plan.join(one=second, two=models("v1_ref_variables").path, wires=["y=x"])
    draft = draft_of(again)
    assert commit(draft, third, child=child).verdict == "verified"
    assert (third / "assets" / "vocab.txt").is_file()
    recipe = json.loads((third / "assets.extra" / "workbench.json").read_text())
    handles = []
    while recipe is not None:
        handles.append([source["handle"] for source in recipe["sources"]])
        recipe = recipe["sources"][0].get("recipe")
    assert handles == [["one", "two"], ["a", "b"], ["a", "b"]]
    same_variables(draft, third)


def test_a_result_with_itself(models: Models, child: Child, tmp_path: Path) -> None:
    first = tmp_path / "first"
    merge(models, first, {"a": "v1_partitioned", "b": "tf2_module"}, "y=x")
    plan = Plan.join(a=first, b=first, wires=["y=x"])
    assert commit(draft_of(plan), tmp_path / "second", child=child).verdict == "verified"


@pytest.mark.parametrize(
    ("a", "b"),
    plainly(
        [
            ("v1_simple_save", "v1_simple_twin"),
            ("tf2_module", "v1_ref_variables"),
            ("v1_sharded", "v1_partitioned"),
            ("tf2_module", "tf2_module_twin"),
            ("one_restore_each", "tf2_optimizer"),
            ("v1_ref_partitioned", "shared_key_constant"),
        ],
        ("tf2_module", "v1_ref_variables"),
        ("one_restore_each", "tf2_optimizer"),
        ("v1_ref_partitioned", "shared_key_constant"),
    ),
)
def test_the_saver_of_a_result_saves_and_restores(models: Models, a: str, b: str, tmp_path: Path) -> None:
    """In a v1 Session: values are changed, saved, thrown away, restored."""
    import tensorflow as tf

    target = tmp_path / "merged"
    merge(models, target, {"a": a, "b": b}, "y=x")
    (tmp_path / "checkpoint").mkdir()
    x = numbers("saver", (3, 4))
    config = tf.compat.v1.ConfigProto(allow_soft_placement=True)
    with tf.Graph().as_default(), tf.compat.v1.Session(config=config) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(target))
        chosen = meta.signature_def["serving_default"]
        feed = {chosen.inputs["x"].name: x}
        fetch = chosen.outputs["y"].name
        before = session.run(fetch, feed)
        saver = tf.compat.v1.train.Saver(saver_def=meta.saver_def)
        prefix = saver.save(session, str(tmp_path / "checkpoint" / "model"))
        variables = tf.compat.v1.global_variables()
        assert variables
        for variable in variables:
            if variable.dtype.base_dtype == tf.float32:
                session.run(variable.assign(tf.zeros_like(variable)))
        assert not np.array_equal(session.run(fetch, feed), before)
        saver.restore(session, prefix)
        assert np.array_equal(session.run(fetch, feed), before)
    left = sorted(path.name for path in (tmp_path / "checkpoint").iterdir())
    assert not [name for name in left if "_part" in name or "temp" in name]


@pytest.mark.parametrize(
    ("a", "b", "wire_"),
    plainly(
        [
            ("v1_simple_save", "v1_simple_twin", "y=x"),
            ("v1_ref_variables", "tf2_module", "y=x"),
            ("tf2_equal_names", "v1_ref_and_resource", "y=x"),
            ("keras_dense", "keras_dense", "output_0=keras_tensor"),
            ("v1_hash_table", "tf2_module", "y=x"),
            ("v1_sparse_output", "v1_sparse_input", "y=x"),
        ],
        ("tf2_equal_names", "v1_ref_and_resource", "y=x"),
        ("keras_dense", "keras_dense", "output_0=keras_tensor"),
        ("v1_hash_table", "tf2_module", "y=x"),
    ),
)
def test_variables_of_a_loaded_result(models: Models, a: str, b: str, wire_: str, tmp_path: Path) -> None:
    """Names, shapes, dtypes, trainable and values are those of the sources together, in either format."""
    import tensorflow as tf

    def facts(one: Any) -> tuple[Any, ...]:
        return tuple(one.shape), one.dtype.base_dtype.name, one.trainable, one.numpy().tobytes()

    for form in ("tf1", "auto"):
        target = tmp_path / form
        draft = merge(models, target, {"a": a, "b": b}, wire_, format=form)
        expected = []
        for part in draft.parts.values():
            own = tf.saved_model.load(str(part.model.path)) if form == "auto" and part.meta.objects else None
            if hasattr(own, "variables"):  # an export of Keras saves each twice, and lists it once
                expected += map(facts, own.variables)
                continue
            for variable in part.meta.variables:
                if variable.key is None or variable.node not in part.kept:
                    continue
                value = part.model.bundle.array(variable.key)
                expected.append((value.shape, value.dtype.name, bool(variable.trainable), value.tobytes()))
        loaded = tf.saved_model.load(str(target)).variables
        assert all(one.name.startswith(("a/", "b/")) for one in loaded)
        assert sorted(map(facts, loaded)) == sorted(expected)


def test_kept_signatures_run_and_equal_their_sources(models: Models, tmp_path: Path) -> None:
    import tensorflow as tf

    x = numbers("kept", (3, 4))
    sources = {"a": models("v1_signatures").path, "b": models("tf2_signatures").path}
    plan = plan_of(models, {"a": "v1_signatures", "b": "tf2_signatures"}, ["y=x"], keep_signatures=True)
    target = tmp_path / "merged"
    commit(draft_of(plan), target, verify=False)
    loaded = tf.saved_model.load(str(target))
    expected = {"serving_default"}
    for handle, path in sources.items():
        alone = tf.saved_model.load(str(path))
        for key, function in alone.signatures.items():
            expected.add(f"{handle}_{key}")
            inputs = {
                name: tf.constant(x if spec.shape.rank == 2 else np.float32(2))
                for name, spec in function.structured_input_signature[1].items()
            }
            want, got = function(**inputs), loaded.signatures[f"{handle}_{key}"](**inputs)
            assert want.keys() == got.keys()
            for name in want:
                np.testing.assert_allclose(got[name], want[name], rtol=1e-6)
    assert set(loaded.signatures) == expected


def test_a_kept_signature_runs_in_a_v1_session(models: Models, tmp_path: Path) -> None:
    """The wired input can still be fed, and then what is wired to it is not asked for.

    Not if functions take it: grappler's inlining then wants the input of the first model, too.
    """
    import tensorflow as tf

    x = numbers("kept", (3, 4))
    target = tmp_path / "merged"
    merge(models, target, {"a": "tf2_module", "b": "v1_signatures"}, "y=x", keep_signatures=True)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(target))
        whole, own = meta.signature_def["serving_default"], meta.signature_def["b_serving_default"]
        joined = session.run(whole.outputs["y"].name, {whole.inputs["x"].name: x})
        alone = session.run(own.outputs["y"].name, {own.inputs["x"].name: x})
    source = models("v1_signatures").path
    np.testing.assert_allclose(
        joined, run_v2(target, "serving_default", x=tf.constant(x))["y"], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(alone, run_v2(source, "serving_default", x=tf.constant(x))["y"], rtol=1e-5)
    assert not np.allclose(joined, alone)
