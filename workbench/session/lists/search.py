"""Search in a model: by name, `op:`, `dtype:`, `shape:`, `in:`, and by size.

All words must fit: a fuzzy name, `op:Conv2D`, `dtype:string`, `shape:?x784`, `in:function`, `>1MB`, `<10k`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from workbench import names
from workbench.disk import dtypes
from workbench.model import tensors
from workbench.names import show
from workbench.session.lists.lister import Lister
from workbench.session.lists.listing import Listing, Segment
from workbench.session.lists.rows import Row, asset_row, port_row, variable_row
from workbench.session.lists.sizes import ANY_SIZE, SizeRange, constant_nbytes, parse_bound
from workbench.surgery.resolve.callables import callable_ports, variant_name

if TYPE_CHECKING:
    from workbench.disk.schema import NodeDef
    from workbench.graph.level import Level
    from workbench.model import MetaGraph

FIELDS = ("op", "dtype", "shape", "in")
_RANKED = 3000  # hits that are put in order; more are left in that of the file
_FUZZY = 500
_ENOUGH = 20  # with fewer hits by substring, letters with gaps between them count too


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search.

    Attributes:
        words: each must be in the name, as it stands or with gaps, in lower case.
        op, dtype, shape, within: what the fields ask for, or empty.
        sizes: how many bytes a variable, constant or asset may have.
    """

    words: tuple[str, ...] = ()
    op: str = ""
    dtype: str = ""
    shape: str = ""
    within: str = ""
    sizes: SizeRange = ANY_SIZE

    @property
    def structured(self) -> bool:
        """Whether nodes have to be looked into, not only their names."""
        return bool(self.op or self.dtype or self.shape or self.within or self.sizes)

    def __bool__(self) -> bool:
        return bool(self.words) or self.structured


def parse_query(text: str) -> Query:
    """Return the query that a user typed, without unfinished fields (`op:`, `>`)."""
    words: list[str] = []
    fields: dict[str, str] = {}
    sizes = ANY_SIZE
    for word in text.split():
        bound = parse_bound(word)
        if bound is not None:
            sizes = sizes.narrowed(bound)
            continue
        name, colon, value = word.partition(":")
        if colon and name.lower() in FIELDS:
            if value:
                fields[name.lower()] = value.lower()
        else:
            words.append(word.lower())
    return Query(
        tuple(words),
        fields.get("op", ""),
        fields.get("dtype", ""),
        fields.get("shape", ""),
        fields.get("in", ""),
        sizes,
    )


