"""Every model of the zoo is what its facts say."""

from __future__ import annotations

import collections
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.forking.client import FORKING
from tests.sampling import plainly
from tests.zoo import KINDS, ZOO, Example, names
from tests.zoo.common import COMMON, commonly
from tests.zoo.run import read_meta_graph, read_saved_model, run_v1, run_v2

Zoo = Callable[[str], Example]

VARIABLES = ("VarHandleOp", "VariableV2", "Variable")
TABLES = ("HashTableV2", "MutableHashTableV2", "MutableDenseHashTableV2", "MutableHashTableOfTensorsV2")

ALL = [pytest.param(name, marks=[pytest.mark.slow] if "slow" in ZOO[name].kinds else []) for name in ZOO]
all_models = pytest.mark.parametrize("name", commonly(ALL))


def test_there_is_enough_of_each_kind() -> None:
    assert len(ZOO) >= 35
    count = collections.Counter(kind for made in ZOO.values() for kind in made.kinds)
    assert set(count) == set(KINDS)
    assert count["chain"] >= 30


def test_common_models_are_of_each_kind() -> None:
    assert set(ZOO) >= COMMON
    assert {kind for name in COMMON for kind in ZOO[name].kinds} == set(KINDS) - {"big", "slow"}


def test_every_maker_says_what_it_makes() -> None:
    for made in ZOO.values():
        assert made.make.__doc__, made.name


def test_names_selects_by_kind() -> None:
    assert names("graphdef") == ["graphdef_pb", "graphdef_pbtxt"]
    assert set(names("ref", "partitioned")) == {"v1_ref_partitioned"}
    assert not set(names()) & {name for name, made in ZOO.items() if "slow" in made.kinds}
    assert "keras_resnet50" in names("keras", without=())


@all_models
def test_facts_about_the_files(zoo: Zoo, name: str) -> None:
    example = zoo(name)
    kinds = example.kinds
    if "graphdef" in kinds:
        assert example.path.is_file()
        return
    message = read_saved_model(example)
    meta = read_meta_graph(example)
    nodes = collections.Counter(node.op for node in meta.graph_def.node)
    assert len(message.meta_graphs) == example.meta_graphs
    assert sum(nodes[op] for op in VARIABLES) == example.variables
    assert sum(nodes[op] for op in TABLES) == example.tables
    keys = sorted(key for key in meta.signature_def if not key.startswith("__saved_model_"))
    assert tuple(keys) == example.signatures
    if example.signature is not None:
        assert tuple(sorted(meta.signature_def[example.signature].outputs)) == example.outputs
        assert set(example.inputs(1)) == set(meta.signature_def[example.signature].inputs)
    assert asset_names(meta) == example.assets
    for asset in example.assets:
        assert (example.path / "assets" / asset).is_file()
    assert meta.HasField("object_graph_def") == example.object_graph == ("tf2" in kinds)
    assert ("asset" in kinds) == bool(example.assets)
    assert ("table" in kinds) == bool(example.tables)
    assert ("ref" in kinds) == bool(nodes["VariableV2"] + nodes["Variable"])
    assert ("flow_v1" in kinds) == bool(nodes["Switch"] + nodes["Enter"])


def asset_names(meta: Any) -> tuple[str, ...]:
    from tensorflow.core.protobuf import meta_graph_pb2

    defs = list(meta.asset_file_def)
    if not defs:
        for packed in meta.collection_def["saved_model_assets"].any_list.value:
            defs.append(meta_graph_pb2.AssetFileDef())
            packed.Unpack(defs[-1])
    return tuple(sorted(asset.filename for asset in defs))


@all_models
def test_facts_about_the_checkpoint(zoo: Zoo, name: str) -> None:
    import tensorflow as tf

    example = zoo(name)
    prefix = example.path / "variables" / "variables"
    if example.checkpoint_keys is None:
        assert not prefix.with_suffix(".index").exists()
        return
    reader = tf.train.load_checkpoint(str(prefix))
    assert len(reader.get_variable_to_shape_map()) == example.checkpoint_keys
    shards = len(list(prefix.parent.glob("variables.data-*")))
    assert shards == (example.shards or 1)
    assert ("sharded" in example.kinds) == (shards > 1)


