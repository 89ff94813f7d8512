"""The functions of signatures in the object graph, with their keys.

A signature of a TF2 model is stored twice: in `signature_def`, tensors of the main graph by key, and as a function
whose arguments and results are in the sorted order of their keys. So a renamed key can mean another order. The main
graph calls the function as well, so what the objects get is a copy with its arguments and results in the new order.

Sources: saved_object_graph.proto; `setup_bare_concrete_function` in tensorflow/python/saved_model's
function_deserialization.py, `signature_serialization.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from workbench.disk.schema import (
    DictValue,
    FunctionDef,
    Message,
    MetaGraphDef,
    OpDef,
    SavedBareConcreteFunction,
    SavedConcreteFunction,
    SavedObject,
    SavedObjectGraph,
    StructuredValue,
    TrackableObjectGraph,
)
from workbench.graph.functions import reachable
from workbench.model import structured
from workbench.surgery.imported import unique_name

if TYPE_CHECKING:
    from workbench.disk.schema import RepeatedMessage

_M = TypeVar("_M", bound=Message)

SIGNATURES = "signatures"
# Attributes of a function that hold something for each of its arguments, or name its gradient functions.
_BY_ARGUMENT = ("_input_shapes", "forward_function_name", "backward_function_name")


class UnknownForm(Exception):
    """A signature function stored in an unknown form.

    Raised and caught inside the room.
    """


def signature_map(graph: SavedObjectGraph) -> int | None:
    """Return the number of the object that holds the signatures, or None."""
    for child in graph.nodes[0].children if graph.nodes else ():
        if child.local_name == SIGNATURES and 0 < child.node_id < len(graph.nodes):
            return int(child.node_id)
    return None


def children_by_key(
    graph: SavedObjectGraph,
) -> dict[str, TrackableObjectGraph.TrackableObject.ObjectReference]:
    """Return the references to the signatures' functions by key."""
    number = signature_map(graph)
    return {} if number is None else {child.local_name: child for child in graph.nodes[number].children}


def unlink(graph: SavedObjectGraph, key: str) -> None:
    """Remove a signature from the map of signatures.

    Its object stays as a bare one: the numbers of the others must not change.
    """
    number = signature_map(graph)
    if number is None:
        return
    owner = graph.nodes[number]
    for references in (owner.children, owner.dependencies):
        kept = [reference for reference in references if reference.local_name != key]
        gone = {reference.node_id for reference in references if reference.local_name == key}
        del references[:]
        references.extend(kept)
        for node_id in gone - _referred(graph):
            if not 0 < node_id < len(graph.nodes):
                continue
            graph.nodes[node_id].Clear()
            user_object = graph.nodes[node_id].user_object
            user_object.identifier = "_generic_user_object"
            user_object.version.producer = user_object.version.min_consumer = 1


def _referred(graph: SavedObjectGraph) -> set[int]:
    return {reference.node_id for node in graph.nodes for reference in (*node.children, *node.dependencies)}


