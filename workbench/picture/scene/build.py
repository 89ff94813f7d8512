"""What to draw of a graph: from outputs backwards, calls opened, plumbing folded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from workbench import names
from workbench.errors import UnknownName
from workbench.graph.level import Level
from workbench.model.op_classes import CALLS, NO_VALUE, READS
from workbench.model.signature import Signature
from workbench.model.tensors import Tensor
from workbench.picture.scene.assemble import Assembly, Part
from workbench.picture.scene.flat import End, Flattener, body_ends
from workbench.picture.scene.fold import fold
from workbench.picture.scene.neighbourhood import around, between
from workbench.picture.scene.scene import ADAPTERS, Scene

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

MAX_BOXES = 30
"""So many boxes are drawn of a graph whose scopes can be collapsed, at most: about what a reader takes in."""
_NO_SINKS = NO_VALUE | {"SaveV2", "MergeV2Checkpoints"}


def build_scene(
    meta: MetaGraph,
    *,
    signature: str | None = None,
    roots: Iterable[str] | None = None,
    function: str | None = None,
    expanded: Collection[str] = (),
    collapsed: Collection[str] = (),
    show_control: bool = False,
    focus: str | None = None,
    hops: int = 2,
    source: str | None = None,
    target: str | None = None,
    owners: Mapping[str, str] | None = None,
    seam: Collection[str] = (),
    max_boxes: int = MAX_BOXES,
    whole: bool = False,
) -> Scene:
    """Return the scene of a MetaGraph, or of a draft's (`draft.meta`).

    Args:
        meta: what to draw.
        signature: whose outputs to start from; None for the default one, and if there is none, all.
        roots: tensors or nodes of the main graph to start from instead.
        function: draw this function of the library instead of the main graph.
        expanded: keys (`Node.opens`) of scopes, calls and bodies to open.
        collapsed: keys (`Node.inside`) of scopes to close, whatever their size.
        show_control: draw control edges, and what hangs on them alone.
        focus: id or written place of a node: draw only what is `hops` away from it, uncollapsed.
        hops: how far to look around `focus`.
        source: draw only what depends on this node or scope.
        target: draw only what this node or scope depends on; with `source`, the ways between the two.
        owners: first scope of a node's name → handle, for a merged draft; None if there is one model.
        seam: nodes of the main graph at which a wire ends (`HANDLE/placeholder`).
        max_boxes: above this, name scopes are collapsed; level by level, as deep as fits.
        whole: open every scope and every body instead.

    Raises:
        UnknownName: there is no such signature, root, function or focus, or no way to it.
    """
    wanted = _Wanted(
        signature,
        None if roots is None else tuple(roots),
        function,
        show_control,
        tuple(sorted((owners or {}).items())),
        frozenset(seam),
    )
    part, known = _prepared(meta, wanted)
    notes = list(known)
    members = partial(part.members, limit=max_boxes)
    if source is not None or target is not None:
        part = Part(part.flat, between(part.folded, source, target, members), part.start, focused=True)
        words = [f"from {names.show(source)}"] if source is not None else []
        words += [f"to {names.show(target)}"] if target is not None else []
        notes.append(f"Only what is on the way {' '.join(words)} is drawn.")
    if focus is not None:
        part = Part(part.flat, around(part.folded, focus, members, hops), part.start, focused=True)
        notes.append(
            f"Only the neighbourhood of {names.show(focus)}, up to {names.count(hops, 'step')}, is drawn."
        )
    assembly = Assembly(
        owners=owners or {},
        seam=frozenset(seam),
        expanded=frozenset(expanded),
        collapsed=frozenset(collapsed),
        max_boxes=max_boxes,
        show_control=show_control,
        whole=whole,
    )
    assembly.add(part)
    return assembly.scene(notes)


class _Wanted(NamedTuple):
    """What decides the folded graph; opening and closing scopes does not."""

    signature: str | None
    roots: tuple[str, ...] | None
    function: str | None
    show_control: bool
    owners: tuple[tuple[str, str], ...]
    seam: frozenset[str]


# The last few folded graphs of each MetaGraph: opening a scope should not walk a large graph again.
_KEPT = 4
_kept: WeakKeyDictionary[MetaGraph, dict[_Wanted, tuple[Part, list[str]]]] = WeakKeyDictionary()


def _prepared(meta: MetaGraph, wanted: _Wanted) -> tuple[Part, list[str]]:
    """Return the folded graph and the notes about it."""
    kept = _kept.setdefault(meta, {})
    found = kept.get(wanted)
    if found is None:
        found = kept[wanted] = _prepare(meta, wanted)
        for old in list(kept)[:-_KEPT]:
            kept.pop(old, None)
    return found


def _prepare(meta: MetaGraph, wanted: _Wanted) -> tuple[Part, list[str]]:
    start = _start(meta, wanted.function)
    notes: list[str] = []
    inputs, outputs = _ends(meta, start, wanted.signature, wanted.roots, notes)
    flat = Flattener(start, inputs, control=wanted.show_control)
    flat.walk(outputs)
    if flat.cut:
        notes.append(f"Only the {len(flat.items):,} nodes nearest to the outputs are drawn.")
    keep = {item for item in wanted.seam if item in flat.items}
    keep |= _producers(flat, outputs)
    return Part(flat, fold(flat, keep, dict(wanted.owners)), start), notes


def _start(meta: MetaGraph, function: str | None) -> Level:
    if function is not None and function not in meta.functions:
        hint = names.did_you_mean(function, meta.functions, noun="functions")
        raise UnknownName(f"There is no function {names.show(function)!r}.", hint=hint)
    return Level.of(meta, function)


def _ends(
    meta: MetaGraph, start: Level, signature: str | None, roots: Iterable[str] | None, notes: list[str]
) -> tuple[list[End], list[End | str]]:
    """Return where drawing stops and where it starts."""
    if start.function is not None:
        inputs, results, passed = body_ends(start)
        if passed:
            notes.append(f"Results that are an argument, passed on unchanged, are not drawn ({passed:,}).")
        return inputs, [*results, *_effects(start)]
    if roots is not None:
        return [], list(_checked(meta, roots))
    chosen = _signatures(meta, signature)
    if chosen:
        return _of_signatures(meta, chosen)
    notes.append("There is no signature; the whole main graph is drawn.")
    found = _sinks(meta)
    if not found:
        notes.append("The main graph has nothing to draw; functions can be drawn by name.")
    return [], list(found)


def _checked(meta: MetaGraph, roots: Iterable[str]) -> Iterable[str]:
    for root in roots:
        name = names.input_node(root)
        if name not in meta.nodes:
            hint = names.did_you_mean(name, meta.nodes, noun="nodes")
            raise UnknownName(f"There is no node {names.show(name)!r} to start drawing from.", hint=hint)
        yield root


def _signatures(meta: MetaGraph, key: str | None) -> list[Signature]:
    if key is not None:
        return [meta.signature(key)]
    try:
        return [meta.signature()]
    except UnknownName:
        return list(meta.shown_signatures.values())


def _of_signatures(meta: MetaGraph, chosen: list[Signature]) -> tuple[list[End], list[End | str]]:
    inputs: list[End] = []
    outputs: list[End | str] = []
    known: dict[str, Counter[str]] = {"input": Counter(), "output": Counter()}
    several = len(chosen) > 1
    for signature in chosen:
        for kind, ports in (("input", signature.inputs), ("output", signature.outputs)):
            for port in ports.values():
                for number, tensor in enumerate(port.tensors):
                    key = f"{signature.key}#{port.key}" if several else port.key
                    if len(port.tensors) > 1:
                        key += _component(port.kind, number)
                    found = meta.node_tensor(tensor)
                    dtype = found.dtype if found and found.dtype else port.dtype
                    shape = found.shape if found and found.shape is not None else port.shape
                    end = End(key, tensor, kind, Tensor(key, dtype, shape))
                    (inputs if kind == "input" else outputs).append(end)
                    known[kind][key] += 1
    return inputs, outputs


def _component(kind: str, number: int) -> str:
    if kind == "sparse":
        return (".indices", ".values", ".dense_shape")[number]
    return f".{number}"


def _sinks(meta: MetaGraph) -> list[str]:
    """Return nodes that nobody reads and that depend on an input.

    Those of the saver and the init op are left out.
    """
    saver = meta.proto.saver_def
    places = [saver.restore_op_name, saver.save_tensor_name, meta.init_op or ""]
    others = {names.input_node(name) for name in places if name}
    read = {names.input_node(entry) for node in meta.graph.node for entry in node.input}
    found = []
    for name, node in meta.nodes.items():
        if name in read or name in others or node.op in _NO_SINKS or not node.input:
            continue
        if node.op in CALLS and _is_of_saver(meta, node):
            continue
        if node.op.startswith(("Assign", "VarIsInitialized")) or node.op == "ReadVariableOp":
            continue
        found.append(name)
    return found


def _effects(level: Level) -> list[str]:
    """Return a body's nodes that nobody reads but that have effects.

    They assign, write, or end a restore.
    """
    read = {
        names.input_node(entry) for node in level.nodes.values() for entry in node.input if entry[:1] != "^"
    }
    if level.function is not None:
        read.update(names.input_node(entry) for entry in level.function.ret.values())
    found = []
    for name, node in level.nodes.items():
        op_def = level.meta.op_table.get(node.op)
        stateful = op_def is not None and op_def.is_stateful
        if stateful and name not in read and node.op not in READS and node.op not in NO_VALUE:
            found.append(name)
    return found


def _is_of_saver(meta: MetaGraph, node: object) -> bool:
    saver = meta.proto.saver_def
    first = names.input_node(node.input[0]) if node.input else ""  # type: ignore[attr-defined]
    return bool(saver.filename_tensor_name) and first == names.input_node(saver.filename_tensor_name)


def _producers(flat: Flattener, outputs: Iterable[End | str]) -> set[str]:
    """Return what is drawn although nothing reads it: roots given as bare text."""
    found = set()
    for end in outputs:
        if isinstance(end, str):
            ref = flat.resolve(flat.start, end, [])
            if ref is not None:
                found.add(ref.key)
    return found


_OF_ADAPTERS = re.compile(r"(connect|adapt)_[0-9]+(_[0-9]+)?")


def owners_of(meta: MetaGraph, handles: Iterable[str], *, adapted: bool) -> dict[str, str]:
    """Return the first scopes of a result's nodes, and whose each is.

    Args:
        meta: the result.
        handles: of the models that it was joined from.
        adapted: whether adapters were put into it: their nodes are `connect_N/…` and `adapt_N/…`.
    """
    scopes = dict.fromkeys(name.partition("/")[0] for name in meta.nodes)
    found = {handle: handle for handle in handles if handle in scopes}
    if adapted:
        found |= {one: ADAPTERS for one in scopes if one not in found and _OF_ADAPTERS.fullmatch(one)}
    return found


def find_seam(meta: MetaGraph, owners: Mapping[str, str]) -> frozenset[str]:
    """Return nodes of the main graph that a node of another model feeds.

    Args:
        meta: a merged model.
        owners: first scope of a node's name → handle.
    """
    found = set()
    for name, node in meta.nodes.items():
        owner = owners.get(name.partition("/")[0])
        if owner is None:
            continue
        for entry in node.input:
            other = owners.get(entry.partition("/")[0])
            if other is not None and other != owner and not names.is_control(entry):
                found.add(name)
    return frozenset(found)
