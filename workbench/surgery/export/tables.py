"""Tables of a TF1 graph, or of a step, as objects, initialised by `_initialize` of their own.

The TF2 format runs no init op of ours; a loader makes each resource object by its `_create_resource` and fills it by
its `_initialize`, with the asset it reads as an object beside it. A table whose content the checkpoint restores can't
be an object this way, so a result that needs it stays in TF1 format.

Source: what `tf.saved_model.save` writes for a StaticHashTable; `_RestoredResource` in tensorflow's load.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from workbench import names
from workbench.disk import dtypes, schema
from workbench.disk.nodes import attr
from workbench.disk.optable import OpTable
from workbench.disk.schema import FunctionDef, MetaGraphDef, NodeDef
from workbench.graph.adjacency import Adjacency
from workbench.surgery.export.functions import captures_of, full_arg_spec, tensor_spec
from workbench.surgery.export.object_graph import Objects
from workbench.surgery.imported import unique_name
from workbench.surgery.rewrite.outline import Argument, Outliner

_TABLES = frozenset({"HashTableV2"})
_READS = frozenset({"LookupTableFindV2", "LookupTableSizeV2", "LookupTableExportV2", "Identity"})
_DONE = "workbench/done"  # in no graph: the functions that only do something return a number


def add_tables(
    objects: Objects, meta: MetaGraphDef, outliner: Outliner, handle: str, init_ops: Iterable[str]
) -> list[str]:
    """Make objects for a source's tables that have none; return their nodes.

    Args:
        objects: is added to; also where the variables of the part are bound.
        meta: the merged MetaGraph; its library gets the functions.
        outliner: over its main graph, without regard to what the init op sets up.
        handle: of the part, whose nodes go by `handle/`; empty for a model whose objects are the root's own.
        init_ops: of the part, under their final names.

    Raises:
        CannotOutline: what fills a table can't become a function.
    """
    prefix = f"{handle}/" if handle else ""
    tables = [
        name
        for name, node in outliner.nodes.items()
        if node.op in _TABLES and name.startswith(prefix) and name not in objects.bound
    ]
    if not tables:
        return []
    ran = Adjacency(outliner.nodes).ancestors(init_ops)
    parent = _object_of(objects, handle)
    children: dict[str, object] = {child.local_name: None for child in objects.graph.nodes[parent].children}
    work = _Functions(objects, meta, outliner)
    for name in tables:
        local = unique_name(_identifier(name[len(prefix) :]), children)
        children[local] = None
        objects.bound[name], _ = objects.add("resource", parent, local)
    for name in tables:
        setters = [
            node.name
            for node in outliner.nodes.values()
            if node.name in ran
            and node.op not in _READS
            and any(names.input_node(text) == name for text in node.input if not text.startswith("^"))
        ]
        work.add(name, setters)
    return tables


def tables_of_step(meta: MetaGraphDef, scope: str, fills: Iterable[str], bound: dict[str, int]) -> None:
    """Make objects for the tables that a step added to a model with an object graph.

    Args:
        meta: the MetaGraph; its object graph and its library are added to.
        scope: of the step's nodes.
        fills: the nodes that fill its tables.
        bound: nodes of the main graph and their objects; the tables are added.

    Raises:
        CannotOutline: what fills a table can't become a function.
    """
    nodes = {node.name: node for node in meta.graph_def.node}
    functions = {function.signature.name: function for function in meta.graph_def.library.function}
    outliner = Outliner(nodes, functions, OpTable(meta.meta_info_def.stripped_op_list))
    add_tables(Objects(graph=meta.object_graph_def, bound=bound), meta, outliner, scope, fills)


def _object_of(objects: Objects, handle: str) -> int:
    if not handle:
        return 0
    for child in objects.graph.nodes[0].children:
        if child.local_name == handle:
            return int(child.node_id)
    return objects.add("user_object", 0, handle)[0]


def _identifier(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", text).strip("_") or "table"


class _Functions:
    """Make the three functions of each table."""

    def __init__(self, objects: Objects, meta: MetaGraphDef, outliner: Outliner) -> None:
        self.objects = objects
        self.meta = meta
        done = NodeDef(name=_DONE, op="Const")
        done.attr["dtype"].type = dtypes.INT32
        done.attr["value"].tensor.dtype = dtypes.INT32
        done.attr["value"].tensor.tensor_shape.SetInParent()
        done.attr["value"].tensor.int_val.append(1)
        self.outliner = Outliner({**outliner.nodes, _DONE: done}, outliner.functions, outliner.op_table)
        self.assets = {
            str(names.input_tensor(asset.tensor_info.name)): index
            for index, asset in enumerate(meta.asset_file_def)
        }
        self._assets: dict[str, int] = {}

    def add(self, table: str, setters: list[str]) -> None:
        """Add the functions of one table and the assets that it reads."""
        number = self.objects.bound[table]
        creator = self._make(table, "create_resource", {"identity": f"{table}:0"}, dtypes.RESOURCE)
        for node in creator.node_def:
            if node.op in _TABLES and not attr(node, "shared_name").s:
                node.attr[
                    "shared_name"
                ].s = table.encode()  # without a name each run would make another table
        runs = [f"^{setter}" for setter in setters]
        needed = set(self.outliner.needed(runs, self.assets))
        given = [tensor for tensor in self.assets if self._takes(tensor, needed)]
        arguments = [
            Argument(tensor, f"asset_{position}", dtypes.STRING, ()) for position, tensor in enumerate(given)
        ]
        captures, bound = captures_of(self.objects, self.outliner, runs, given)
        bound = [*(self._asset(number, tensor) for tensor in given), *bound]
        self._make(
            table,
            "initialize",
            {"identity": f"{_DONE}:0"},
            dtypes.INT32,
            [*arguments, *captures],
            bound,
            setters,
        )
        self._make(table, "destroy_resource", {"identity": f"{_DONE}:0"}, dtypes.INT32)

    def _takes(self, tensor: str, needed: set[str]) -> bool:
        """Return whether the nodes that fill the table read an asset's path."""
        nodes = self.outliner.nodes
        return any(
            str(names.input_tensor(text)) == tensor
            for name in needed
            for text in nodes[name].input
            if not text.startswith("^")
        )

    def _asset(self, table: int, tensor: str) -> int:
        """Return the object of an asset."""
        if tensor not in self._assets:
            taken: Mapping[str, object] = {
                child.local_name: None for child in self.objects.graph.nodes[table].children
            }
            number, node = self.objects.add("asset", table, unique_name("asset", taken))
            node.asset.asset_file_def_index = self.assets[tensor]
            self._assets[tensor] = number
        return self._assets[tensor]

    def _make(
        self,
        table: str,
        role: str,
        outputs: Mapping[str, str],
        dtype: int,
        arguments: Iterable[Argument] = (),
        bound: Iterable[int] = (),
        also_run: Iterable[str] = (),
    ) -> FunctionDef:
        """Add one function of a table to the library and to its object."""
        library = self.meta.graph_def.library
        taken = {function.signature.name: None for function in library.function}
        name = unique_name(f"__inference__{role}_{_identifier(table)}", taken)
        function = self.outliner.add_function(library, name, arguments, outputs, also_run=also_run)
        concrete = self.objects.graph.concrete_functions[name]
        concrete.bound_inputs.extend(bound)
        specs = concrete.canonicalized_input_signature.tuple_value
        specs.values.add().tuple_value.SetInParent()
        specs.values.add().dict_value.SetInParent()
        concrete.output_signature.CopyFrom(tensor_spec("unknown", dtype, schema.TensorShapeProto()))
        _, node = self.objects.add("function", self.objects.bound[table], f"_{role}")
        node.function.concrete_functions.append(name)
        full_arg_spec(node.function.function_spec, [], [])
        return function