def same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    assert set(left) == set(right)
    for key in left:
        for one, other in zip(flat(left[key]), flat(right[key]), strict=True):
            if one.shape != other.shape:
                return False
            exact = one.dtype == object or not np.issubdtype(one.dtype, np.inexact)
            equal = np.array_equal(one, other) if exact else np.allclose(one, other, 1e-5, 1e-6)
            if not equal:
                return False
    return True


def flat(value: Any) -> list[np.ndarray]:
    return [np.asarray(part) for part in value] if isinstance(value, tuple) else [np.asarray(value)]


here = pytest.mark.parametrize(
    "name", commonly([param for param in ALL if "elsewhere" not in ZOO[param.values[0]].kinds], 4)
)


@here
def test_runs_in_a_v1_session_as_its_facts_say(zoo: Zoo, name: str) -> None:
    import tensorflow as tf

    example = zoo(name)
    if example.signature is None and "tf2" in example.kinds:
        pytest.skip("has callables only, which a v1 session does not know")
    if not example.runs_v1:
        with pytest.raises(tf.errors.OpError):
            run_v1(example, example.inputs(example.batches[0]))
        return
    for batch in example.batches:
        inputs = example.inputs(batch)
        first, again = run_v1(example, inputs), run_v1(example, inputs)
        if example.outputs:
            assert tuple(sorted(first)) == example.outputs
        assert same(first, again) != ("random" in example.kinds)
        if "chain" in example.kinds:
            assert first["y"].shape == inputs["x"].shape == (batch, 4)
            assert first["y"].dtype == np.float32
            assert np.isfinite(first["y"]).all()


@here
def test_loads_in_v2_as_its_facts_say(zoo: Zoo, name: str) -> None:
    import tensorflow as tf

    example = zoo(name)
    loads = example.loads_v2 if example.runs_v2 is None else example.runs_v2
    inputs = example.inputs(example.batches[0])
    if not loads:
        with pytest.raises(Exception) as caught:
            if example.loads_v2:
                tf.saved_model.load(str(example.path), tags=list(example.tags))
            run_v2(example, inputs)
        assert not isinstance(caught.value, AssertionError)
        return
    got = run_v2(example, inputs)
    if example.signature is None or "random" in example.kinds or not example.runs_v1:
        return
    assert same(got, run_v1(example, inputs))


FRESH = """
import json, sys
import tensorflow as tf

def tried(action):
    try:
        action()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""

path = sys.argv[1]
x = tf.ones([1, 4])

def run_v1():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], path)
        chosen = meta.signature_def["serving_default"]
        session.run(chosen.outputs["y"].name, {chosen.inputs["x"].name: [[1.0] * 4]})

print(json.dumps({
    "loads_v2": tried(lambda: tf.saved_model.load(path)),
    "runs_v2": tried(lambda: tf.saved_model.load(path).signatures["serving_default"](x=x)),
    "runs_v1": tried(run_v1),
}))
"""


@pytest.mark.parametrize("name", names("elsewhere"))
def test_facts_hold_in_a_fresh_process(zoo: Zoo, name: str) -> None:
    example = zoo(name)
    done = FORKING.program(FRESH, str(example.path))
    assert done.returncode == 0, done.stderr
    failures = json.loads(done.stdout.splitlines()[-1])
    runs_v2 = example.loads_v2 if example.runs_v2 is None else example.runs_v2
    assert {key: not failure for key, failure in failures.items()} == {
        "loads_v2": example.loads_v2,
        "runs_v2": runs_v2,
        "runs_v1": example.runs_v1,
    }


@pytest.mark.parametrize("name", commonly(names("tf2", without=("slow", "elsewhere")), 4))
def test_callables_are_those_of_the_loaded_object(zoo: Zoo, name: str) -> None:
    import tensorflow as tf

    example = zoo(name)
    if not example.loads_v2:
        pytest.skip("can't be loaded")
    loaded = tf.saved_model.load(str(example.path))
    found = {
        name
        for name in {*dir(type(loaded)), *vars(loaded)}
        if hasattr(getattr(loaded, name, None), "concrete_functions") and not name.startswith("_default_save")
    }
    assert tuple(sorted(found)) == example.callables


