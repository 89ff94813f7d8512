"""Every model of the zoo: what the views say, against its facts and against TensorFlow's own loading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.zoo import ZOO, Example, names
from tests.zoo.broken import BROKEN
from tests.zoo.common import commonly
from tests.zoo.example import tf
from tests.zoo.tools import quiet, v1_session
from workbench.checks.open_model import examine
from workbench.disk import dtypes
from workbench.errors import WorkbenchError
from workbench.model import open_model, shapes
from workbench.model.variables import Variable

pytestmark = pytest.mark.needs_tf
Zoo = Callable[[str], Example]
ALL = names()


@pytest.mark.parametrize("name", commonly(ALL))
def test_the_views_say_what_the_facts_say(zoo: Zoo, name: str) -> None:
    example = zoo(name)
    model = open_model(example.path)
    meta = model.select(example.tags)
    if model.format == "graphdef":
        assert [f"{key}:0" for key in meta.signature().outputs] == list(example.outputs)
        assert set(meta.signature().inputs) == set(example.inputs(1))
    else:
        assert len(model.meta_graphs) == example.meta_graphs
        assert sorted(key for key in meta.signatures if not key.startswith("__saved")) == list(
            example.signatures
        )
    if example.signature is not None and model.format != "graphdef":
        assert sorted(meta.signatures[example.signature].outputs) == list(example.outputs)
        assert set(meta.signatures[example.signature].inputs) == set(example.inputs(1))
    assert len(meta.variables) == example.variables
    assert (None if model.bundle is None else len(model.bundle)) == example.checkpoint_keys
    assert sorted(asset.filename for asset in meta.assets) == list(example.assets)
    assert meta.has_object_graph == example.object_graph
    if example.loads_v2 and example.object_graph and "keras" not in example.kinds:
        assert sorted(c.path for c in meta.callables if "." not in c.path) == list(example.callables)
    known = {"unknown-op", "signature-dtype", "signature-shape"}
    assert {finding.code for finding in examine(model)} <= known


KEYED = [name for name in ALL if not {"unknown_op", "graphdef"} & ZOO[name].kinds]


@pytest.mark.parametrize("name", commonly(KEYED, 3))
def test_each_key_holds_the_value_the_variable_has_after_loading(zoo: Zoo, name: str) -> None:
    """The strongest test of keys: TensorFlow restores, and the variable's value is that under its key."""
    example = zoo(name)
    model = open_model(example.path, example.tags)
    keyed = [variable for variable in model.meta.variables if variable.key is not None]
    if not keyed:
        pytest.skip("no variable is restored")
    if not example.runs_v1:
        pytest.skip("TensorFlow can't load it")
    with v1_session() as session:
        with quiet():
            meta = tf.compat.v1.saved_model.load(session, list(example.tags), str(example.path))
        assert meta is not None
        graph = session.graph
        for variable in keyed:
            tensor = graph.get_tensor_by_name(f"{variable.name}:0")
            if not variable.is_ref:
                tensor = tf.raw_ops.ReadVariableOp(resource=tensor, dtype=dtypes.name(variable.dtype))
            got = session.run(tensor)
            expected = on_disk(model.bundle, variable)
            np.testing.assert_array_equal(got, expected, err_msg=variable.name)
            assert shapes.fits(got.shape, variable.shape) == "proven"
            if variable.dtype != dtypes.STRING:
                assert variable.nbytes == got.nbytes


def on_disk(bundle: Any, variable: Variable) -> Any:
    assert variable.key is not None
    whole = bundle.array(variable.key)
    if variable.slice is None:
        return whole
    part = zip(variable.slice.start, variable.slice.length, strict=True)
    return whole[tuple(slice(start, start + length) for start, length in part)]


@pytest.mark.parametrize("name", commonly(names("tf2"), 3))
def test_trainable_is_what_tensorflow_says(zoo: Zoo, name: str) -> None:
    example = zoo(name)
    if not example.loads_v2:
        pytest.skip("TensorFlow can't load it")
    loaded = tf.saved_model.load(str(example.path), tags=list(example.tags))
    meta = open_model(example.path, example.tags).meta
    objects = meta.objects
    assert objects is not None
    for variable in meta.variables:
        number = objects.variable_of_key(variable.key) if variable.key else None
        if number is None or variable.key is None:
            continue
        found = loaded
        for part in variable.key.split("/.ATTRIBUTES")[0].split("/"):
            found = found[int(part)] if part.isdecimal() else getattr(found, part, None)
            if found is None:
                break
        if found is not None and hasattr(found, "trainable"):
            assert found.trainable == variable.trainable, variable.name


def test_partitions_share_a_key_and_weigh_what_the_whole_weighs(zoo: Zoo) -> None:
    model = open_model(zoo("v1_partitioned").path)
    parts = [variable for variable in model.meta.variables if variable.slice is not None]
    assert len(parts) > 1 and model.bundle is not None
    for key in {variable.key for variable in parts}:
        assert key is not None
        together = sum(variable.nbytes or 0 for variable in parts if variable.key == key)
        assert together == model.bundle.entry(key).size
    assert {variable.trainable for variable in parts} == {True}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_broken_model_is_shown_with_a_finding_or_refused_in_words(
    zoo: Zoo, tmp_path: Any, name: str
) -> None:
    broken = BROKEN[name](zoo, tmp_path)
    if broken.stage == "open":
        with pytest.raises(WorkbenchError):
            open_model(broken.path)
        return
    model = open_model(broken.path)
    for meta in model.meta_graphs:
        assert meta.variables is not None
        assert meta.signatures is not None
    findings = examine(model)
    if name in ("flipped_shard", "cycle", "recursive_function", "hostile_names"):
        return  # seen when bytes are read, or by questions about the graph
    assert findings
    text = " ".join(map(str, findings)).lower()
    for word in broken.says:
        assert word.lower() in text
