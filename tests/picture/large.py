"""Large models for pictures: a residual network of any size, with variables, as TF1 scopes or inside a TF2 function.

`python -m tests.picture.large FOLDER --nodes 63000` writes one to look at.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from workbench.disk import schema
from workbench.model.meta import MetaGraph

FLOAT, RESOURCE = 1, 20
_PER_LAYER = 14
_LAYERS = 4  # of a block


class _Writer:
    """Adds nodes to the main graph or to a function's body; a body names outputs `node:output:0`."""

    def __init__(self, nodes: Any, shapes: bool) -> None:
        self.nodes = nodes
        self.shapes = shapes
        self.outs: dict[str, str] = {}

    def add(
        self, name: str, op: str, *inputs: str, out: str = "", shape: tuple[int, ...] = (), **attrs: Any
    ) -> str:
        node = self.nodes.add(name=name, op=op)
        node.input.extend(inputs)
        for key, value in attrs.items():
            attr = node.attr[key]
            if isinstance(value, bytes):
                attr.s = value
            elif isinstance(value, bool):
                attr.b = value
            elif isinstance(value, list):
                attr.list.i.extend(value)
            elif isinstance(value, float):
                attr.f = value
            else:
                attr.type = value
        if self.shapes and shape:
            _shape(node.attr["_output_shapes"].list.shape.add(), shape)
        return f"{name}:{out}:0" if out else name

    def constant(self, name: str, *values: int, out: str = "") -> str:
        node = self.nodes.add(name=name, op="Const")
        node.attr["dtype"].type = 3
        tensor = node.attr["value"].tensor
        tensor.dtype = 3
        tensor.tensor_shape.dim.add(size=len(values))
        tensor.int_val.extend(values)
        return f"{name}:{out}:0" if out else name


def _shape(proto: Any, sizes: tuple[int, ...]) -> None:
    for size in sizes:
        proto.dim.add(size=size)


def _block(to: _Writer, block: int, before: str, variables: list[str], body: bool) -> str:
    """A residual block of convolutions, each with a bias, a batch norm and an activation."""

    def out(name: str) -> str:
        return name if body else ""

    shortcut = before
    image = (-1, 28, 28, 64)
    for layer in range(_LAYERS):
        scope = f"stage_{block // 16}/block_{block}/layer_{layer}"
        kernel, bias, scale = variables[3 * layer : 3 * layer + 3]
        reads = []
        for name, handle in (("Conv2D", kernel), ("BiasAdd", bias), ("mul", scale)):
            reads.append(
                to.add(
                    f"{scope}/{name}/ReadVariableOp", "ReadVariableOp", handle, out=out("value"), dtype=FLOAT
                )
            )
        shape = to.constant(f"{scope}/Reshape/shape", 64, out=out("output"))
        flat = to.add(f"{scope}/Reshape", "Reshape", reads[2], shape, out=out("output"), T=FLOAT)
        conv = to.add(
            f"{scope}/Conv2D", "Conv2D", before, reads[0], out=out("output"), shape=image,
            T=FLOAT, strides=[1, 1, 1, 1], padding=b"SAME",
        )  # fmt: skip
        added = to.add(f"{scope}/BiasAdd", "BiasAdd", conv, reads[1], out=out("output"), shape=image, T=FLOAT)
        root = to.add(f"{scope}/batchnorm/Rsqrt", "Rsqrt", flat, out=out("y"), T=FLOAT)
        half = to.add(f"{scope}/batchnorm/mul", "Mul", added, root, out=out("z"), shape=image, T=FLOAT)
        moved = to.add(f"{scope}/batchnorm/add", "AddV2", half, flat, out=out("z"), shape=image, T=FLOAT)
        before = to.add(f"{scope}/Relu", "Relu", moved, out=out("activations"), shape=image, T=FLOAT)
        before = to.add(f"{scope}/Identity", "Identity", before, out=out("output"), shape=image, T=FLOAT)
    return to.add(
        f"stage_{block // 16}/block_{block}/add",
        "AddV2",
        before,
        shortcut,
        out=out("z"),
        shape=image,
        T=FLOAT,
    )


