"""Small graphs written down by hand, as messages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.disk import schema


def graph(*nodes: Any, producer: int = 2000, functions: Iterable[Any] = ()) -> Any:
    """A GraphDef of nodes made by `node`."""
    found = schema.GraphDef(node=nodes)
    found.versions.producer = producer
    found.library.function.extend(functions)
    return found


def node(name: str, op: str, *inputs: str, **attrs: Any) -> Any:
    """A NodeDef. An attr may be a shape (tuple), a dtype (int as `type`), text (`s`), or an AttrValue."""
    found = schema.NodeDef(name=name, op=op, input=inputs)
    for key, value in attrs.items():
        found.attr[key].CopyFrom(attr(value))
    return found


class Func(str):
    """The name of a function, for an attr."""


class Shape(tuple[Any, ...]):
    """A shape, for an attr."""


def attr(value: Any) -> Any:
    """A Python value as an AttrValue: int is a dtype, str is bytes, Func a function, Shape a shape."""
    found = schema.AttrValue()
    if isinstance(value, schema.AttrValue):
        return value
    if isinstance(value, Func):
        found.func.name = str(value)
    elif isinstance(value, Shape):
        found.shape.SetInParent()
        for size in value:
            found.shape.dim.add().size = -1 if size is None else size
    elif isinstance(value, list):
        found.list.SetInParent()
        for item in value:
            if isinstance(item, Func):
                found.list.func.add().name = str(item)
            elif isinstance(item, Shape):
                found.list.shape.add().CopyFrom(attr(item).shape)
            else:
                found.list.type.append(item)
    elif isinstance(value, int):
        found.type = value
    elif isinstance(value, str):
        found.s = value.encode()
    else:
        found.tensor.CopyFrom(value)
    return found


def strings(*values: str, count: int | None = None) -> Any:
    """A string TensorProto of `count` elements, of which the last given one is repeated."""
    found = schema.TensorProto(dtype=7, string_val=[value.encode() for value in values])
    found.tensor_shape.dim.add().size = len(values) if count is None else count
    return found


def const(name: str, *values: str, count: int | None = None) -> Any:
    """A string Const."""
    return node(name, "Const", dtype=7, value=strings(*values, count=count))


def function(name: str, arguments: Iterable[str], *nodes: Any, returns: dict[str, str] | None = None) -> Any:
    """A FunctionDef whose arguments are `name` or `name:dtype`."""
    found = schema.FunctionDef(node_def=nodes)
    found.signature.name = name
    for argument in arguments:
        plain, _, dtype = argument.partition(":")
        found.signature.input_arg.add(name=plain, type=int(dtype or 1))
    for key, value in (returns or {}).items():
        found.signature.output_arg.add(name=key, type=1)
        found.ret[key] = value
    return found


def meta_graph(graph_def: Any, tags: tuple[str, ...] = ("serve",), **signatures: Any) -> Any:
    """A MetaGraphDef; a signature is `({key: tensor}, {key: tensor})`, all float32 of unknown rank."""
    found = schema.MetaGraphDef(graph_def=graph_def)
    found.meta_info_def.tags.extend(tags)
    found.meta_info_def.tensorflow_version = "2.21.0"
    for key, (inputs, outputs) in signatures.items():
        signature = found.signature_def[key]
        signature.method_name = "tensorflow/serving/predict"
        for ports, given in ((signature.inputs, inputs), (signature.outputs, outputs)):
            for name, tensor in given.items():
                ports[name].name = tensor
                ports[name].dtype = 1
                ports[name].tensor_shape.unknown_rank = True
    return found


def write(folder: Path, *metas: Any) -> Path:
    """A SavedModel folder with these MetaGraphs."""
    folder.mkdir(parents=True)
    message = schema.SavedModel(saved_model_schema_version=1, meta_graphs=metas)
    (folder / "saved_model.pb").write_bytes(message.SerializeToString(deterministic=True))
    return folder
