"""What the string tensors of one body hold, as far as it is known: the path of an asset, or of the checkpoint."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from workbench.disk.dtypes import STRING
from workbench.disk.schema import NodeDef
from workbench.model.op_classes import IDENTITY, WITH_DEFAULT
from workbench.names import parse_number

Tensor = tuple[str, int]
"""A node and its output, or an argument of a function and 0."""
Kind = Literal["asset", "variable", "checkpoint", "beside"]
"""The path of one of the model's own assets, a variable that holds one, the prefix of the checkpoint that the saver is
given, or the path of a file beside that."""
Known = frozenset[tuple[Tensor, Kind]]
NOTHING: Known = frozenset()

_PASS = IDENTITY | {WITH_DEFAULT}
_SELECT = frozenset({"Select", "SelectV2"})
_MAX_TRAIL = 64
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Fed:
    """Tensors of the main graph that a loader or a caller may feed, so that their nodes do not count.

    Attributes:
        tensors: those that are named as TensorFlow names them, `n:k`.
        nodes: nodes of which it is not known which output is fed.
    """

    tensors: frozenset[Tensor] = frozenset()
    nodes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str]) -> Fed:
        """Return the fed tensors with these names."""
        tensors, nodes = set(), set()
        for name in names:
            tensor = loader_tensor(name)
            if tensor is None:
                nodes.add(name.partition(":")[0])
            else:
                tensors.add(tensor)
        return cls(frozenset(tensors), frozenset(nodes))

    def __contains__(self, tensor: Tensor) -> bool:
        return tensor in self.tensors or tensor[0] in self.nodes


def loader_tensor(name: str) -> Tensor | None:
    """Return a tensor of the main graph by the name a loader looks up, `n:k`.

    None for any other form. `Graph.as_graph_element` (framework/ops.py) takes the number by `int` and as an index of a
    list: `n:00`, `n: 0` and `n:-1` name outputs too.
    """
    node, colon, index = name.partition(":")
    number = parse_number(index)
    return (node, number) if colon and number is not None and str(number) == index else None


def read_input(entry: str) -> Tensor | None:
    """Return a data input as a tensor: `n`, `n:k`, or `n:out:k` of a function; None for others."""
    name, *rest = entry.split(":")
    if name.startswith("^") or len(rest) > 2:
        return None
    number = parse_number(rest[-1]) if rest else 0
    return None if number is None else (name, number)


def data_inputs(node: NodeDef) -> list[str]:
    """Return the inputs of a node that are no control inputs."""
    return [entry for entry in node.input if not entry.startswith("^")]


class Paths:
    """What the string tensors of a body hold.

    Args:
        nodes: its nodes by name.
        known: what is known from outside: tensors that the loader feeds, or arguments.
        fed: tensors that may be fed, whatever their nodes compute.
        functions: names that are functions of the model, and no ops.
    """

    def __init__(
        self,
        nodes: Mapping[str, NodeDef],
        known: Known = NOTHING,
        fed: Fed | None = None,
        functions: Collection[str] = (),
    ) -> None:
        self.nodes = nodes
        self.known = dict(known)
        self._fed = fed or Fed()
        self._functions = functions
        self._kinds: dict[str, Kind | None] = {}

    def kind(self, entry: str) -> Kind | None:
        """Return what an input is the path of; None if that is unknown."""
        return self._kind(entry, 0) if self.known else None

    def origin(self, entry: str) -> Tensor | None:
        """Return the tensor an input comes from, through Identity and the like.

        That may be one that is known, an output of another op, or an argument. None where it may be fed, and where the
        trail ends.
        """
        for _ in range(_MAX_TRAIL):
            tensor = read_input(entry)
            if tensor is None or tensor in self.known:
                return tensor
            if tensor in self._fed:
                return None
            node = self.nodes.get(tensor[0])
            if node is None:
                return tensor
            if node.op in self._functions:
                return None
            if node.op not in _PASS or tensor[1] != 0 or not node.input:
                return tensor
            entry = node.input[0]
        return None

    def is_empty(self, entry: str) -> bool:
        """Return whether an input is an empty constant that nobody feeds."""
        texts = self._texts(entry)
        return texts is not None and not any(texts)

    def _kind(self, entry: str, depth: int) -> Kind | None:
        if entry not in self._kinds:
            self._kinds[entry] = None  # of a cycle nothing is known
            self._kinds[entry] = self._find_kind(entry, depth)
        return self._kinds[entry]

    def _find_kind(self, entry: str, depth: int) -> Kind | None:
        origin = self.origin(entry)
        if origin is None or depth > _MAX_DEPTH:
            return None
        if origin in self.known:
            kind = self.known[origin]
            return None if kind == "variable" else kind
        node = self.nodes.get(origin[0])
        if node is None:
            return None
        data = data_inputs(node)
        if not data or origin[1] != 0:
            return None
        if node.op == "ReadVariableOp":
            handle = read_input(data[0])
            return "asset" if handle is not None and self.known.get(handle) == "variable" else None
        return "beside" if self._is_beside(node, data, depth + 1) else None

    def _is_beside(self, node: NodeDef, data: list[str], depth: int) -> bool:
        """Return whether a node makes a file name from the checkpoint's, as savers do.

        `_AddShardedSaveOps` (training/saver.py), `MultiDeviceSaver.save` (checkpoint/functional_saver.py).
        """
        if node.op == "Pack":
            return all(self._kind(entry, depth) in ("checkpoint", "beside") for entry in data)
        if node.op not in ("ShardedFilename", "StringJoin"):
            return False
        if self._kind(data[0], depth) not in ("checkpoint", "beside"):
            return False
        if node.op == "ShardedFilename":
            return True
        separator = node.attr.get("separator")
        if separator is not None and (separator.WhichOneof("value") != "s" or b"." in separator.s):
            return False
        return all(self._stays(entry) for entry in data[1:])

    def _stays(self, entry: str) -> bool:
        """Return whether an input is a constant that, after a path, stays in its folder."""
        origin = self.origin(entry)
        node = self.nodes.get(origin[0]) if origin is not None else None
        if node is not None and node.op in _SELECT:
            choices = data_inputs(node)[1:]
            return bool(choices) and all(self._are_inside(self._texts(choice)) for choice in choices)
        return self._are_inside(self._texts(entry))

    def _are_inside(self, texts: Collection[bytes] | None) -> bool:
        return texts is not None and not any(b".." in text or text.endswith(b".") for text in texts)

    def _texts(self, entry: str) -> list[bytes] | None:
        """Return the strings of an input's constant; None if it is none, or may be fed."""
        origin = self.origin(entry)
        node = self.nodes.get(origin[0]) if origin is not None and origin not in self.known else None
        if node is None or node.op != "Const" or "value" not in node.attr:
            return None
        value = node.attr["value"]
        if (
            value.WhichOneof("value") != "tensor"
            or value.tensor.dtype != STRING
            or value.tensor.tensor_content
        ):
            return None  # an attr that the caller sets, or strings in the form that wins over `string_val`
        return list(value.tensor.string_val) or [b""]
