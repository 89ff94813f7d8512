"""The callables of a loaded result: signatures, `__call__`, `serve`, `variables`.

They are functions made of the merged main graph itself (`outline`), whose captures are bound to the variables and
tables of the objects.

Sources: saved_object_graph.proto; `tensorflow/python/saved_model/function_deserialization.py` (how a call finds its
concrete function).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from workbench import names
from workbench.disk import dtypes
from workbench.disk.nodes import attr
from workbench.disk.schema import (
    FunctionSpec,
    MetaGraphDef,
    NodeDef,
    SavedObjectGraph,
    StructuredValue,
    TensorProto,
    TensorShapeProto,
)
from workbench.model.op_classes import RESOURCE_TABLES, call_op
from workbench.model.shapes import from_proto
from workbench.surgery.export.object_graph import Objects
from workbench.surgery.imported import unique_name
from workbench.surgery.rewrite.outline import Argument, CannotOutline, Outliner

_TRAINING = "training"
_LARGE = 2048
# Of an argument: a flag, a TensorProto, or none.
Default = bool | TensorProto | None


def add_lists(objects: Objects) -> None:
    """Add the root's lists of variables and losses that hub and Keras expect.

    They are `variables`, `trainable_variables` and `regularization_losses`.
    """
    # An object that no name reaches (a slot that the checkpoint lacks) could not be restored as an item of a list.
    bound = set(objects.bound.values()) & _named(objects.graph)
    for node in objects.graph.nodes:
        # The loader refuses an optimizer's slots anywhere but with their optimizer.
        bound -= {slot.slot_variable_node_id for slot in node.slot_variables}
    nodes = enumerate(objects.graph.nodes)
    everything = [
        number for number, node in nodes if node.WhichOneof("kind") == "variable" and number in bound
    ]
    trainable = [number for number in everything if objects.graph.nodes[number].variable.trainable]
    losses: list[int] = []
    for source in list(objects.graph.nodes[0].children):
        for child in objects.graph.nodes[source.node_id].children:
            if child.local_name == "regularization_losses":
                losses += [item.node_id for item in objects.graph.nodes[child.node_id].children]
    for name, members in (("variables", everything), ("trainable_variables", trainable)):
        _add_list(objects, name, members)
    _add_list(objects, "regularization_losses", losses)


def _named(graph: SavedObjectGraph) -> set[int]:
    """Return the objects that a path of names reaches from the root."""
    found, todo = {0}, [0]
    while todo:
        for child in graph.nodes[todo.pop()].children:
            if 0 <= child.node_id < len(graph.nodes) and child.node_id not in found:
                found.add(child.node_id)
                todo.append(child.node_id)
    return found


def _add_list(objects: Objects, name: str, members: Iterable[int]) -> None:
    _, node = objects.add("user_object", 0, name)
    node.user_object.identifier = "trackable_list_wrapper"
    for position, member in enumerate(members):
        node.children.add(node_id=member, local_name=str(position))


def add_call(
    objects: Objects,
    meta: MetaGraphDef,
    outliner: Outliner,
    key: str,
    modes: Mapping[bool, Outliner] | None = None,
) -> None:
    """Add the root's `__call__` and `serve`, which call a signature.

    Where there are several inputs, a dict of them is taken as well.

    Args:
        objects: is added to.
        meta: the MetaGraphDef of the result.
        outliner: the merged main graph.
        key: of the signature.
        modes: the merged main graph for inference and for training, where both are there: then `__call__` has an
            argument `training`, False unless given.
    """
    inputs, defaults = _arguments(meta, key)
    if modes is None or _TRAINING in inputs:
        _, node = objects.add("function", 0, "__call__")
        serve = _variants(objects, meta, outliner, key, "__call__", 0, None)
        node.function.concrete_functions.extend(serve)
        full_arg_spec(node.function.function_spec, inputs, [], defaults)
    else:
        _, node = objects.add("function", 0, "__call__")
        for training in (False, True):
            listed = _variants(objects, meta, modes[training], key, "__call__", int(training), training)
            node.function.concrete_functions.extend(listed)
        full_arg_spec(node.function.function_spec, [*inputs, _TRAINING], [], [*defaults, False])
        serve = _variants(objects, meta, modes[False], key, "serve", 0, None)
    _, node = objects.add("function", 0, "serve")
    node.function.concrete_functions.extend(serve)
    full_arg_spec(node.function.function_spec, inputs, [], defaults)


def _arguments(meta: MetaGraphDef, key: str) -> tuple[list[str], list[Default]]:
    """Return a signature's inputs in call order, and the defaults after the first.

    Inputs with a default come last.

    An input without a default has None: it may be in the dict that is the first argument.
    """
    signature = meta.signature_def[key]
    ordered = sorted(signature.inputs, key=lambda name: (name in signature.defaults, name))
    return ordered, [signature.defaults.get(name) for name in ordered[1:]]


def _variants(
    objects: Objects,
    meta: MetaGraphDef,
    outliner: Outliner,
    key: str,
    called: str,
    number: int,
    training: bool | None,
) -> list[str]:
    """Add functions that take a signature's inputs by position, name or in a dict.

    A dict is what layers of Keras pass, which have one argument.
    """
    name = _positional(objects, meta, outliner, key, called, number, training)
    ordered, defaults = _arguments(meta, key)
    found = [name]
    if len(ordered) > 1:
        found.append(_in_a_dict(objects, meta, name, key, ordered, training))
        if any(default is not None for default in defaults):
            required = [one for one in ordered if one not in meta.signature_def[key].defaults]
            found.append(_in_a_dict(objects, meta, name, key, required or ordered[:1], training))
    return found


def _in_a_dict(
    objects: Objects, meta: MetaGraphDef, name: str, key: str, inside: Sequence[str], training: bool | None
) -> str:
    """Add a function that takes some inputs in a dict; return its name.

    The other arguments are not given. For those with a default TensorFlow then passes that; it is not taken if the
    input is in the dict.
    """
    (inner,) = (one for one in meta.graph_def.library.function if one.signature.name == name)
    ordered, defaults = _arguments(meta, key)
    signature, places = meta.signature_def[key], {one: place for place, one in enumerate(ordered)}
    own = f"{name}_dict_{len(inside)}"
    outer = meta.graph_def.library.function.add()
    outer.signature.name = own
    outer.signature.is_stateful = inner.signature.is_stateful
    outer.signature.output_arg.extend(inner.signature.output_arg)
    outer.attr["_construction_context"].s = b"kEagerRuntime"
    concrete = objects.graph.concrete_functions[own]
    concrete.CopyFrom(objects.graph.concrete_functions[name])
    specs = concrete.canonicalized_input_signature.tuple_value.values[0].tuple_value
    del specs.values[:]

    def take(place: int, name: str) -> None:
        if place in inner.arg_attr:
            outer.arg_attr[len(outer.signature.input_arg)].CopyFrom(inner.arg_attr[place])
        outer.signature.input_arg.add().CopyFrom(inner.signature.input_arg[place])
        outer.signature.input_arg[-1].name = name

    arguments = [argument.name for argument in inner.signature.input_arg]
    fields = specs.values.add().dict_value.fields
    for one in sorted(inside):  # as a dict is flattened
        info = signature.inputs[one]
        fields[one].CopyFrom(tensor_spec(one, info.dtype, info.tensor_shape))
        take(places[one], arguments[places[one]])
    for place, default in enumerate(defaults, 1):
        if default is None:
            specs.values.add().none_value.SetInParent()
            continue
        one, info = ordered[place], signature.inputs[ordered[place]]
        specs.values.add().CopyFrom(tensor_spec(one, info.dtype, info.tensor_shape))
        take(place, f"default_of_{arguments[place]}" if one in inside else arguments[place])
    for place in range(len(ordered), len(arguments)):
        take(place, arguments[place])
    if training is not None:
        specs.values.add().bool_value = training
    call = outer.node_def.add(name="call")
    call.op = call_op(inner.signature.is_stateful)
    call.input.extend(arguments)
    call.attr["f"].func.name = name
    call.attr["Tin"].list.type.extend(argument.type for argument in inner.signature.input_arg)
    call.attr["Tout"].list.type.extend(result.type for result in inner.signature.output_arg)
    for place, result in enumerate(inner.signature.output_arg):
        outer.ret[result.name] = f"call:output:{place}"
    return own


def _positional(
    objects: Objects,
    meta: MetaGraphDef,
    outliner: Outliner,
    key: str,
    called: str,
    number: int,
    training: bool | None,
) -> str:
    """Add a function that takes a signature's inputs by position; return its name."""
    signature = meta.signature_def[key]
    inputs = [(name, signature.inputs[name]) for name in _arguments(meta, key)[0]]
    outputs = [(name, signature.outputs[name]) for name in sorted(signature.outputs)]
    arguments = [
        Argument(_tensor(info.name), name, info.dtype, from_proto(info.tensor_shape)) for name, info in inputs
    ]
    tensors = {name: _tensor(info.name) for name, info in outputs}
    captures, bound = captures_of(
        objects, outliner, tensors.values(), [argument.tensor for argument in arguments]
    )
    name = unique_name(f"__inference_{called}_{number}", outliner.functions)
    outliner.add_function(meta.graph_def.library, name, [*arguments, *captures], tensors)
    concrete = objects.graph.concrete_functions[name]
    concrete.bound_inputs.extend(bound)
    specs = concrete.canonicalized_input_signature.tuple_value
    positional = specs.values.add().tuple_value
    positional.SetInParent()
    for argument, (_, info) in zip(arguments, inputs, strict=True):
        positional.values.append(tensor_spec(argument.name, info.dtype, info.tensor_shape))
    if training is not None:
        positional.values.add().bool_value = training
    specs.values.add().dict_value.SetInParent()
    if len(outputs) == 1:
        (output, info), *_ = outputs
        concrete.output_signature.CopyFrom(tensor_spec(output, info.dtype, info.tensor_shape))
    else:
        results = concrete.output_signature.dict_value
        for output, info in outputs:
            results.fields[output].CopyFrom(tensor_spec(output, info.dtype, info.tensor_shape))
    return name


