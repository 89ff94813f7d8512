"""Tables that a signature looks up, and paths that a graph reads: whether loading fills them, and feeds those."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.checks.unsafe.ops import READS_ASSET
from workbench.disk.nodes import attr
from workbench.disk.schema import NodeDef
from workbench.findings import Action, Hint
from workbench.graph.adjacency import Adjacency
from workbench.graph.functions import calls
from workbench.model.op_classes import CALLS, HASH_TABLES, SAME_ELEMENTS
from workbench.model.saver import const_strings
from workbench.names import input_node, input_tensor, show

if TYPE_CHECKING:
    from workbench.graph.body import Body
    from workbench.model.meta import MetaGraph

TABLE_NOT_FILLED = Code(
    "table-not-initialised", "warning", "a signature looks up a table that loading does not fill",
    "The table is filled once, by an initialiser that the init op has to run. Where it does not, TensorFlow fails with "
    "`Table not initialized` when the signature is run. Without any init op `tf.saved_model.load` runs the collection "
    "`table_initializer`; a v1 Session, and with it TensorFlow Serving, does not.",
    Hint(
        "Save the model with `main_op=tf.compat.v1.tables_initializer()`. If the collection names the initialiser, the "
        "model can be written with an init op: ",
        Action("flatten"),
    ),
)  # fmt: skip
PATH_CONSTANT = Code(
    "path-constant", "warning", "the graph reads a file at a path that is a constant and no asset",
    "The file is not part of the model: it is read at that path on the machine where the model runs.",
    "Save the model with the file as an asset (`tf.saved_model.Asset`, or the collection `asset_filepaths`).",
)  # fmt: skip
_SHOWN = 80


def running(meta: MetaGraph, adjacency: Adjacency) -> set[str]:
    """Return the nodes of the main graph that the signatures need."""
    return adjacency.ancestors(
        input_node(name)
        for signature in meta.shown_signatures.values()
        for port in signature.outputs.values()
        for name in port.tensors
    )


def check(meta: MetaGraph, main: Body, bodies: Iterable[Body], found: Found) -> None:
    """Check the tables and file paths of a MetaGraph."""
    if meta.format == "graphdef":
        return
    if any(op in meta.main_ops for op in HASH_TABLES):
        for name, implicit in unfilled_tables(meta, main.adjacency):
            told = "Nothing fills this table, and a signature looks it up."
            if implicit:
                told = (
                    "There is no init op that fills this table: tf.saved_model.load does, by the collection "
                    "table_initializer; a v1 Session does not."
                )
            found.add(TABLE_NOT_FILLED, show(name), told)
    if any(op in meta.ops for op in READS_ASSET):
        _paths(meta, main, bodies, found)


def unfilled_tables(meta: MetaGraph, adjacency: Adjacency) -> Iterator[tuple[str, bool]]:
    """Return the tables of the main graph that signatures need and no init op fills.

    Args:
        meta: the MetaGraph.
        adjacency: of its main graph.

    Returns:
        The name of each, and whether `tf.saved_model.load` fills it nevertheless.
    """
    if meta.objects is not None and any(node.HasField("resource") for node in meta.objects.nodes):
        return  # filled by functions of their objects, and in a v1 Session by the init op that TensorFlow made of these
    nodes, needed = meta.nodes, running(meta, adjacency)
    starts = [meta.init_op] if meta.init_op else []
    restore = input_node(meta.proto.saver_def.restore_op_name)
    explicit = adjacency.ancestors([*starts, restore]) | needed
    implicit = adjacency.ancestors(meta.implicit_init)
    names = {_identity(node) for node in nodes.values() if _is_filled(node, adjacency, nodes, explicit)}
    other = {_identity(node) for node in nodes.values() if _is_filled(node, adjacency, nodes, implicit)}
    for name, node in nodes.items():
        if node.op in HASH_TABLES and name in needed and _identity(node) not in names:
            yield name, _identity(node) in other


def _is_filled(node: NodeDef, adjacency: Adjacency, nodes: Mapping[str, NodeDef], ran: set[str]) -> bool:
    """Return whether something that runs takes a table and is no look-up."""
    if node.op not in HASH_TABLES or node.name not in ran:
        return False
    seen, queue = {node.name}, [node.name]
    while queue:
        for user, _ in adjacency.consumers(queue.pop()):
            if user in ran and user not in seen:
                seen.add(user)
                op = nodes[user].op
                if op in SAME_ELEMENTS:
                    queue.append(user)
                elif "Find" not in op and "Size" not in op and "Export" not in op and op != "NoOp":
                    return True
    return False


def _identity(node: NodeDef) -> str:
    """Return what two nodes of one table have in common."""
    return attr(node, "shared_name").s.decode("utf-8", "replace") or str(node.name)


def _paths(meta: MetaGraph, main: Body, bodies: Iterable[Body], found: Found) -> None:
    """Follow file names of reading ops back to constants, through arguments to the callers."""
    assets = {str(input_tensor(asset.tensor)) for asset in meta.assets}
    ran = running(meta, main.adjacency) | main.adjacency.ancestors(meta.init_ops)
    callers: dict[str, list[tuple[Body, NodeDef]]] = {}
    queue: list[tuple[Body, NodeDef, str]] = []
    for body in bodies:
        for node in body.nodes.values():
            if body.function is None and node.name not in ran:
                continue
            if node.op in READS_ASSET:
                queue += ((body, node, entry) for entry in _data(node)[READS_ASSET[node.op] :][:1])
            elif node.op in CALLS or node.op in meta.functions:
                for _, name in calls(node, meta.functions):
                    callers.setdefault(name, []).append((body, node))
    seen: set[tuple[str, str | int]] = set()
    while queue:
        body, node, entry = queue.pop()
        source = _source(body, entry)
        key = None if source is None else (body.name, source if isinstance(source, int) else str(source.name))
        if source is None or key is None or key in seen:
            continue
        seen.add(key)
        if isinstance(source, int):
            for place, call in callers.get(body.name, ()):
                queue += ((place, call, given) for given in _data(call)[source:][:1])
        elif body.function is not None or f"{source.name}:0" not in assets:
            path = next(iter(const_strings(source).values), "")
            if path:
                shown = show(path, _SHOWN)
                told = f"{show(node.op)} reads {shown!r}, a path that is no asset of the model."
                if node.op not in READS_ASSET:
                    told = f"The path {shown!r}, from which it reads a file, is no asset of the model."
                found.add(PATH_CONSTANT, body.where(node.name), told)


def _data(node: NodeDef) -> list[str]:
    return [entry for entry in node.input if not entry.startswith("^")]


def _source(body: Body, entry: str) -> NodeDef | int | None:
    """Return the string Const of an input, or its argument's number; None for all else."""
    arguments = list(body.arguments)
    seen: set[str] = set()
    while entry not in seen:
        seen.add(entry)
        name = entry.partition(":")[0] if body.function is not None else input_node(entry)
        if name in body.arguments:
            return arguments.index(name)
        node = body.nodes.get(name)
        if node is None or node.op == "Const":
            return node
        if (
            node.op not in SAME_ELEMENTS
            or node.op == "IdentityN"
            or not node.input
            or node.input[0].startswith("^")
        ):
            return None
        entry = node.input[0]
    return None
