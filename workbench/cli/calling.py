"""How to call a model: one line for the shell, a few for Python, one REST request, with real keys and shapes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.disk import dtypes
from workbench.model import MetaGraph, Port, Signature
from workbench.model.shapes import Shape
from workbench.model.signature import DEFAULT

_SMALL = 12  # numbers that are still written out in an example
_IMAGE_OPS = frozenset(
    {"DecodePng", "DecodeJpeg", "DecodeImage", "DecodeBmp", "DecodeGif", "DecodeAndCropJpeg"}
)


def shell(path: Path, signature: Signature, kinds: Mapping[str, str], example: str | None = None) -> str:
    """The `workbench run …` line.

    Args:
        path: the model.
        signature: what is called.
        kinds: what strings mean, by key: `image`, `base64 image`; see `string_kinds`.
        example: a PNG file to name in it, or None for a name the reader replaces.
    """
    words = ["workbench", "run", str(path)]
    if signature.key != DEFAULT:
        words += ["--signature", signature.key]
    for key, port in signature.inputs.items():
        if port.kind == "sparse":
            words += ["--input", f"{key}.indices=[[0,0]]", "--input", f"{key}.values=[1]"]
            words += ["--input", f"{key}.dense_shape={_dense([1] * len(port.shape or (1, 1)))}"]
        else:
            words += ["--input", f"{key}={_shell_value(port, kinds.get(key), example)}"]
    return shlex.join(words)


def _shell_value(port: Port, kind: str | None, example: str | None) -> str:
    if kind == "base64 image":
        return f"base64url:@{example or 'image.png'}"
    if kind == "image" and port.shape in ((), None):
        return f"@{example or 'image.png'}"
    value = example_value(port)
    if value is None:
        return "@input.npy"
    return _dense(value)


def _dense(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def python(path: Path, signature: Signature) -> list[str]:
    """The lines of Python that call it with TensorFlow alone."""
    lines = ["import tensorflow as tf", f"model = tf.saved_model.load({str(path)!r})"]
    words = []
    for key, port in signature.inputs.items():
        name = key if key.isidentifier() else None
        value = _python_value(port)
        words.append(f"{name}={value}" if name else f"**{{{key!r}: {value}}}")
    lines.append(f"model.signatures[{signature.key!r}]({', '.join(words)})")
    return lines


def _python_value(port: Port) -> str:
    dtype = dtypes.name(port.dtype) if port.dtype else "float32"
    if port.kind == "sparse":
        shape = [1] * len(port.shape or (1, 1))
        return f"tf.SparseTensor([{[0] * len(shape)}], tf.constant([1], tf.{dtype}), {shape})"
    value = example_value(port)
    if value is None:
        return f"tf.zeros({_sizes(port.shape)}, tf.{dtype})"
    return f"tf.constant({value!r}, tf.{dtype})" if dtype != "float32" else f"tf.constant({value!r})"


def rest(signature: Signature) -> tuple[str, dict[str, Any] | None]:
    """TensorFlow Serving's REST request: (what to say about it, its body or None).

    `instances` sends a batch, so it fits only where every input has a first dimension of free size; all else takes
    `inputs`, the columns as they are.
    """
    head: dict[str, Any] = {} if signature.key == DEFAULT else {"signature_name": signature.key}
    if any(port.kind != "dense" for port in signature.inputs.values()):
        return "TensorFlow Serving's REST interface takes no sparse or ragged inputs; use gRPC.", None
    values = {key: example_value(port, batch=1) for key, port in signature.inputs.items()}
    values = {key: _as_json(signature.inputs[key], value) for key, value in values.items()}
    batched = all(port.shape and port.shape[0] is None for port in signature.inputs.values())
    if batched and values:
        rows = {key: value[0] if isinstance(value, list) else "…" for key, value in values.items()}
        row = next(iter(rows.values())) if len(rows) == 1 else rows
        return "", {**head, "instances": [row]}
    return "", {**head, "inputs": next(iter(values.values())) if len(values) == 1 else values}


def _as_json(port: Port, value: Any) -> Any:
    return "…" if value is None else value


def example_value(port: Port, batch: int = 1) -> Any:
    """A small value that fits the dtype and shape, or None if it would be too long to write."""
    shape = port.shape
    if shape is None:
        shape = ()
    sizes = [batch if size is None else size for size in shape]
    total = 1
    for size in sizes:
        total *= size
    if total > _SMALL:
        return None
    name = dtypes.name(port.dtype) if port.dtype else "float32"
    leaf: Any = "text" if name == "string" else False if name == "bool" else 0 if "int" in name else 0.0
    for size in reversed(sizes):
        leaf = [leaf] * size
    return leaf


def _sizes(shape: Shape) -> list[int]:
    return [1 if size is None else size for size in shape or ()]


def string_kinds(meta: MetaGraph, signature: Signature) -> dict[str, str]:
    """What a string input means, as far as the ops right behind it tell: `base64 image`, `image`."""
    found: dict[str, str] = {}
    for key, port in signature.inputs.items():
        if port.kind == "dense" and dtypes.name(port.dtype) == "string":
            ops = _ops_behind(meta, port.tensor)
            if ops & _IMAGE_OPS:
                found[key] = "base64 image" if "DecodeBase64" in ops else "image"
    return found


def _ops_behind(meta: MetaGraph, tensor: str) -> set[str]:
    from workbench import names
    from workbench.graph.adjacency import Adjacency
    from workbench.graph.functions import reachable

    below = Adjacency(meta.nodes).descendants([names.input_node(tensor)])
    nodes = [meta.nodes[name] for name in below]
    calls = [node for node in nodes if node.op in ("PartitionedCall", "StatefulPartitionedCall")]
    functions = reachable(meta.graph, calls)
    bodies = [node.op for name in functions for node in meta.functions[name].node_def]
    return {node.op for node in nodes} | set(bodies)
