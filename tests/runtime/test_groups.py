"""The parts of ragged and sparse inputs: found by where they go, not by what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import protos
from tests.surgery.tools import changed, flattened
from workbench.disk import dtypes
from workbench.model import MetaGraph, open_model
from workbench.model.shapes import to_proto
from workbench.publishing import reference
from workbench.publishing.commit import commit
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.runtime.inputs.groups import Group, structured_groups
from workbench.runtime.inputs.make_inputs import make_inputs, sample_source
from workbench.surgery.operations.signature import ChangeSignature

INT64 = dtypes.INT64
SPECS = {"sparse": ("SparseTensorSpec", 3), "ragged": ("RaggedTensorSpec", 2)}


def structured(*kinds: str, keys: Mapping[str, str] | None = None) -> Any:
    """A MetaGraph with one callable `f(arg)`, whose `arg` is a list of tensors of these kinds.

    Its signature calls `f` through a wrapper with keys `arg`, `arg_1`, …, which `keys` may change.
    """
    count = sum(SPECS[kind][1] for kind in kinds)
    plain = ["arg", *(f"arg_{number}" for number in range(1, count))]
    inner = protos.function("f_1", [f"a{number}" for number in range(count)], returns={"y": "a0"})
    types = [dtype for kind in kinds for dtype, _ in _components(kind)]
    call = protos.node("call", "PartitionedCall", *plain, f=protos.Func("f_1"), Tin=types, Tout=types[:1])
    wrapper = protos.function("wrapper", plain, call, returns={"y": "call:output:0"})
    for function in (inner, wrapper):
        for argument, dtype in zip(function.signature.input_arg, types, strict=True):
            argument.type = dtype
        function.signature.output_arg[0].type = types[0]
    nodes = []
    place = 0
    for kind in kinds:
        for dtype, shape in _components(kind):
            one = protos.node(f"feed_{plain[place]}", "Placeholder", dtype=dtype, shape=protos.Shape(shape))
            nodes.append(one)
            place += 1
    main = protos.node(
        "out",
        "PartitionedCall",
        *[f"feed_{key}" for key in plain],
        f=protos.Func("wrapper"),
        Tin=types,
        Tout=types[:1],
    )
    graph = protos.graph(*nodes, main, functions=[inner, wrapper])
    inputs = {(keys or {}).get(key, key): f"feed_{key}:0" for key in plain}
    meta = protos.meta_graph(graph, serving_default=(inputs, {"y": "out:0"}))
    _add_objects(meta, kinds)
    return meta


def _components(kind: str) -> list[tuple[int, tuple[int | None, ...]]]:
    """Dtype and shape of each component tensor of a ragged or sparse argument."""
    if kind == "sparse":
        return [(INT64, (None, 2)), (1, (None,)), (INT64, (2,))]
    return [(1, (None,)), (INT64, (None,))]


def _add_objects(meta: Any, kinds: tuple[str, ...]) -> None:
    objects = meta.object_graph_def
    root = objects.nodes.add()
    root.user_object.identifier = "_generic_user_object"
    root.children.add(node_id=1, local_name="f")
    objects.nodes.add().function.concrete_functions.append("f_1")
    signature = objects.concrete_functions["f_1"].canonicalized_input_signature
    positional, keyword = signature.tuple_value.values.add(), signature.tuple_value.values.add()
    keyword.dict_value.SetInParent()
    items = positional.tuple_value.values.add().list_value
    for kind in kinds:
        name, count = SPECS[kind]
        spec = items.values.add().type_spec_value
        spec.type_spec_class_name, spec.num_flat_components = name, count
        state = spec.type_state.tuple_value
        state.values.add().tensor_shape_value.CopyFrom(to_proto((None, None)))
        state.values.add().tensor_dtype_value = 1


def groups_of(meta: MetaGraph) -> list[Group]:
    ports = meta.signatures["serving_default"].inputs
    return structured_groups(meta, {key: port.tensor for key, port in ports.items()})


@pytest.mark.parametrize(
    "kinds", [("ragged",), ("ragged", "ragged"), ("sparse", "sparse"), ("sparse", "ragged", "sparse")]
)
def test_several_in_one_argument(kinds: tuple[str, ...]) -> None:
    found = groups_of(MetaGraph(structured(*kinds)))
    assert [group.kind for group in found] == list(kinds)
    names = [name for group in found for name in group.names]
    assert names == ["arg", *(f"arg_{number}" for number in range(1, len(names)))]


def test_whatever_the_keys_are() -> None:
    keys = {"arg": "ids", "arg_1": "before_ids", "arg_2": "z", "arg_3": "a"}
    found = groups_of(MetaGraph(structured("ragged", "ragged", keys=keys)))
    assert {group.names for group in found} == {("ids", "before_ids"), ("z", "a")}


def test_a_part_that_is_no_input_leaves_no_group() -> None:
    meta = MetaGraph(structured("ragged", "ragged"))
    tensors = {key: port.tensor for key, port in meta.signatures["serving_default"].inputs.items()}
    del tensors["arg_1"]
    assert [group.names for group in structured_groups(meta, tensors)] == [("arg_2", "arg_3")]


def test_made_parts_fit_each_other(tmp_path: Path) -> None:
    meta = open_model(protos.write(tmp_path / "m", structured("ragged", "ragged"))).meta
    values = make_inputs(meta, meta.signature()).values
    for flat, splits in (("arg", "arg_1"), ("arg_2", "arg_3")):
        assert values[splits][0] == 0 and values[splits][-1] == len(values[flat]) and len(values[splits]) == 3


@pytest.mark.parametrize("change", ["rename", "flatten"])
def test_an_edit_asks_its_original(tmp_path: Path, change: str) -> None:
    """Keys that changed, or an object graph that is gone, tell nothing."""
    model = open_model(protos.write(tmp_path / "m", structured("ragged", "ragged")))
    if change == "rename":
        edit = changed(model, ChangeSignature(rename_inputs={"arg": "v", "arg_1": "s", "arg_3": "b"}))
    else:
        edit = flattened(model, "tf1")
    signature = edit.meta.signatures["serving_default"]
    source = sample_source(edit.meta, signature, groups=reference.groups(edit, "serving_default"))
    assert source.make is not None
    made = source.make(0)
    assert made is not None
    flat, splits = ("v", "s") if change == "rename" else ("arg", "arg_1")
    for sample in made.samples:
        assert sample[splits][0] == 0 and sample[splits][-1] == len(sample[flat])


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_models_the_one_with_objects_is_asked(tmp_path: Path, turned: bool) -> None:
    from workbench.verification.compare import _Against, pair

    model = open_model(protos.write(tmp_path / "m", structured("ragged", "ragged")))
    flat = commit(flattened(model, "tf1"), tmp_path / "flat", verify=False).path
    assert flat is not None
    two = (open_model(flat), model) if turned else (model, open_model(flat))
    source = _Against(pair(*two), Proving(), None, [])._samples()
    assert source.make is not None
    made = source.make(0)
    assert made is not None
    for sample in made.samples:
        assert sample["arg_3"][0] == 0 and sample["arg_3"][-1] == len(sample["arg_2"])


# -- indices of sparse inputs


@pytest.mark.parametrize(
    ("op", "order", "dense"),
    [("SparseToDense", "isv", (2, 1)), ("ScatterNd", "ivs", (1, 3)), ("SparseReorder", "ivs", (2, 2))],
)
def test_indices_lie_in_the_shape_that_is_demanded(
    tmp_path: Path, op: str, order: str, dense: tuple[int, int]
) -> None:
    shape = protos.node("shape", "Const", dtype=INT64)
    shape.attr["value"].tensor.dtype = INT64
    shape.attr["value"].tensor.tensor_shape.dim.add(size=2)
    shape.attr["value"].tensor.int64_val.extend(dense)
    inputs = [{"i": "x", "v": "x_1", "s": "shape"}[letter] for letter in order]
    graph = protos.graph(
        protos.node("x", "Placeholder", dtype=INT64, shape=protos.Shape((None, 2))),
        protos.node("x_1", "Placeholder", dtype=1, shape=protos.Shape((None,))),
        protos.node("x_2", "Placeholder", dtype=INT64, shape=protos.Shape((2,))),
        shape,
        protos.node("y", op, *inputs),
    )
    ports = {key: f"{key}:0" for key in ("x", "x_1", "x_2")}
    folder = protos.write(tmp_path / "m", protos.meta_graph(graph, serving_default=(ports, {"y": "y:0"})))
    meta = open_model(folder).meta
    for variant in range(7):
        values = make_inputs(meta, meta.signature(), batch=3, variant=variant).values
        assert len(values["x"]) and (values["x"] < np.array(dense)).all()
        assert (values["x"] < values["x_2"]).all()


# -- quantised inputs


@pytest.mark.needs_tf
@pytest.mark.parametrize("dtype", ["quint8", "qint8", "qint32"])
def test_quantised_inputs_are_fed_as_what_they_are(child: Child, tmp_path: Path, dtype: str) -> None:
    """Both loaders take them; none is left out."""
    number = dtypes.enum(dtype)
    ends = [protos.node(name, "Const", dtype=1) for name in ("low", "high")]
    for end, value in zip(ends, (-1.0, 1.0), strict=True):
        end.attr["value"].tensor.dtype = 1
        end.attr["value"].tensor.tensor_shape.SetInParent()
        end.attr["value"].tensor.float_val.append(value)
    graph = protos.graph(
        protos.node("x", "Placeholder", dtype=number, shape=protos.Shape((None, 4))),
        *ends,
        protos.node("y", "Dequantize", "x", "low", "high", T=number),
    )
    meta = protos.meta_graph(graph, serving_default=({"x": "x:0"}, {"y": "y:0"}))
    meta.signature_def["serving_default"].inputs["x"].dtype = number
    model = open_model(protos.write(tmp_path / "m", meta))
    report = commit(flattened(model), tmp_path / "out", child=child)
    assert report.verification is not None, report.reason
    assert {one.loader: one.status for one in report.verification.loaders} == {"v1": "equal", "v2": "equal"}
