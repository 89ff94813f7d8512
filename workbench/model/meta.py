"""One MetaGraph: its graph, signatures, variables, functions and assets.

Views are made when they are asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from sys import intern
from types import NoneType
from typing import TYPE_CHECKING, Literal

from workbench import names
from workbench.disk import dtypes, optable
from workbench.disk.schema import FunctionDef, GraphDef, MetaGraphDef, NodeDef
from workbench.errors import UnknownName, expect
from workbench.findings import Action, Hint
from workbench.model import tensors
from workbench.model.assets import Asset, read_assets
from workbench.model.op_classes import VARIABLES
from workbench.model.signature import DEFAULT, HIDDEN_SIGNATURES, INIT_OP, Signature, read_signatures
from workbench.model.tensors import Tensor
from workbench.notebook import Shown

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle_read import Bundle
    from workbench.disk.serialized.packed import PackedModel
    from workbench.model.callables import Callable_
    from workbench.model.objects import ObjectGraph
    from workbench.model.variables import Counts, Variable

Format = Literal["pb", "pbtxt", "graphdef"]


class MetaGraph(Shown):
    """Read-only view of a `MetaGraphDef`.

    Args:
        proto: the message; it is not copied and must not change while the view lives.
        bundle: the opened checkpoint, or a function that opens it when variables are asked for, or None.
        folder: the model's folder, for its assets; None for a draft in memory or a lone GraphDef.
        format: `graphdef` makes the signature out of placeholders and sinks.
        again: gives an equal message when this one was released, or None.
        packed: has nodes of functions that the message gets when it is looked at as a whole, or None.
    """

    def __init__(
        self,
        proto: MetaGraphDef,
        *,
        bundle: Bundle | Callable[[], Bundle | None] | None = None,
        folder: Path | None = None,
        format: Format = "pb",
        again: Callable[[], MetaGraphDef] | None = None,
        packed: PackedModel | None = None,
    ) -> None:
        self._proto: MetaGraphDef | None = proto
        self._beside = proto
        self._again = again
        self._packed = packed
        self.folder = folder
        self.format: Format = format
        self._bundle = bundle
        self._function_nodes: dict[str, dict[str, NodeDef]] = {}

    def __repr__(self) -> str:
        keys = sorted(
            set(self.proto.signature_def) - HIDDEN_SIGNATURES, key=lambda key: (key != DEFAULT, key)
        )
        signatures = f"{names.count(len(keys), 'signature')}{': ' if keys else ''}{names.brief(keys)}"
        if self.format == "graphdef" and not keys:
            signatures = "a GraphDef"  # its signature has to be worked out
        return (
            f"<MetaGraph {names.brief([self.tags_text]) or 'without tags'}: "
            f"{names.count(len(self.graph.node), 'node')}, "
            f"{names.count(len(self.graph.library.function), 'function')}, {signatures}>"
        )

    @property
    def proto(self) -> MetaGraphDef:
        """The message; it must not be changed."""
        if self._proto is None:
            assert self._again is not None
            self._proto = self._beside = self._again()
        if self._packed is not None:
            self._packed.unpack()
            self._packed = None
        return self._proto

    @property
    def _main(self) -> GraphDef:
        """The GraphDef for its own nodes: functions may be without theirs."""
        return (self.proto if self._proto is None else self._proto).graph_def

    @property
    def graph(self) -> GraphDef:
        """The GraphDef of the message."""
        return self.proto.graph_def

    @property
    def beside(self) -> MetaGraphDef:
        """The message for what stands beside the graph: after `release` it has only that."""
        return self._beside

    def release(self) -> None:
        """Make the memory of the message free, if it can be made again when needed.

        A node of a graph takes a kilobyte, ten times as much as in the file. What is known of the model by other means
        than its messages stays known.
        """
        if self._again is None or self._proto is None:
            return
        _ = self.tags, self.has_object_graph
        self._beside = _without_graph(self._proto)
        self._proto = None
        for name in _MESSAGES:
            self.__dict__.pop(name, None)
        self._function_nodes.clear()

    @property
    def bundle(self) -> Bundle | None:
        """The checkpoint; None if there is none or it can't be read."""
        return self._bundle() if callable(self._bundle) else self._bundle

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The tag set, in the order of the file."""
        return tuple(self.beside.meta_info_def.tags)

    @property
    def tags_text(self) -> str:
        """The tag set as it is written everywhere: `serve,gpu`; empty for none."""
        return ",".join(self.tags)

    @property
    def tensorflow_version(self) -> str:
        """The TensorFlow that wrote it, or an empty text."""
        return str(self.proto.meta_info_def.tensorflow_version)

    @property
    def producer(self) -> int:
        """The graph's version (`versions.proto`), 0 if it has none."""
        return int(self.beside.graph_def.versions.producer)

    @cached_property
    def has_unknown_fields(self) -> bool:
        """Whether it has fields that TensorFlow 2.21 does not have.

        A later version may act on them.
        """
        data = self.proto.SerializeToString(deterministic=True)
        known = type(self.proto).FromString(data)
        known.DiscardUnknownFields()
        return len(known.SerializeToString(deterministic=True)) != len(data)

    @cached_property
    def nodes(self) -> dict[str, NodeDef]:
        """The main graph's nodes by name, in the order of the file."""
        return dict(zip(self.node_names, self._main.node, strict=True))

    @property
    def node_names(self) -> list[str]:
        """The names of the main graph's nodes, in the order of the file."""
        return self._main_columns[0]

    @cached_property
    def functions(self) -> dict[str, FunctionDef]:
        """The function library by name."""
        _ = self.proto  # with their nodes
        return self._declarations

    @cached_property
    def _declarations(self) -> dict[str, FunctionDef]:
        """The functions for their signatures: they may be without nodes."""
        return {function.signature.name: function for function in self._main.library.function}

    def function_nodes(self, function: FunctionDef) -> dict[str, NodeDef]:
        """Return the nodes of a function's body by name, in the order of the file."""
        name = function.signature.name
        if name not in self._function_nodes:
            self._function_nodes[name] = {node.name: node for node in function.node_def}
        return self._function_nodes[name]

    @cached_property
    def function_sizes(self) -> dict[str, int]:
        """Nodes of each function's body."""
        return {name: len(function.node_def) for name, function in self.functions.items()}

    @cached_property
    def op_table(self) -> optable.OpTable:
        """TensorFlow's ops and the model's own."""
        return optable.OpTable(self.beside.meta_info_def.stripped_op_list)

    @cached_property
    def bodies(self) -> tuple[tuple[Sequence[NodeDef], list[str]], ...]:
        """The main graph and each function's body that has nodes.

        As (its NodeDefs, the op of each).
        """
        inner = (body for function in self.graph.library.function if (body := function.node_def))
        listed = ((body, [node.op for node in body]) for body in inner)
        return ((self.graph.node, self._main_op_list), *listed)

    @property
    def _main_op_list(self) -> list[str]:
        return self._main_columns[1]

    @cached_property
    def _main_columns(self) -> tuple[list[str], list[str]]:
        """The names and the ops of the main graph's nodes, of one walk: each makes an object for every node."""
        names, ops = [], []
        for node in self._main.node:
            names.append(node.name)
            ops.append(intern(node.op))
        return names, ops

    @cached_property
    def main_ops(self) -> Counter[str]:
        """How many nodes of each op the main graph has; the functions are not looked at."""
        return Counter(self._main_op_list)

    @property
    def is_frozen(self) -> bool:
        """Whether the main graph has no variables."""
        return not any(self.main_ops[op] for op in VARIABLES)

    @cached_property
    def ops(self) -> Counter[str]:
        """How many nodes of each op the main graph and the functions have together."""
        total = Counter(self.main_ops)
        if self._packed is None:
            for _, ops in self.bodies[1:]:
                total.update(ops)
            return total
        for name, function in self._declarations.items():
            body = self._packed.bodies.get(name)
            total.update([node.op for node in function.node_def] if body is None else body.ops)
        return total

    @cached_property
    def unknown_ops(self) -> tuple[str, ...]:
        """Ops that TensorFlow 2.21 does not have, sorted.

        The model's own list may still have their args.
        """
        functions = self.functions
        return tuple(op for op in sorted(self.ops) if op not in functions and not optable.is_known(op))

    @cached_property
    def signatures(self) -> dict[str, Signature]:
        """The signatures by key, `serving_default` first. A GraphDef has just that one."""
        if self.format == "graphdef" and not self.proto.signature_def:
            from workbench.model.graphdef import read_signature

            return read_signature(self)
        return read_signatures(self.beside)

    @property
    def shown_signatures(self) -> dict[str, Signature]:
        """The signatures to call: without those that only loaders look for."""
        return {key: found for key, found in self.signatures.items() if key not in HIDDEN_SIGNATURES}

    def signature(self, key: str | None = None) -> Signature:
        """Return a signature: by key, else `serving_default`, else the only one.

        Raises:
            UnknownName: there is no such signature, or none was named and there is no obvious one.
        """
        expect(key, (str, NoneType), "A signature", "text")
        callable_keys = list(self.shown_signatures)
        if key is None:
            if DEFAULT in self.signatures:
                return self.signatures[DEFAULT]
            if len(callable_keys) == 1:
                return self.signatures[callable_keys[0]]
            if not callable_keys:
                raise UnknownName(
                    "This model has no signature.",
                    hint=Hint("Its callables and tensors can be used by name; ", Action("show-keys")),
                )
            listed = ", ".join(map(names.show, callable_keys[:8]))
            raise UnknownName("This model has several signatures.", hint=f"Choose one of {listed}.")
        if key not in self.signatures:
            hint = names.did_you_mean(key, callable_keys, noun="signatures")
            raise UnknownName(f"There is no signature {names.show(key)!r}.", hint=hint)
        return self.signatures[key]

    @cached_property
    def has_object_graph(self) -> bool:
        """Whether a TF2 object graph is there (`tf.saved_model.save` writes one)."""
        return bool(self.beside.HasField("object_graph_def") and len(self.beside.object_graph_def.nodes))

    @cached_property
    def objects(self) -> ObjectGraph | None:
        """The object graph, or None."""
        if not self.has_object_graph:
            return None
        from workbench.model.objects import ObjectGraph

        return ObjectGraph(self.beside.object_graph_def)

    @cached_property
    def callables(self) -> tuple[Callable_, ...]:
        """The functions of the objects, those of the root first."""
        if self.objects is None:
            return ()
        from workbench.model.callables import read_callables

        return read_callables(self.objects, self.functions)

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """The main graph's variables, in node order, with their checkpoint keys."""
        if not any(op in VARIABLES for op in self.main_ops):
            return ()
        from workbench.model.variables import read_variables

        return read_variables(self.proto, self.nodes, self.functions, self.bundle, self.objects)

    @cached_property
    def variable_counts(self) -> Counts:
        """How many variables there are, what they weigh, and what else stands beside them."""
        from workbench.model.variables import count_variables

        return count_variables(self.variables, self.duplicate_variables)

    @cached_property
    def duplicate_variables(self) -> dict[str, Variable]:
        """Unrestored second nodes of variables: by name the restored variable."""
        from workbench.model.duplicate_variables import find_duplicates

        return find_duplicates(self.variables, self.objects)

    @cached_property
    def assets(self) -> tuple[Asset, ...]:
        """The asset files the model names."""
        return read_assets(self.beside, self.folder)

    @cached_property
    def init_op(self) -> str | None:
        """The node the loader runs once after restoring, or None.

        Precedence as in `loader_impl.get_init_op`: the `__saved_model_init_op` signature, then collection
        `saved_model_main_op`, then `legacy_init_op`.
        """
        proto = self.proto
        if INIT_OP in proto.signature_def:
            outputs = proto.signature_def[INIT_OP].outputs
            if INIT_OP in outputs:
                return names.input_node(outputs[INIT_OP].name)
        for collection in ("saved_model_main_op", "legacy_init_op"):
            if collection in proto.collection_def:
                values = proto.collection_def[collection].node_list.value
                if values:
                    return names.input_node(values[0])
        return None

    @cached_property
    def implicit_init(self) -> tuple[str, ...]:
        """The nodes `tf.saved_model.load` runs where there is no init op.

        The initialisers of local variables and the nodes of collection `table_initializer`. A v1 Session leaves them
        to the user. Source: `load_v1_in_v2.py`, `load`; `Scaffold.default_local_init_op`.
        """
        return () if self.init_op is not None or self.has_object_graph else self.collected_init

    @cached_property
    def collected_init(self) -> tuple[str, ...]:
        """The initialisers that collections name, of local variables and tables."""
        from workbench.model.variables import variable_defs

        collections = self.proto.collection_def
        listed = [one.initializer_name for one in variable_defs(self.proto, "local_variables")]
        if "table_initializer" in collections:
            listed += collections["table_initializer"].node_list.value
        found = dict.fromkeys(names.input_node(name) for name in listed if name)
        return tuple(name for name in found if name in self.nodes)

    @property
    def init_ops(self) -> tuple[str, ...]:
        """The nodes that `tf.saved_model.load` runs once after restoring.

        The init op, else `implicit_init`.
        """
        return self.implicit_init if self.init_op is None else (self.init_op,)

    def output_types(self, node: NodeDef) -> list[int] | None:
        """Return the dtypes (enum numbers) of a node's outputs, or None for an unknown op."""
        return tensors.output_types(node, self.op_table, self._declarations)

    def output_ranges(self, node: NodeDef) -> list[optable.ArgRange] | None:
        """Return a node's output args with their flat outputs, or None if unknown."""
        return tensors.output_ranges(node, self.op_table, self._declarations)

    def node_tensor(self, name: str) -> Tensor | None:
        """Return a tensor as `tensor` does, from the graph alone."""
        parsed = names.parse_tensor(name)
        node = self.nodes.get(parsed.node) if parsed else None
        if parsed is None or node is None:
            return None
        types = self.output_types(node)
        if types is not None and parsed.index >= len(types):
            return None
        dtype = types[parsed.index] if types is not None else 0
        return Tensor(
            str(parsed), dtypes.dtype(dtype), tensors.output_shape(node, parsed.index, self.producer)
        )

    def tensor(self, name: str) -> Tensor | None:
        """Return a tensor of the main graph by `n:k` or bare `n`; None if there is none.

        dtype and shape are what the graph says; where it says nothing, what a signature declares.
        """
        found = self.node_tensor(name)
        if found is None or (found.dtype and found.shape is not None):
            return found
        declared = self._declared.get(found.name)
        if declared is None:
            return found
        shape = declared.shape if found.shape is None else found.shape
        return Tensor(found.name, found.dtype or declared.dtype, shape)

    @cached_property
    def _declared(self) -> dict[str, Tensor]:
        """Dense tensors that signatures declare; outputs before inputs."""
        if self.format == "graphdef":
            return {}
        found: dict[str, Tensor] = {}
        for signature in self.signatures.values():
            for port in (*signature.outputs.values(), *signature.inputs.values()):
                parsed = names.parse_tensor(port.tensor) if port.kind == "dense" else None
                if parsed is not None:
                    found.setdefault(str(parsed), Tensor(str(parsed), port.dtype, port.shape))
        return found


_MESSAGES = ("nodes", "functions", "_declarations", "bodies", "_main_columns", "op_table", "objects")
"""What a MetaGraph remembers that holds on to its message."""


def _without_graph(proto: MetaGraphDef) -> MetaGraphDef:
    """Return a copy without nodes and functions."""
    copy = MetaGraphDef()
    for field in ("meta_info_def", "saver_def", "object_graph_def"):
        if proto.HasField(field):
            getattr(copy, field).CopyFrom(getattr(proto, field))
    copy.graph_def.versions.CopyFrom(proto.graph_def.versions)
    for name, collection in proto.collection_def.items():
        copy.collection_def[name].CopyFrom(collection)
    for name, signature in proto.signature_def.items():
        copy.signature_def[name].CopyFrom(signature)
    copy.asset_file_def.extend(proto.asset_file_def)
    return copy