# -- functions of the result


def tensor_spec(key: str, dtype: int, shape: TensorShapeProto) -> StructuredValue:
    """Return a StructuredValue that holds a TensorSpec."""
    value = StructuredValue()
    value.tensor_spec_value.name = re.sub(r"[^a-z0-9_]", "_", key.lower())
    value.tensor_spec_value.dtype = dtype
    value.tensor_spec_value.shape.CopyFrom(shape)
    return value


def add_signature(
    objects: Objects, meta: MetaGraphDef, outliner: Outliner, key: str, signature_map: int
) -> str:
    """Add a signature's function and the objects that lead to it; return its name.

    Raises:
        CannotOutline: the graph behind it can't become a function.
    """
    signature = meta.signature_def[key]
    inputs = [(name, signature.inputs[name]) for name in sorted(signature.inputs)]
    outputs = [(name, signature.outputs[name]) for name in sorted(signature.outputs)]
    for name, info in (*inputs, *outputs):
        if info.WhichOneof("encoding") != "name":
            raise CannotOutline(name, "signatures of TF2 take no sparse or composite tensors")
    for name, _ in inputs:
        if names.is_unusable_argument(name):
            raise CannotOutline(name, names.UNUSABLE_ARGUMENT)
    arguments = [
        Argument(_tensor(info.name), name, info.dtype, from_proto(info.tensor_shape)) for name, info in inputs
    ]
    tensors = {name: _tensor(info.name) for name, info in outputs}
    captures, bound = captures_of(
        objects, outliner, tensors.values(), [argument.tensor for argument in arguments]
    )
    name = f"__inference_signature_wrapper_{re.sub('[^A-Za-z0-9_]', '_', key)}_0"
    name = unique_name(name, outliner.functions)
    outliner.add_function(meta.graph_def.library, name, [*arguments, *captures], tensors)
    concrete = objects.graph.concrete_functions[name]
    concrete.bound_inputs.extend(bound)
    specs = concrete.canonicalized_input_signature.tuple_value
    specs.values.add().tuple_value.SetInParent()
    fields = specs.values.add().dict_value
    fields.SetInParent()
    for argument, (_, info) in zip(arguments, inputs, strict=True):
        fields.fields[argument.name].CopyFrom(tensor_spec(argument.name, info.dtype, info.tensor_shape))
    results = concrete.output_signature.dict_value
    results.SetInParent()
    for output, info in outputs:
        results.fields[output].CopyFrom(tensor_spec(output, info.dtype, info.tensor_shape))
    _, node = objects.add("bare_concrete_function", signature_map, key)
    bare = node.bare_concrete_function
    bare.concrete_function_name = name
    bare.argument_keywords.extend(argument.name for argument in arguments)
    bare.allowed_positional_arguments = len(arguments)
    full_arg_spec(bare.function_spec, [], [argument.name for argument in arguments])
    return name