@pytest.mark.parametrize("name", commonly(names("state")))
def test_a_stateful_model_changes_from_run_to_run(zoo: Zoo, name: str) -> None:
    """Or it needs the state within one run: then the session still gives what a fresh one gives."""
    import tensorflow as tf

    example = zoo(name)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, list(example.tags), str(example.path))
        chosen = meta.signature_def[example.signature]
        feeds = {chosen.inputs["x"].name: example.inputs(1)["x"]}
        runs = [session.run(chosen.outputs["y"].name, feeds) for _ in range(2)]
    moves = name not in ("v1_queue", "v1_ref_scatter")
    assert np.array_equal(*runs) != moves


@pytest.mark.parametrize(
    ("name", "other"),
    plainly(
        [
            ("v1_simple_save", "v1_simple_twin"),
            ("v1_hash_table", "v1_hash_table_other"),
            ("tf2_module", "tf2_module_twin"),
            ("tf2_hash_table", "tf2_hash_table_other"),
        ],
        ("v1_hash_table", "v1_hash_table_other"),
        ("tf2_module", "tf2_module_twin"),
    ),
)
def test_twins_have_equal_names_and_other_values(zoo: Zoo, name: str, other: str) -> None:
    """So that a join that mixes them up is found out by its numbers."""
    nodes = [
        sorted(node.name for node in read_meta_graph(zoo(each)).graph_def.node) for each in (name, other)
    ]
    inputs = zoo(name).inputs(3)
    assert same(run_v1(zoo(name), inputs), run_v1(zoo(name), inputs))
    assert not same(run_v1(zoo(name), inputs), run_v1(zoo(other), inputs))
    if name.startswith("v1"):
        assert nodes[0] == nodes[1]
    assert zoo(name).assets == zoo(other).assets


@pytest.mark.parametrize("name", commonly(names("tf1"), 2))
def test_values_are_in_the_checkpoint_and_not_in_the_graph(zoo: Zoo, name: str) -> None:
    """A model in which the initialiser runs instead of the restore would give zeros."""
    import tensorflow as tf

    example = zoo(name)
    if example.checkpoint_keys is None:
        pytest.skip("no checkpoint")
    reader = tf.train.load_checkpoint(str(example.path / "variables" / "variables"))
    numeric = [
        reader.get_tensor(key)
        for key, dtype in reader.get_variable_to_dtype_map().items()
        if dtype.is_floating and reader.get_variable_to_shape_map()[key] != [0, 3]
    ]
    assert all(np.any(np.asarray(value, np.float32)) for value in numeric)


def test_defaults_are_in_the_signature(zoo: Zoo) -> None:
    chosen = read_meta_graph(zoo("tf2_default_inputs")).signature_def["serving_default"]
    assert list(chosen.defaults) == ["scale"]


@pytest.mark.parametrize(
    ("name", "key", "encoding"),
    [("v1_sparse_input", "x", "coo_sparse"), ("v1_ragged_input", "x", "composite_tensor")],
)
def test_encodings_of_signatures(zoo: Zoo, name: str, key: str, encoding: str) -> None:
    chosen = read_meta_graph(zoo(name)).signature_def["serving_default"]
    assert chosen.inputs[key].WhichOneof("encoding") == encoding


def test_aliased_keys_of_keras_hold_equal_values(zoo: Zoo) -> None:
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(zoo("keras_dense").path / "variables" / "variables"))
    values: dict[str, set[bytes]] = {"variables": set(), "_all_variables": set()}
    for key in reader.get_variable_to_shape_map():
        if "/" in key:
            values[key.partition("/")[0]].add(reader.get_tensor(key).tobytes())
    assert values["variables"] == values["_all_variables"]
    assert len(values["variables"]) == 4


def test_an_old_optimizer_fails_as_models_in_the_wild_do(zoo: Zoo) -> None:
    import tensorflow as tf

    with pytest.raises(AttributeError, match="add_slot"):
        tf.saved_model.load(str(zoo("tf2_old_optimizer").path))


def test_a_copy_can_be_changed(zoo: Zoo, tmp_path: Path) -> None:
    example = zoo("v1_simple_save")
    before = zlib.crc32((example.path / "saved_model.pb").read_bytes())
    copied = example.copy(tmp_path / "model")
    (copied.path / "saved_model.pb").write_bytes(b"")
    assert copied.variables == example.variables
    assert zlib.crc32((example.path / "saved_model.pb").read_bytes()) == before
