"""The signature a frozen GraphDef has: fed at its placeholders, read at its sinks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.model.signature import DEFAULT, PREDICT, Port, Signature
from workbench.model.tensors import PLACEHOLDERS, output_shape
from workbench.names import input_node, is_control

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

_MAX_MORE = 4096
_NO_OUTPUT = frozenset({"NoOp", "Assert", "Print", "PrintV2"})


def read_signature(meta: MetaGraph) -> dict[str, Signature]:
    """One `serving_default`: inputs are the placeholders, outputs the sinks, keys the node names.

    A sink is a node that no data input names, other than NoOp, Assert, Print, and Const where anything else
    is left. A sink with several outputs gives `node`, `node:1`, …, up to some thousand for all sinks together.
    """
    inputs: dict[str, Port] = {}
    sinks: list[str] = []
    used: set[str] = set()
    for node in meta.graph.node:
        used.update([input_node(entry) for entry in node.input if not is_control(entry)])
    for name, node in meta.nodes.items():
        if node.op in PLACEHOLDERS:
            inputs[name] = _port(meta, name, f"{name}:0")
        elif name not in used and node.op not in _NO_OUTPUT:
            sinks.append(name)
    computed = [name for name in sinks if meta.nodes[name].op != "Const"]
    outputs: dict[str, Port] = {}
    more = _MAX_MORE
    for name in computed or sinks:
        types = meta.output_types(meta.nodes[name])
        number = 1 if types is None else len(types)
        more -= max(number - 1, 0)
        if more < 0:  # a few bytes can claim thousands
            number = min(number, 1)
        for index in range(number):
            key = name if index == 0 else f"{name}:{index}"
            dtype = types[index] if types is not None else 0
            shape = output_shape(meta.nodes[name], index, meta.producer)
            outputs[key] = Port(key, "dense", (f"{name}:{index}",), dtype, shape)
    if not inputs and not outputs:
        return {}
    ordered_in = {key: inputs[key] for key in sorted(inputs)}
    ordered_out = {key: outputs[key] for key in sorted(outputs)}
    return {DEFAULT: Signature(DEFAULT, PREDICT, ordered_in, ordered_out)}


def _port(meta: MetaGraph, key: str, tensor: str) -> Port:
    found = meta.node_tensor(tensor)
    if found is None:
        return Port(key, "dense", (tensor,), 0, None)
    return Port(key, "dense", (tensor,), found.dtype, found.shape)
