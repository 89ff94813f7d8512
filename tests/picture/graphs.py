"""Small and large graphs for pictures, made as messages: no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.disk import schema
from workbench.model.meta import MetaGraph


def meta_of(build: Callable[[Any], None], inputs: Mapping[str, str], outputs: Mapping[str, str]) -> MetaGraph:
    """A MetaGraph whose graph `build` fills, with one signature."""
    proto = schema.MetaGraphDef()
    build(proto.graph_def)
    signature = proto.signature_def["serving_default"]
    for side, ports in ((signature.inputs, inputs), (signature.outputs, outputs)):
        for key, tensor in ports.items():
            side[key].name = tensor
            side[key].dtype = 1
    return MetaGraph(proto)


def chain(count: int, scope: str = "") -> MetaGraph:
    """A chain of Relus; `scope` gets the hundreds and the fives of each number."""

    def build(graph: Any) -> None:
        before = _placeholder(graph)
        for number in range(count):
            name = f"{scope.format(number // 100, number // 5)}Relu_{number}"
            before = _relu(graph, name, before)

    last = count - 1
    name = f"{scope.format(last // 100, last // 5)}Relu_{last}"
    return meta_of(build, {"x": "x:0"}, {"y": f"{name}:0"})


def hub(count: int) -> MetaGraph:
    """One node that feeds many, which all feed one."""

    def build(graph: Any) -> None:
        before = _placeholder(graph)
        node = graph.node.add(name="sum", op="AddN")
        node.attr["N"].i = count
        node.attr["T"].type = 1
        node.input.extend(_relu(graph, f"Relu_{number}", before) for number in range(count))

    return meta_of(build, {"x": "x:0"}, {"y": "sum:0"})


def chain_with_hub(count: int) -> MetaGraph:
    """A chain of which every node also feeds one at the end: long edges past everything."""

    def build(graph: Any) -> None:
        before, every = _placeholder(graph), []
        for number in range(count):
            before = _relu(graph, f"Relu_{number}", before)
            every.append(before)
        node = graph.node.add(name="sum", op="AddN")
        node.attr["N"].i = count
        node.attr["T"].type = 1
        node.input.extend(every)

    return meta_of(build, {"x": "x:0"}, {"y": "sum:0"})


def _placeholder(graph: Any) -> str:
    graph.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    return "x"


def _relu(graph: Any, name: str, before: str) -> str:
    node = graph.node.add(name=name, op="Relu")
    node.attr["T"].type = 1
    node.input.append(before)
    return name