class Index:
    """The names of one model, ready to be searched.

    It is built at its first use: tenths of a second for 100,000 nodes.

    Args:
        lister: of the model.
    """

    def __init__(self, lister: Lister) -> None:
        self.lister = lister
        self.meta = lister.meta
        self.names: list[str] = []
        self._items: list[tuple[Any, ...]] = []
        self._last: tuple[Query, list[int]] | None = None
        self._build()

    def __len__(self) -> int:
        return len(self.names)

    def _build(self) -> None:
        meta = self.meta
        add_name, add_item = self.names.append, self._items.append
        for key, signature in meta.signatures.items():
            for side, ports in (("input", signature.inputs), ("output", signature.outputs)):
                for port in ports.values():
                    add_name(port.key.lower())
                    add_item(("port", key, side, port))
        for item in meta.callables:
            for variant in item.variants:
                name, signature = variant_name(meta, item, variant), callable_ports(meta, variant)
                add_name(item.path.lower())
                add_item(("callable", item, variant))
                for side, ports in (("input", signature.inputs), ("output", signature.outputs)):
                    for port in ports.values():
                        add_name(port.key.lower())
                        add_item(("port", name, side, port))
        for variable in meta.variables:
            add_name(f"{variable.name} {variable.title}".lower())
            add_item(("variable", variable))
        for asset in meta.assets:
            add_name(asset.filename.lower())
            add_item(("asset", asset))
        for name in meta.functions:
            add_name(name.lower())
            add_item(("function", name))
        self._first_node = len(self.names)
        self._add_level(self.lister.places.main)
        if meta.functions:
            places = self.lister.places
            for key in places.of_function.values():
                level = places.level(key)
                if level is not None:
                    self._add_level(level)

    def _add_level(self, level: Level) -> None:
        listed = list(level.nodes)
        self.names += [name.lower() for name in listed]
        self._items += [("node", level, name) for name in listed]

    # -- searching

    def search(self, text: str) -> list[int]:
        """Return the numbers of the matching items, the best first.

        An empty query gives all.
        """
        query = parse_query(text)
        if not query:
            return list(range(len(self.names)))
        found: Sequence[int] = self._narrowed(query) or range(len(self.names))
        if query.structured:
            found = [number for number in self._by_fields(query, found)]
        for word in query.words:
            found = self._by_word(word, found)
        hits = self._ranked(query.words, list(found))
        if query.sizes and not query.words:
            hits.sort(key=lambda number: -self._nbytes(number))
        self._last = query, hits
        return hits

    def _narrowed(self, query: Query) -> list[int] | None:
        """Return the last hits if this query can only match some of them, or None.

        This is so if a letter more was typed.
        """
        if self._last is None or len(query.words) != 1 or query.structured:
            return None
        before, hits = self._last
        if before.structured or len(before.words) != 1 or len(hits) >= _FUZZY * 100:
            return None
        # fuzzy hits are cut off at a number, so only plain ones are all there are
        return hits if query.words[0].startswith(before.words[0]) and len(hits) > _ENOUGH * 50 else None

    def _by_word(self, word: str, among: Sequence[int]) -> list[int]:
        listed = self.names
        if isinstance(among, range):
            found = [number for number, name in enumerate(listed) if word in name]
        else:
            found = [number for number in among if word in listed[number]]
        if len(found) >= _ENOUGH or len(word) < 2:
            return found
        # up to the first of each letter and never back: a name without the last one costs one walk
        gaps = re.compile("".join(f"[^{re.escape(letter)}]*+{re.escape(letter)}" for letter in word)).match
        seen = set(found)
        more: list[int] = []
        for number in among:
            if gaps(listed[number]) and number not in seen:
                more.append(number)
                if len(more) >= _FUZZY:
                    break
        return found + more

    def _ranked(self, words: Iterable[str], found: list[int]) -> list[int]:
        listed = list(words)
        if not listed or len(found) > _RANKED:
            return found
        return sorted(found, key=lambda number: tuple(_rank(word, self.names[number]) for word in listed))

    # -- fields

    def _by_fields(self, query: Query, among: Iterable[int]) -> Iterable[int]:
        ops = self._matching_ops(query.op) if query.op else None
        is_in = _within(query.within) if query.within else None
        for number in among:
            if query.sizes and not query.sizes.has(self._nbytes(number)):
                continue
            item = self._items[number]
            if item[0] == "node":
                level = item[1]
                node = level.nodes[item[2]]
                if ops is not None and node.op not in ops:
                    continue
                if is_in is not None and not is_in(level, item[2]):
                    continue
                if (query.dtype or query.shape) and not self._gives(node, query):
                    continue
                yield number
            elif not query.op and not query.within and self._item_fits(item, query):
                yield number

    def _matching_ops(self, wanted: str) -> frozenset[str]:
        ops = list(self.meta.ops)
        if "*" in wanted or "?" in wanted:
            return frozenset(op for op in ops if fnmatchcase(op.lower(), wanted))
        exact = frozenset(op for op in ops if op.lower() == wanted)
        return exact or frozenset(op for op in ops if wanted in op.lower())

    @cached_property
    def _variable_nbytes(self) -> dict[str, int]:
        return {variable.name: variable.nbytes or 0 for variable in self.meta.variables}

    def _nbytes(self, number: int) -> int:
        """Return the bytes of a variable, constant or asset; -1 for what has no size."""
        item = self._items[number]
        if item[0] != "node":
            nbytes = item[1].nbytes if item[0] in ("variable", "asset") else None
            return -1 if nbytes is None else int(nbytes)
        level, name = item[1], item[2]
        node = level.nodes[name]
        if node.op == "Const":
            return constant_nbytes(node)
        return self._variable_nbytes.get(name, -1) if level.function is None else -1

    def _gives(self, node: NodeDef, query: Query) -> bool:
        types = self.meta.output_types(node) or ()
        for index, dtype in enumerate(types):
            if query.dtype and not _is_dtype(dtype, query.dtype):
                continue
            if not query.shape or _is_shape(
                tensors.output_shape(node, index, self.meta.producer), query.shape
            ):
                return True
        return False

    def _item_fits(self, item: tuple[Any, ...], query: Query) -> bool:
        if query.sizes and not query.dtype and not query.shape:
            return True  # its size was looked at
        if item[0] not in ("port", "variable"):
            return False
        value = item[3] if item[0] == "port" else item[1]
        if query.dtype and not _is_dtype(value.dtype, query.dtype):
            return False
        return not query.shape or _is_shape(value.shape, query.shape)

    # -- as rows

    def row(self, number: int) -> Row:
        """Return the row of an item."""
        item = self._items[number]
        kind = item[0]
        if kind == "node":
            return self.lister.node_row(item[1], 0)(item[1].nodes[item[2]])
        if kind == "port":
            row = port_row(item[1], item[2], item[3], 0)
            return Row(row.kind, row.key, 0, row.text, row.columns, None, show(item[1]), row.spot, row.ref)
        if kind == "function":
            return _flat(self.lister.function_row(frozenset())(item[1]))
        if kind == "callable":
            return _flat(self.lister.callable_row(item[1], item[2]))
        return _flat(variable_row(item[1]) if kind == "variable" else asset_row(item[1]))

    def listing(self, hits: Sequence[int]) -> Listing:
        """Return hits as a list of rows."""
        return Listing([Segment(hits, self.row)])


