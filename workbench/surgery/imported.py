"""An imported model: the nodes and functions of one source that the result keeps."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workbench import names
from workbench.disk.schema import (
    AttrValue,
    FunctionDef,
    GraphDef,
    NodeDef,
    SaverDef,
    TensorShapeProto,
    VariableDef,
)
from workbench.findings import Action, Finding, Hint
from workbench.graph.functions import reachable
from workbench.graph.needs import Needs
from workbench.model import Model
from workbench.model.meta import MetaGraph
from workbench.model.op_classes import PLACEHOLDERS
from workbench.model.signature import Signature
from workbench.model.tensors import is_vague_scalar
from workbench.model.variables import VARIABLE_COLLECTIONS, Variable
from workbench.names import show
from workbench.surgery.plan import Source
from workbench.surgery.rewrite.naming import NamingNodes


class NodeCounts(NamedTuple):
    """The numbers of a main graph's nodes that are kept, pruned and added.

    Attributes:
        kept: of the source, in the result.
        pruned: of the source, not in the result.
        added: made for the result: bridges, reads of variables, what a reference became.
    """

    kept: int
    pruned: int
    added: int


@dataclass(slots=True)
class ImportedModel:
    """A source, its chosen signature, and the parts of it that the result has.

    Attributes:
        source: as the plan says it.
        model: the opened model.
        meta: the chosen MetaGraph.
        chosen: the chosen signature, None if there is none.
        cuts: tensor `n:k` of a wired input to the node that represents it from now on (`n` itself if it is a
            placeholder, a bridge node otherwise).
        kept: the nodes that stay, by their old names, in the order of the source: copies that live in `graph_def`.
        graph_def: the GraphDef of the result, shared by all parts.
        functions: names of the functions that stay.
        variable_defs: VariableDefs by collection, copies, of the variables that stay.
        has_saver: whether the part brings a saver into the result.
        init_ops: the nodes that initialise tables and the like.
        findings: what was found on the way.
        exported: tensors `n:k` that outputs and wires name.
        duplicates: variables that nothing restores under their own node, to the restored one that is the same.
        made: functions that were made for the part, by name.
        called: the callable (`callables.Called`) that the chosen signature was made of, or None.
        needs: what its tensors need, after the cuts.
        naming: the nodes of the source's functions that name more than their inputs.
        inlined: `inside_calls.InlinedCopy` if `meta` is a copy in which calls are inlined, or None.
        moved: tensors of the source that another tensor of the part represents (a reference by its read).
        differs_in_training: whether a layer of what is joined behaves differently in training.
    """

    source: Source
    model: Model
    meta: MetaGraph
    chosen: Signature | None
    cuts: dict[str, str] = field(default_factory=dict)
    kept: dict[str, NodeDef] = field(default_factory=dict)
    graph_def: GraphDef = field(default_factory=GraphDef)
    functions: list[str] = field(default_factory=list)
    variable_defs: dict[str, list[VariableDef]] = field(default_factory=dict)
    has_saver: bool = False
    init_ops: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    exported: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)
    duplicates: dict[str, Variable] = field(default_factory=dict)
    made: dict[str, FunctionDef] = field(default_factory=dict)
    called: Any = None
    inlined: Any = None
    differs_in_training: bool = False
    needs: Needs = field(init=False)
    naming: NamingNodes = field(init=False)

    def __repr__(self) -> str:
        nodes, functions = names.count(len(self.kept), "node"), names.count(len(self.functions), "function")
        return (
            f"<ImportedModel {show(self.source.handle, 60)}: {nodes} and {functions} kept of {self.model!r}>"
        )

    def __post_init__(self) -> None:
        self.needs = Needs(self.meta, self.cuts)
        self.naming = NamingNodes(self.meta)

    @property
    def handle(self) -> str:
        """The handle of the source."""
        return self.source.handle

    @property
    def saver(self) -> SaverDef:
        """The SaverDef of the source."""
        return self.meta.beside.saver_def

    @property
    def counts(self) -> NodeCounts:
        """The numbers of kept, pruned and added nodes."""
        old = sum(name in self.meta.nodes for name in self.kept)
        return NodeCounts(old, len(self.meta.nodes) - old, len(self.kept) - old)

    @property
    def file_bytes(self) -> int | None:
        """The size of the file that `meta` was read from, or None.

        None if it is text, or the MetaGraph is not the one of the file.
        """
        changed = self.called is not None or self.inlined is not None or self.model.format != "pb"
        return None if changed or self.model.stamp is None else self.model.stamp.size

    def note(self, code: str, severity: Any, where: str, message: str, hint: str | None = None) -> None:
        """Add a finding about this model."""
        self.findings.append(
            Finding(code, severity, f"{self.handle}@{where}" if where else self.handle, message, hint)
        )

    # -- cutting and keeping

    def cut(self, tensor: str) -> str:
        """Cut the graph at a wired input; return the node that replaces it."""
        name = names.input_tensor(tensor)
        node = self.meta.nodes[name.node]
        if is_placeholder(node):
            bridge = name.node
        else:
            bridge = unique_name(f"{name.node}_{name.index}/wired", self.meta.nodes)
        self.cuts[str(name)] = bridge
        return bridge

    def _stays(self, text: str, wanted: Container[str], bridged: Mapping[str, str]) -> bool:
        """Return whether an input is kept.

        All are but control edges from nodes that nothing else needs and that have no effect.
        """
        return (
            not text.startswith("^")
            or text[1:] in wanted
            or text[1:] in bridged
            or text[1:] not in self.meta.nodes
        )

    def _redirect(self, text: str, bridged: Mapping[str, str]) -> str:
        """Return an input as it is after the cuts."""
        if text.startswith("^"):
            return f"^{bridged[text[1:]]}" if text[1:] in bridged else text
        return self.cuts.get(str(names.input_tensor(text)), text)

    def keep(
        self,
        roots: Iterable[str],
        graph_def: GraphDef,
        *,
        with_initializers: bool = True,
        more_functions: Iterable[str] = (),
    ) -> None:
        """Copy what the roots, variables and initialisers need into `graph_def`."""
        self.graph_def = graph_def
        defs = self._variable_defs()
        wanted = self.needs.nodes(roots)
        done: set[str] = set()
        while with_initializers:
            more: list[str] = []
            for name in wanted - done:
                for definition in defs.get(name, ()):
                    more += (f"^{named}" for named in _named_by(definition))
            done |= wanted
            added = self.needs.nodes(more) - wanted
            if not added:
                break
            wanted |= added
        bridged, producer = self.needs.bridged(), self.meta.producer
        replaced = {names.input_node(tensor) for tensor in self.cuts}
        for name, node in self.meta.nodes.items():
            if name not in wanted or name in self.kept:
                continue
            self.kept[name] = copy = graph_def.node.add()
            copy.CopyFrom(node)
            if is_vague_scalar(copy, producer):  # the result may be of another version
                copy.attr["shape"].shape.unknown_rank = True
            inputs = list(copy.input)
            if not wanted.issuperset(inputs) or not replaced.isdisjoint(inputs):  # more than plain names
                kept = [text for text in inputs if self._stays(text, wanted, bridged)]
                kept = [self._redirect(text, bridged) for text in kept]
                if kept != inputs:
                    copy.input[:] = kept
        missing = sorted(wanted - self.kept.keys() - set(self.cuts.values()))
        for name in missing[:20]:
            self.note(
                "dangling-input",
                "error",
                show(name),
                "The graph needs a node of this name and has none.",
                Hint("The source is damaged: ", Action("check-model")),
            )
        wanted_functions = self._reached(more_functions)
        self.functions = [name for name in self.meta.functions if name in wanted_functions]
        self._keep_variable_defs(wanted)

    # -- variables

    def _variable_defs(self) -> dict[str, list[VariableDef]]:
        """Return the VariableDefs of all collections by the node of their variable."""
        found: dict[str, list[VariableDef]] = {}
        for _, definition in self._parsed_variable_defs():
            found.setdefault(names.input_node(definition.variable_name), []).append(definition)
        return found

    def _parsed_variable_defs(self) -> list[tuple[str, VariableDef]]:
        parsed: list[tuple[str, VariableDef]] = []
        collections = self.meta.beside.collection_def
        for name in VARIABLE_COLLECTIONS:
            if name not in collections:
                continue
            for data in collections[name].bytes_list.value:
                definition = parse_variable_def(data)
                if definition is not None and definition.variable_name:
                    parsed.append((name, definition))
        return parsed

    def _keep_variable_defs(self, wanted: set[str]) -> None:
        for name, definition in self._parsed_variable_defs():
            if names.input_node(definition.variable_name) not in self.kept:
                continue
            for field_name in ("initial_value_name", "initializer_name", "snapshot_name"):
                if names.input_node(getattr(definition, field_name)) not in wanted:
                    definition.ClearField(field_name)
            self.variable_defs.setdefault(name, []).append(definition)

    def naming_nodes(self, name: str) -> Iterable[NodeDef]:
        """Return the nodes of a kept function that may name more than their inputs."""
        return self.made[name].node_def if name in self.made else self.naming.nodes(name)

    def use_functions(self, made: Mapping[str, FunctionDef]) -> None:
        """Add functions to the model's library and drop those that are no longer used."""
        self.made |= made
        wanted = self._reached()
        self.functions = [name for name in (*self.meta.functions, *self.made) if name in wanted]

    def _reached(self, more: Iterable[str] = ()) -> set[str]:
        """Return the functions that the kept nodes and some functions reach."""
        graph = self.meta.graph
        return reachable(graph, self.kept.values(), more, self.made, naming=self.naming.nodes)

    def function(self, name: str) -> FunctionDef:
        """Return a kept function, which must not be changed."""
        return self.made[name] if name in self.made else self.meta.functions[name]

    def new_node(self, name: str, op: str, inputs: Iterable[str] = (), /, **attrs: AttrValue) -> NodeDef:
        """Add a node to the model, under an old name, to be prefixed like all others."""
        node = self.graph_def.node.add(name=unique_name(name, self.kept), op=op)
        node.input.extend(inputs)
        for key, value in attrs.items():
            node.attr[key].CopyFrom(value)
        self.kept[node.name] = node
        return node

    def remove(self, name: str) -> None:
        """Remove a kept node; `graph_def` is compacted once at the end."""
        self.kept.pop(name).Clear()


def is_placeholder(node: NodeDef) -> bool:
    """Return whether a node is a placeholder."""
    return node.op in PLACEHOLDERS


def parse_variable_def(data: bytes) -> VariableDef | None:
    """Return a parsed VariableDef, or None if the bytes are something else."""
    from google.protobuf.message import DecodeError

    try:
        return VariableDef.FromString(data)
    except DecodeError:
        return None


def _named_by(definition: VariableDef) -> list[str]:
    named = (definition.initializer_name, definition.initial_value_name, definition.snapshot_name)
    return [names.input_node(name) for name in named if name]


def unique_name(name: str, taken: Container[str]) -> str:
    """Return `name`, or `name_1`, `name_2`, … if it is taken."""
    candidate, number = name, 1
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def attr_type(dtype: int) -> AttrValue:
    """Return an AttrValue that holds a dtype."""
    return AttrValue(type=dtype)


def attr_shape(shape: TensorShapeProto) -> AttrValue:
    """Return an AttrValue that holds a TensorShapeProto."""
    value = AttrValue()
    value.shape.CopyFrom(shape)
    return value
