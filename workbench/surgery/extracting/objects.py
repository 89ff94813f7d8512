"""The object graph of a part: a new root with its variables and tables, whose `__call__` is the part."""

from __future__ import annotations

import re
from collections.abc import Iterable

from workbench import names
from workbench.disk import dtypes
from workbench.disk.nodes import attr
from workbench.disk.optable import OpTable
from workbench.disk.schema import MetaGraphDef
from workbench.graph.reach import ancestors
from workbench.model import MetaGraph
from workbench.model.objects import VALUE_SUFFIX
from workbench.surgery.export.functions import add_call, add_lists, add_signature, add_signature_map
from workbench.surgery.export.init_ops import set_up_by
from workbench.surgery.export.object_graph import Objects, begin, bound_objects
from workbench.surgery.export.tables import add_tables
from workbench.surgery.export.variable_defs import known_by_name
from workbench.surgery.extracting.copied_tables import copy_tables
from workbench.surgery.extracting.new_saver import Stored
from workbench.surgery.imported import ImportedModel, unique_name
from workbench.surgery.plan import RESERVED
from workbench.surgery.rewrite.outline import CannotOutline, Outliner


def part_objects(
    meta: MetaGraphDef, part: ImportedModel, stored: Iterable[Stored], key: str, whole: MetaGraph
) -> tuple[Objects, dict[str, str]]:
    """Give a part an object graph; return it, and further keys of its checkpoint to those that it has.

    Args:
        meta: the MetaGraph of the part, which gains the object graph and functions.
        part: the source, with the nodes that are kept.
        stored: its variables that have a value in the checkpoint.
        key: of its signature.
        whole: a MetaGraph whose calls show which objects nodes of the main graph represent.

    Raises:
        CannotOutline: something of the part can't be an object or become a function.
    """
    for node, function in known_by_name(part).items():
        raise CannotOutline(node, f"the function {names.show(function)} opens this variable by its name")
    _no_paths(meta, part)
    objects = begin()
    more_keys = _add_variables(objects, part, stored)
    number = add_signature_map(objects)
    original = part.model.meta
    copied = copy_tables(objects, meta, original, bound_objects(whole, original))
    nodes = {node.name: node for node in meta.graph_def.node}
    functions = {function.signature.name: function for function in meta.graph_def.library.function}
    init_ops = [name for name in part.init_ops if name in nodes]
    set_up = set_up_by(nodes, init_ops) - {*copied}
    outliner = Outliner(nodes, functions, OpTable(meta.meta_info_def.stripped_op_list), set_up)
    set_up.difference_update(add_tables(objects, meta, outliner, "", init_ops))
    add_signature(objects, meta, outliner, key, number)
    add_call(objects, meta, outliner, key)
    add_lists(objects)
    meta.object_graph_def.CopyFrom(objects.graph)
    return objects, more_keys


def _no_paths(meta: MetaGraphDef, part: ImportedModel) -> None:
    """Refuse a part that reads the path of an asset itself: only objects that hold it would get the right one."""
    outputs = [info.name for one in meta.signature_def.values() for info in one.outputs.values()]
    needed = ancestors({node.name: node for node in meta.graph_def.node}, outputs)
    for asset in part.meta.assets:
        node = names.input_node(asset.tensor)
        if node in needed:
            raise CannotOutline(node, "it is the path of an asset, which an output needs")


def _add_variables(objects: Objects, part: ImportedModel, stored: Iterable[Stored]) -> dict[str, str]:
    """Add an object for each variable, a child of the root, with the key it has in the checkpoint."""
    taken: dict[str, object] = dict.fromkeys(RESERVED)
    known: dict[str, int] = {}
    more_keys: dict[str, str] = {}
    for one in stored:
        node, variable = part.kept[one.node], one.variable
        if node.op != "VarHandleOp":
            raise CannotOutline(one.node, f"{node.op} can't stand in a function")
        if variable.slice is not None:
            raise CannotOutline(one.node, "it is a slice of a partitioned variable")
        if one.key in known:  # a second node of one variable
            objects.bound[one.node] = known[one.key]
            continue
        title = variable.title or variable.shared_name or variable.name
        child = unique_name(re.sub(r"[^A-Za-z0-9_]", "_", title).strip("_") or "variable", taken)
        taken[child] = None
        number, message = objects.add("variable", 0, child)
        message.variable.dtype = dtypes.base(attr(node, "dtype").type)
        message.variable.shape.CopyFrom(attr(node, "shape").shape)
        message.variable.trainable = bool(variable.trainable)
        message.variable.name = title
        objects.bound[one.node] = known[one.key] = number
        key = one.key
        if VALUE_SUFFIX not in key:
            key = f"{one.key}{VALUE_SUFFIX}"
            more_keys[key] = one.key
        _, entry = objects.track(0, child)
        entry.attributes.add(name="VARIABLE_VALUE", full_name=title, checkpoint_key=key)
    return more_keys