def _variables(graph: Any, block: int) -> list[str]:
    names = []
    for layer in range(_LAYERS):
        for name in ("kernel", "bias", "gamma"):
            node = graph.node.add(
                name=f"stage_{block // 16}/block_{block}/layer_{layer}/{name}", op="VarHandleOp"
            )
            node.attr["dtype"].type = FLOAT
            node.attr["shape"].shape.dim.add(size=64)
            node.attr["shared_name"].s = node.name.encode()
            names.append(node.name)
    return names


def large(nodes: int, *, function: bool = False) -> Any:
    """A MetaGraphDef of about so many nodes, one signature; `function` puts the layers into a function's body."""
    proto = schema.MetaGraphDef()
    proto.meta_info_def.tags.append("serve")
    proto.meta_info_def.tensorflow_version = "2.15.0"
    graph = proto.graph_def
    graph.versions.producer = 1286
    main = _Writer(graph.node, True)
    image = (-1, 28, 28, 64)
    main.add("serving_default_x", "Placeholder", shape=image, dtype=FLOAT)
    _shape(graph.node[-1].attr["shape"].shape, image)
    blocks = max(1, nodes // (_LAYERS * _PER_LAYER + 1))
    every = [_variables(graph, block) for block in range(blocks)]
    if function:
        last = _in_function(graph, main, every)
    else:
        last = "serving_default_x"
        for block in range(blocks):
            last = _block(main, block, last, every[block], False)
    main.add("Identity", "Identity", last, shape=image, T=FLOAT)
    signature = proto.signature_def["serving_default"]
    signature.method_name = "tensorflow/serving/predict"
    for side, key, tensor in (
        (signature.inputs, "x", "serving_default_x:0"),
        (signature.outputs, "y", "Identity:0"),
    ):
        side[key].name = tensor
        side[key].dtype = FLOAT
        _shape(side[key].tensor_shape, image)
    return proto


def _in_function(graph: Any, main: _Writer, every: list[list[str]]) -> str:
    name = "__inference__wrapped_model_1"
    function = graph.library.function.add()
    function.signature.name = name
    function.signature.input_arg.add(name="x", type=FLOAT)
    handles = [handle for block in every for handle in block]
    arguments = []
    for number, _ in enumerate(handles):
        arguments.append(f"resource_{number}")
        function.signature.input_arg.add(name=arguments[-1], type=RESOURCE)
    function.signature.output_arg.add(name="identity", type=FLOAT)
    body = _Writer(function.node_def, True)
    last, per = "x", 3 * _LAYERS
    for block in range(len(every)):
        last = _block(body, block, last, arguments[block * per : (block + 1) * per], True)
    function.ret["identity"] = last
    call = graph.node.add(name="StatefulPartitionedCall", op="StatefulPartitionedCall")
    call.input.extend(["serving_default_x", *handles])
    call.attr["f"].func.name = name
    call.attr["Tin"].list.type.extend([FLOAT, *[RESOURCE] * len(handles)])
    call.attr["Tout"].list.type.append(FLOAT)
    return "StatefulPartitionedCall"


def meta(nodes: int, *, function: bool = False) -> MetaGraph:
    """The MetaGraph of `large`."""
    return MetaGraph(large(nodes, function=function))


def main() -> None:
    """Write a SavedModel without checkpoint: enough to draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nodes", type=int, default=63_000)
    parser.add_argument("--function", action="store_true")
    args = parser.parse_args()
    model = schema.SavedModel()
    model.saved_model_schema_version = 1
    model.meta_graphs.add().CopyFrom(large(args.nodes, function=args.function))
    args.folder.mkdir(parents=True)
    (args.folder / "saved_model.pb").write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
