"""What needs no box: constants, variable reads, shape arithmetic, Identity.

Everything that does not depend on the value of any input is folded into what consumes it: a weight that is
read, cast and reshaped, a batch norm's `1/sqrt(variance + epsilon)`, the zeros of the shape of an input. The
consumer names what was folded into it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TypeVar

from workbench.disk import dtypes
from workbench.disk.nodes import attr
from workbench.disk.schema import TensorProto
from workbench.model.op_classes import ENTERS, PASS_THROUGH, V1_CONTROL_FLOW, VARIABLES
from workbench.names import show
from workbench.picture.scene.flat import Flattener, Item, Ref, type_text, variable_text

_READS = frozenset({"ReadVariableOp"})
_SHAPES = frozenset({"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"})
Fact = tuple[str, str]
Made = TypeVar("Made")
_MAX_FACTS = 24
_MAX_VALUES = 6
_ARRAY_CODES = {"float32": "f", "float64": "d", "int32": "i", "int64": "q"}


class _Lazy(Mapping[str, Made]):
    """Values by key that are made when they are asked for, and kept: few of a large graph are."""

    def __init__(self, keys: Mapping[str, object], make: Callable[[str], Made]) -> None:
        self._keys = keys
        self._make = make
        self._made: dict[str, Made] = {}

    def __getitem__(self, key: str) -> Made:
        if key not in self._made:
            if key not in self._keys:
                raise KeyError(key)
            self._made[key] = self._make(key)
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


@dataclass
class Folded:
    """The graph that is left.

    Attributes:
        items: what is drawn, in the order it was met.
        edges: for each drawn item its inputs: (input, position).
        inside: for each drawn item, the keys folded into it, nearest first.
        facts: for each drawn item, (label, text) of the leaves folded into it.
        resources: its facts without the constants.
    """

    items: dict[str, Item]
    edges: dict[str, list[Ref]] = field(default_factory=dict)
    inside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)
    resources: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)

    @cached_property
    def order(self) -> dict[str, Item]:
        """The items so that data goes from earlier to later; cycles of loops aside."""
        return {key: self.items[key] for key in _sorted(self)}

    @cached_property
    def home(self) -> dict[str, str]:
        """By folded key the first item that it was folded into."""
        found: dict[str, str] = {}
        for key, tree in self.inside.items():
            for one in tree:
                found.setdefault(one, key)
        return found

    def only(self, keys: Container[str]) -> Folded:
        """Return some of the items, with the edges between them."""
        return replace(
            self,
            items={key: item for key, item in self.items.items() if key in keys},
            edges={
                key: [ref for ref in refs if ref.key in keys]
                for key, refs in self.edges.items()
                if key in keys
            },
        )


def fold(
    flat: Flattener,
    keep: Collection[str] = (),
    handles: Mapping[str, str] | None = None,
    known: Mapping[str, Fact] | None = None,
) -> Folded:
    """Fold what does not depend on the inputs, and what only passes a value on.

    Args:
        flat: the flattened graph.
        keep: keys that are drawn whatever they are.
        handles: first scopes that are handles, to leave them out of variables' names.
        known: what a body's resource arguments (by key) represent outside.
    """
    items = flat.items
    still = _independent(flat, keep)
    left = {
        key: item
        for key, item in items.items()
        if key in keep
        or (key not in still and not (item.op in PASS_THROUGH and item.kind == "op" and item.inputs))
    }
    all_edges: dict[str, list[Ref]] = {}
    starts: dict[str, list[str]] = {}
    for key, item in left.items():
        edges: list[Ref] = []
        inside: list[str] = []
        for ref in item.inputs:
            ref, chain = _behind(ref, items, left, still)
            inside += chain
            if ref.key in left:
                edges.append(ref)
            else:
                inside.append(ref.key)
        all_edges[key] = edges
        if inside:
            starts[key] = inside
    trees = _Lazy(starts, lambda key: _tree(starts[key], items, still))

    def facts(key: str, *, constants: bool) -> tuple[Fact, ...]:
        return _facts(flat, items[key], trees[key], handles or {}, known or {}, constants=constants)

    return Folded(
        left,
        all_edges,
        trees,
        _Lazy(starts, partial(facts, constants=True)),
        _Lazy(starts, partial(facts, constants=False)),
    )


def _behind(
    ref: Ref, items: Mapping[str, Item], left: Mapping[str, Item], still: Collection[str]
) -> tuple[Ref, list[str]]:
    """Return what a reference means without Identity and its like.

    And the keys that were skipped.
    """
    chain: list[str] = []
    while ref.key not in left and ref.key not in still:
        item = items[ref.key]
        chain.append(ref.key)
        at = ref.index if item.op == "IdentityN" and ref.index < len(item.inputs) else 0
        ref = item.inputs[at]
        if len(chain) > len(items):
            break
    return ref, chain


def _independent(flat: Flattener, keep: Collection[str]) -> set[str]:
    """Return the keys of items whose value depends on no input."""
    items = flat.items
    still: set[str] = set()
    done: set[str] = set()
    entered: set[str] = set()
    pure: dict[str, bool] = {}
    for start in items:
        if start in done:
            continue
        todo = [start]
        while todo:
            key = todo[-1]
            if key in done:
                todo.pop()
                continue
            item = items[key]
            if key not in entered:
                entered.add(key)
                if key in keep or not _may_fold(flat, item, pure):
                    done.add(key)
                    continue
                if not item.inputs or item.op in _SHAPES or item.kind == "input":
                    done.add(key)
                    still.add(key)
                    continue
                waiting = [ref.key for ref in item.inputs if ref.key not in done]
                if waiting:
                    todo.extend(waiting)
                    continue
            done.add(key)  # in a cycle some inputs are still open, and none of it is folded
            if all(ref.key in still for ref in item.inputs):
                still.add(key)
    return still


def _may_fold(flat: Flattener, item: Item, pure: dict[str, bool]) -> bool:
    """Return whether an item can be folded; `pure` keeps which ops have no state."""
    node = item.node
    if item.kind == "input":
        return item.tensor is not None and type_text(item.tensor).startswith("resource")
    if item.kind != "op" or node is None or item.key in flat.cut:
        return False
    if item.op in V1_CONTROL_FLOW or item.op == "ControlTrigger":
        return item.op in ENTERS and attr(node, "is_constant").b
    if not item.inputs or item.op in _READS or item.op in VARIABLES:
        return True
    found = pure.get(item.op)
    if found is None:
        op_def = item.level.meta.op_table.get(item.op)
        found = pure[item.op] = op_def is not None and not op_def.is_stateful
    return found


def _tree(starts: Iterable[str], items: Mapping[str, Item], still: Collection[str]) -> tuple[str, ...]:
    """Return the folded keys behind `starts`, nearest first."""
    found: dict[str, None] = {}
    todo = list(dict.fromkeys(starts))
    while todo:
        nearer, todo = todo, []
        for key in nearer:
            if key in found:
                continue
            found[key] = None
            if key in still:
                todo += [ref.key for ref in items[key].inputs if ref.key in still and ref.key not in found]
    return tuple(found)


def _facts(
    flat: Flattener,
    home: Item,
    tree: Iterable[str],
    handles: Mapping[str, str],
    known: Mapping[str, Fact],
    *,
    constants: bool,
) -> tuple[Fact, ...]:
    rows: dict[Fact, None] = {}
    for key in tree:
        item = flat.items[key]
        if key in known:
            rows[known[key]] = None
        elif item.op == "Const":
            if constants:
                rows["constant", _constant(flat, item, home)] = None
        elif item.op in _SHAPES:
            rows["shape of", show(item.inputs[0].key) if item.inputs else show(item.name)] = None
        elif (fact := resource_fact(item, handles)) is not None:
            rows[fact] = None
        if len(rows) >= _MAX_FACTS:
            break
    return tuple(sorted(rows, key=lambda row: _RANK.get(row[0], 9)))


def resource_fact(item: Item, handles: Mapping[str, str]) -> Fact | None:
    """Return what a source of data is that is no input: a variable, a table.

    None for anything else.
    """
    if item.node is not None and item.op in VARIABLES:
        return "variable", variable_text(item.node, handles)
    if item.kind == "input":
        return "resource", show(item.name)
    if not item.inputs and item.node is not None:
        return "table" if "Table" in item.op else "resource", f"{show(item.name)} ({show(item.op)})"
    return None


_RANK = {"variable": 0, "table": 1, "resource": 2, "shape of": 3, "constant": 4}


def _relative(name: str, home: str) -> str:
    """Return `name` without the scopes that it shares with a node."""
    words, scopes = name.split("/"), home.split("/")
    same = 0
    while same < min(len(words) - 1, len(scopes)) and words[same] == scopes[same]:
        same += 1
    return show("/".join(words[same:]))


def _constant(flat: Flattener, item: Item, home: Item) -> str:
    assert item.node is not None
    value = scalar_text(attr(item.node, "value").tensor)
    name = _relative(item.name, home.name)
    if value:
        return f"{name} = {value}"
    return f"{name} {type_text(flat.tensor(Ref(item.key, 0)))}".rstrip()


def scalar_text(tensor: TensorProto) -> str:
    """Return the value of a small constant: `0.5`, `[28, 28]`, `'png'`.

    Empty if it is large or not that simple.
    """
    size = 1
    for dim in tensor.tensor_shape.dim:
        size *= max(dim.size, 0)
    if not 0 < size <= _MAX_VALUES:
        return ""
    values = _values(tensor)
    if not values:
        return ""
    values += [values[-1]] * (size - len(values))
    words = [f"{value:.4g}" if isinstance(value, float) else repr(value) for value in values[:size]]
    return f"[{', '.join(words)}]" if tensor.tensor_shape.dim else words[0]


def _values(tensor: TensorProto) -> list[object]:
    """Return the values a `TensorProto` holds.

    Those of `tensor_content` are read in this machine's byte order.
    """
    for name in ("float_val", "double_val", "int_val", "int64_val", "bool_val"):
        if found := list(getattr(tensor, name)):
            return found
    if tensor.string_val:
        return [show(raw.decode("utf-8", "replace"), 24) for raw in tensor.string_val]
    code = _ARRAY_CODES.get(dtypes.name(tensor.dtype))
    content = tensor.tensor_content
    if code is None or not content:
        return []
    whole = array(code)
    if len(content) % whole.itemsize:
        return []
    whole.frombytes(content)
    return list(whole)


def _sorted(folded: Folded) -> list[str]:
    """Return keys in the order of the data; in a cycle, in the order met."""
    done: dict[str, None] = {}
    on_way: set[str] = set()
    for start in folded.items:
        todo: list[tuple[str, int]] = [(start, 0)]
        while todo:
            key, at = todo.pop()
            if key in done:
                continue
            refs = folded.edges.get(key, ())
            on_way.add(key)
            while at < len(refs) and (refs[at].key in done or refs[at].key in on_way):
                at += 1
            if at < len(refs):
                todo.append((key, at + 1))
                todo.append((refs[at].key, 0))
            else:
                done[key] = None
    return list(done)