def captures_of(
    objects: Objects, outliner: Outliner, outputs: Iterable[str], fed: Iterable[str]
) -> tuple[list[Argument], list[int]]:
    """Return what tensors capture as arguments, with the objects bound to them."""
    outputs, fed = tuple(outputs), tuple(fed)
    if (outputs, fed) not in outliner.captures:
        outliner.captures[outputs, fed] = _captures(objects, outliner, outliner.needed(outputs, fed))
    return outliner.captures[outputs, fed]


def _captures(
    objects: Objects, outliner: Outliner, needed: Iterable[str]
) -> tuple[list[Argument], list[int]]:
    captures: list[Argument] = []
    bound: list[int] = []
    for name in needed:
        node = outliner.nodes[name]
        if node.op == "Const" and _is_large(node):
            if name not in objects.bound:
                objects.bound[name], constant = objects.add("constant")
                constant.constant.operation = name
            tensor = attr(node, "value").tensor
            shape = from_proto(tensor.tensor_shape)
            captures.append(Argument(f"{name}:0", f"capture_{len(captures)}", tensor.dtype, shape))
            bound.append(objects.bound[name])
            continue
        if node.op != "VarHandleOp" and node.op not in RESOURCE_TABLES:
            continue
        if name not in objects.bound:
            raise CannotOutline(name, f"no object represents this {node.op}")
        shape = from_proto(attr(node, "shape").shape) if node.op == "VarHandleOp" else None
        holds = attr(node, "dtype").type if node.op == "VarHandleOp" else None
        captures.append(Argument(f"{name}:0", f"capture_{len(captures)}", dtypes.RESOURCE, shape, holds))
        bound.append(objects.bound[name])
    return captures, bound


