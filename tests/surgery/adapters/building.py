"""Run what adapters build: a GraphDef of a placeholder and the nodes of a chain, in a v1 Session."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.disk import dtypes, schema
from workbench.model import shapes
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.checked import Checked
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.tensor_type import TensorType


def type_of(value: np.ndarray[Any, Any], *, free: bool = False) -> TensorType:
    """The type of a value; with `free` the first size is unknown."""
    dtype = "string" if value.dtype.kind in "OS" else value.dtype.name
    shape = (None, *value.shape[1:]) if free and value.shape else value.shape
    return TensorType.of(dtype, shape)


def check(text: str, have: TensorType) -> Checked:
    checked = Chain.parse(text).check(have, files=True)
    assert checked.problem is None, (checked.problem, checked.hint)
    return checked


def graph_of(checked: Checked) -> tuple[Any, Fragment, dict[str, Tensor]]:
    """The GraphDef of a placeholder `x` and the chain."""
    graph = schema.GraphDef()
    graph.versions.producer = 2000
    node = graph.node.add(name="x", op="Placeholder")
    node.attr["dtype"].type = checked.have.dtype
    node.attr["shape"].shape.CopyFrom(shapes.to_proto(checked.have.shape))
    fragment = Fragment("adapt_0", {"x"})
    results = checked.build(fragment, Tensor("x", checked.have.dtype))
    paths = {asset.node: asset.path for asset in fragment.assets}
    for made in fragment.nodes:
        if made.name in paths:
            made.attr["value"].tensor.string_val[0] = paths[made.name].encode()
    graph.node.extend(fragment.nodes)
    graph.library.function.extend(fragment.functions)
    return graph, fragment, results


def run(text: str, value: np.ndarray[Any, Any], have: TensorType | None = None) -> dict[str, Any]:
    """The results of a chain by name, each of the dtype and shape that the check said."""
    import tensorflow as tf

    checked = check(text, have or type_of(value))
    graph, fragment, results = graph_of(checked)
    v1 = tf.Graph()
    with v1.as_default():
        tf.import_graph_def(
            tf.compat.v1.GraphDef.FromString(graph.SerializeToString(deterministic=True)), name=""
        )
        with tf.compat.v1.Session(graph=v1) as session:
            for name in fragment.init_ops:
                session.run(f"{name}")
            fetches = {name: f"{one.node}:{one.index}" for name, one in results.items()}
            static = {name: v1.get_tensor_by_name(text) for name, text in fetches.items()}
            found: dict[str, Any] = session.run(fetches, {"x:0": value})
    for name, result in found.items():
        told = checked.type if not name else checked.companions[name]
        result = np.asarray(result)
        assert ("string" if result.dtype.kind in "OS" else result.dtype.name) == told.name, (text, name)
        assert shapes.fits(result.shape, told.shape) == "proven", (text, name, result.shape, told)
        shape = static[name].shape
        known = None if shape.rank is None else tuple(shape.as_list())
        assert shapes.fits(known, told.shape) != "refuted", (text, name, known, told)
        assert dtypes.name(told.dtype) == static[name].dtype.name
    return found


def reference(text: str, value: np.ndarray[Any, Any], have: TensorType | None = None) -> dict[str, Any]:
    """What the reference of a chain gives, evaluated as the TensorFlow process does."""
    from workbench.runtime.child_script.arrays import as_tensor
    from workbench.runtime.child_script.references import reference_steps

    steps = check(text, have or type_of(value)).reference()
    found = reference_steps(steps, {"": as_tensor(value)})
    return {name: np.asarray(one.numpy()) for name, one in found.items()}


def assert_like_reference(text: str, value: np.ndarray[Any, Any], have: TensorType | None = None) -> Any:
    """Compare a chain with its reference; return the main result."""
    found, wanted = run(text, value, have), reference(text, value, have)
    tolerance = check(text, have or type_of(value)).tolerance
    assert set(found) == set(wanted)
    for name in found:
        one, other = np.asarray(found[name]), wanted[name]
        assert one.shape == other.shape, (text, name)
        if one.dtype.kind in "OSb":
            assert one.tolist() == other.tolist(), (text, name)
        else:
            assert one.dtype == other.dtype, (text, name)
            np.testing.assert_allclose(
                one.astype(np.float64),
                other.astype(np.float64),
                rtol=tolerance.relative,
                atol=tolerance.absolute + tolerance.jpeg,
                err_msg=text,
            )
    return found[""]