def rename_ports(
    meta_graph: MetaGraphDef, key: str, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> None:
    """Rename the arguments and results of a signature's function.

    Args:
        meta_graph: changed in place.
        key: of the signature, as it is in the object graph.
        inputs: old to new key, of those that change.
        outputs: likewise.

    Raises:
        UnknownForm: nothing was changed.
    """
    graph = meta_graph.object_graph_def
    reference = children_by_key(graph).get(key)
    if reference is None:
        raise UnknownForm(f"no object represents the signature {key}")
    function = _Function.read(meta_graph, graph.nodes[reference.node_id])
    taken = {one.signature.name: None for one in meta_graph.graph_def.library.function}
    name = unique_name(function.name, taken)
    copy = function.renamed(name, inputs, outputs)
    node = graph.nodes[reference.node_id]
    referring = [one for owner in graph.nodes for one in owner.children if one.node_id == reference.node_id]
    if len(referring) > 1:  # it is called by other names as well, which stay
        number = len(graph.nodes)
        graph.nodes.add().CopyFrom(node)
        reference.node_id = number
        node = graph.nodes[number]
    node.bare_concrete_function.CopyFrom(copy.bare)
    graph.concrete_functions[name].CopyFrom(copy.concrete)
    meta_graph.graph_def.library.function.append(copy.definition)


@dataclass(slots=True)
class _Function:
    """The messages of a signature's function.

    Attributes:
        arguments: keys of the arguments that are no captures, in the order of the function.
        results: key and count of the tensors of each result, in the order of the function.
    """

    name: str
    definition: FunctionDef
    concrete: SavedConcreteFunction
    bare: SavedBareConcreteFunction
    arguments: list[str]
    results: list[tuple[str, int]]

    @classmethod
    def read(cls, meta_graph: MetaGraphDef, node: SavedObject) -> _Function:
        if node.WhichOneof("kind") != "bare_concrete_function":
            raise UnknownForm("it is no bare concrete function")
        bare = node.bare_concrete_function
        name = bare.concrete_function_name
        found = {one.signature.name: one for one in meta_graph.graph_def.library.function}
        graph = meta_graph.object_graph_def
        if name not in found or name not in graph.concrete_functions:
            raise UnknownForm(f"there is no function {name}")
        concrete, definition = graph.concrete_functions[name], found[name]
        arguments = list(bare.argument_keywords)
        specs = concrete.canonicalized_input_signature.tuple_value.values
        if (
            len(specs) != 2
            or specs[0].tuple_value.values
            or sorted(specs[1].dict_value.fields) != sorted(arguments)
            or len(arguments) + len(concrete.bound_inputs) != len(definition.signature.input_arg)
            or any(
                value.WhichOneof("kind") != "tensor_spec_value"
                for value in specs[1].dict_value.fields.values()
            )
        ):
            raise UnknownForm("its arguments are not tensors by key")
        fields = concrete.output_signature.dict_value.fields
        results = [(key, _tensors(fields[key])) for key in sorted(fields)]
        if sum(count for _, count in results) != len(definition.signature.output_arg):
            raise UnknownForm("its results are not tensors by key")
        return cls(name, definition, concrete, bare, arguments, results)

    def renamed(self, name: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> _Function:
        """Return a copy under another name with other keys.

        Its arguments and results are in their sorted order.
        """
        definition = FunctionDef()
        definition.CopyFrom(self.definition)
        definition.signature.name = name
        for attribute in _BY_ARGUMENT:
            if attribute in definition.attr:
                del definition.attr[attribute]
        arguments = [inputs.get(key, key) for key in self.arguments]
        order = sorted(range(len(arguments)), key=lambda at: arguments[at])
        captures = range(len(arguments), len(definition.signature.input_arg))
        _reorder(definition.signature.input_arg, [*order, *captures])
        for place, at in enumerate([*order, *captures]):
            if at in self.definition.arg_attr:
                definition.arg_attr[place].CopyFrom(self.definition.arg_attr[at])
            elif place in definition.arg_attr:
                del definition.arg_attr[place]
            if place < len(order) and place in definition.arg_attr:
                definition.arg_attr[place].attr["_user_specified_name"].s = arguments[at].encode()
        firsts, total = {}, 0
        for key, count in self.results:
            firsts[outputs.get(key, key)] = range(total, total + count)
            total += count
        _reorder(definition.signature.output_arg, [at for key in sorted(firsts) for at in firsts[key]])
        concrete = SavedConcreteFunction()
        concrete.CopyFrom(self.concrete)
        _rename_fields(concrete.canonicalized_input_signature.tuple_value.values[1].dict_value, inputs)
        _rename_fields(concrete.output_signature.dict_value, outputs)
        bare = SavedBareConcreteFunction()
        bare.CopyFrom(self.bare)
        bare.concrete_function_name = name
        bare.argument_keywords[:] = sorted(arguments)
        _rename_spec(bare, inputs)
        return _Function(name, definition, concrete, bare, sorted(arguments), [])


def _tensors(value: StructuredValue) -> int:
    """Return the number of tensors in a structured result."""
    return sum(
        found.count
        for _, leaf in structured.leaves(value)
        if (found := structured.spec(leaf, "", 0)) is not None
    )


def _keep(repeated: RepeatedMessage[_M], kept: list[_M]) -> None:
    if len(kept) < len(repeated):
        del repeated[:]
        repeated.extend(kept)


def _reorder(repeated: RepeatedMessage[OpDef.ArgDef], order: Sequence[int]) -> None:
    items = []
    for at in order:
        copy = type(repeated[at])()
        copy.CopyFrom(repeated[at])
        items.append(copy)
    del repeated[:]
    repeated.extend(items)


def _rename_fields(value: DictValue, keys: Mapping[str, str]) -> None:
    """Rename the fields of a DictValue and the specs named like them."""
    changed = {}
    for old, new in keys.items():
        copy = StructuredValue()
        copy.CopyFrom(value.fields[old])
        if copy.WhichOneof("kind") == "tensor_spec_value" and copy.tensor_spec_value.name:
            copy.tensor_spec_value.name = new
        changed[new] = copy
    for old in keys:
        del value.fields[old]
    for new, copy in changed.items():
        value.fields[new].CopyFrom(copy)


def _rename_spec(bare: SavedBareConcreteFunction, keys: Mapping[str, str]) -> None:
    """Rename the arguments in the FunctionSpec, if there is one."""
    if not bare.HasField("function_spec"):
        return
    for pair in bare.function_spec.fullargspec.named_tuple_value.values:
        if pair.key in ("args", "kwonlyargs"):
            listed = pair.value.list_value.values
            renamed = [keys.get(item.string_value, item.string_value) for item in listed]
            if pair.key == "kwonlyargs":
                renamed.sort()
            for item, text in zip(listed, renamed, strict=True):
                item.string_value = text


@dataclass(frozen=True, slots=True)
class InUse:
    """The functions that objects name and that graphs reach.

    Attributes:
        named: those that an object names.
        reached: those that the main graph or a concrete function reaches.
    """

    named: frozenset[str]
    reached: frozenset[str]

    @classmethod
    def of(cls, meta_graph: MetaGraphDef) -> InUse:
        """Return the functions in use in a MetaGraphDef."""
        graph = meta_graph.graph_def
        objects = meta_graph.object_graph_def
        reached = reachable(graph, graph.node, objects.concrete_functions)
        return cls(frozenset(_named(objects)), frozenset(reached))


def _named(graph: SavedObjectGraph) -> set[str]:
    found: set[str] = set()
    for node in graph.nodes:
        kind = node.WhichOneof("kind")
        if kind == "function":
            found.update(node.function.concrete_functions)
        elif kind == "bare_concrete_function":
            found.add(node.bare_concrete_function.concrete_function_name)
        elif kind == "captured_tensor":
            found.add(node.captured_tensor.concrete_function)
    return found


def sweep(meta_graph: MetaGraphDef, before: InUse) -> None:
    """Remove the functions that were in use before and no longer are.

    Args:
        meta_graph: changed in place.
        before: what was in use before the changes.
    """
    objects = meta_graph.object_graph_def
    for name in before.named - _named(objects):
        if name in objects.concrete_functions:
            del objects.concrete_functions[name]
    gone = before.reached - InUse.of(meta_graph).reached
    library = meta_graph.graph_def.library
    functions = [one for one in library.function if one.signature.name not in gone]
    gradients = [one for one in library.gradient if one.function_name not in gone]
    _keep(library.function, functions)
    _keep(library.gradient, gradients)
    aliases = meta_graph.meta_info_def.function_aliases
    for name in gone & set(aliases):
        del aliases[name]