def _is_large(node: NodeDef) -> bool:
    """Return whether a constant is large enough to be shared by all functions.

    What shapes depend on is smaller.
    """
    tensor = attr(node, "value").tensor
    most = 16 * math.prod(dim.size for dim in tensor.tensor_shape.dim) + len(tensor.tensor_content)
    if most + len(node.name) < _LARGE // 2 and "_class" not in node.attr:
        return False  # most are this small, and to measure a message costs as much as to write it
    return not node.input and node.ByteSize() > _LARGE and tensor.dtype != dtypes.STRING


def add_signature_map(objects: Objects) -> int:
    """Add the object that holds the signatures and return its number."""
    number, node = objects.add("user_object", 0, "signatures")
    node.user_object.identifier = "signature_map"
    return number


def full_arg_spec(
    spec: FunctionSpec, args: Iterable[str], keywords: Iterable[str], defaults: Iterable[Default] = ()
) -> None:
    """Fill a FunctionSpec as `tf.saved_model.save` writes it.

    Source: `function_serialization._serialize_function_spec`.
    """
    named = spec.fullargspec.named_tuple_value
    named.name = "FullArgSpec"
    values = {key: named.values.add(key=key).value for key in _ARG_SPEC}
    for key, listed in (("args", args), ("kwonlyargs", keywords)):
        values[key].list_value.SetInParent()
        for name in listed:
            values[key].list_value.values.add().string_value = name
    for key in ("varargs", "varkw", "defaults", "kwonlydefaults"):
        values[key].none_value.SetInParent()
    for default in defaults:
        value = values["defaults"].tuple_value.values.add()
        if default is None:
            value.none_value.SetInParent()
        elif isinstance(default, bool):
            value.bool_value = default
        else:
            value.tensor_value.CopyFrom(default)
    values["annotations"].dict_value.SetInParent()
    spec.input_signature.none_value.SetInParent()


_ARG_SPEC = ("args", "varargs", "varkw", "defaults", "kwonlyargs", "kwonlydefaults", "annotations")


def _tensor(name: str) -> str:
    return str(names.input_tensor(name))
