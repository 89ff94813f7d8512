"""Run an example as TensorFlow does: in a v1 session and by `tf.saved_model.load`."""

from __future__ import annotations

from typing import Any

from tests.zoo.example import Example, Ragged, Sparse, tf
from tests.zoo.tools import quiet, v1_session


def read_saved_model(example: Example) -> Any:
    """The SavedModel message, parsed by TensorFlow's own classes."""
    from google.protobuf import text_format
    from tensorflow.core.protobuf import saved_model_pb2

    message = saved_model_pb2.SavedModel()
    file = example.path / "saved_model.pb"
    if file.exists():
        message.ParseFromString(file.read_bytes())
    else:
        text_format.Parse((example.path / "saved_model.pbtxt").read_text(), message)
    return message


def read_meta_graph(example: Example) -> Any:
    """The MetaGraphDef that has exactly the example's tags."""
    metas = read_saved_model(example).meta_graphs
    (meta,) = [meta for meta in metas if set(meta.meta_info_def.tags) == set(example.tags)]
    return meta


def run_v1(example: Example, inputs: dict[str, Any], signature: str | None = None) -> dict[str, Any]:
    """Outputs by key of a signature (by default the example's), run in a fresh v1 session.

    For a GraphDef or a model without signature: inputs by node, outputs `{"y:0": …}` of `example.outputs`.
    """
    with v1_session() as session:
        if example.path.is_file():
            import_graph(example)
            meta = None
        else:
            with quiet():
                meta = tf.compat.v1.saved_model.load(session, list(example.tags), str(example.path))
        key = signature or example.signature
        if meta is None or key is None:
            feeds = {f"{name}:0": value for name, value in inputs.items()}
            return {name: session.run(name, feeds) for name in example.outputs or ("y:0",)}
        chosen = meta.signature_def[key]
        feeds = {}
        for name, value in inputs.items():
            feeds |= dict(zip(component_names(chosen.inputs[name]), components(value), strict=True))
        fetches = {name: component_names(info) for name, info in chosen.outputs.items()}
        got = session.run(fetches, feeds)
    return {name: value[0] if len(value) == 1 else tuple(value) for name, value in got.items()}


def import_graph(example: Example) -> None:
    from google.protobuf import text_format

    graph = tf.compat.v1.GraphDef()
    if example.path.suffix == ".pbtxt":
        text_format.Parse(example.path.read_text(), graph)
    else:
        graph.ParseFromString(example.path.read_bytes())
    tf.import_graph_def(graph, name="")


def component_names(info: Any) -> list[str]:
    """Names of the tensors a TensorInfo stands for: one, or those of a sparse or composite one."""
    if info.WhichOneof("encoding") == "coo_sparse":
        sparse = info.coo_sparse
        return [sparse.indices_tensor_name, sparse.values_tensor_name, sparse.dense_shape_tensor_name]
    if info.WhichOneof("encoding") == "composite_tensor":
        return [part.name for part in info.composite_tensor.components]
    return [info.name]


def components(value: Any) -> list[Any]:
    """The tensors of a value, in the order of `component_names`."""
    return list(value) if isinstance(value, Sparse | Ragged) else [value]


def arguments(function: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs as a loaded signature takes them: a sparse `x` of a v1 model in its three parts."""
    flat = {}
    for key, value in inputs.items():
        if isinstance(value, Sparse):
            parts = zip(("indices", "values", "dense_shape"), value, strict=True)
            flat |= {f"{key}_{part}": tf.constant(array) for part, array in parts}
        elif isinstance(value, Ragged):
            names = [name for name in function.structured_input_signature[1] if name.startswith(key)]
            flat |= {name: tf.constant(array) for name, array in zip(names, value, strict=True)}
        else:
            flat[key] = tf.constant(value)
    return flat


def as_arrays(value: Any) -> Any:
    """numpy of a tensor; a tuple of them, in the order of `component_names`, of a sparse or ragged one."""
    if isinstance(value, tf.sparse.SparseTensor):
        return value.indices.numpy(), value.values.numpy(), value.dense_shape.numpy()
    if isinstance(value, tf.RaggedTensor):
        return value.flat_values.numpy(), value.row_splits.numpy()
    return value.numpy()


def run_v2(example: Example, inputs: dict[str, Any]) -> dict[str, Any]:
    """Outputs of the example's signature, or of its first callable, after `tf.saved_model.load`."""
    loaded = tf.saved_model.load(str(example.path), tags=list(example.tags))
    if example.signature is None:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        if not example.callables:
            return {}
        got = getattr(loaded, example.callables[0])(**tensors)
        got = got if isinstance(got, dict) else {"output_0": got}
    else:
        got = loaded.signatures[example.signature](**arguments(loaded.signatures[example.signature], inputs))
    return {name: as_arrays(value) for name, value in got.items()}