def _flat(row: Row) -> Row:
    return Row(row.kind, row.key, 0, row.text, row.columns, None, row.aside, row.spot, row.ref)


def _rank(word: str, name: str) -> tuple[int, int]:
    """Return the rank of a match, smaller is better.

    The order: the name itself, its last part, the start of a part, anywhere, with gaps.
    """
    place = name.find(word)
    if place < 0:
        return 5, len(name)
    if name == word:
        return 0, 0
    last = name.rpartition("/")[2]
    if last == word:
        return 1, len(name)
    if last.startswith(word):
        return 2, len(name)
    if place == 0 or name[place - 1] in "/_.-":
        return 3, len(name)
    return 4, len(name)


def _within(wanted: str) -> Callable[[Level, str], bool]:
    """Return a function that says whether a node of a body is where `in:` wants it.

    Args:
        wanted: `FUNCTION`, `SCOPE/` or `FUNCTION::SCOPE/`; `.` is the main graph. The whole name of a function is that
            function alone; a part of a name is every function whose name or path contains it.
    """
    body, _, scope = wanted.rpartition(names.CALL_SEPARATOR) if wanted.endswith("/") else (wanted, "", "")

    @cache
    def is_name(meta: MetaGraph) -> bool:
        return any(name.lower() == body for name in meta.functions)

    def is_body(level: Level) -> bool:
        if not body:
            return True
        if level.function is None:
            return body == "."
        name = level.function.signature.name.lower()
        if is_name(level.meta):
            return bool(name == body)
        return body in name or fnmatchcase(name, body) or body in level.path.lower()

    def is_in(level: Level, node: str) -> bool:
        if not is_body(level):
            return False
        return not scope or f"{node.lower()}/".startswith(scope)

    return is_in


def _is_dtype(enum: int, wanted: str) -> bool:
    name = dtypes.shown(enum).lower()
    return (
        name == wanted or (name.startswith(wanted) and len(wanted) > 2) or name.removesuffix("_ref") == wanted
    )


def _is_shape(shape: Any, wanted: str) -> bool:
    """Return whether a shape matches `?x784`, `[?,784]`, `*x784`, `scalar`, `unknown`."""
    if wanted in ("unknown", "…"):
        return shape is None
    if shape is None:
        return False
    if wanted in ("scalar", "[]"):
        return bool(shape == ())
    sizes = [size for size in re.split(r"[x,]", wanted.strip("[]")) if size]
    if len(sizes) != len(shape):
        return False
    return all(
        want == "*" or want == ("?" if have is None else str(have))
        for want, have in zip(sizes, shape, strict=True)
    )
