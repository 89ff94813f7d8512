"""Callables: functions of a TF2 model's objects, and their variants.

An object's `tf.function` is stored as a list of concrete functions, one for each way it was traced.
TensorFlow calls the first that fits, so the order is kept, and variants are numbered from 1 in it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workbench.disk import dtypes
from workbench.disk.schema import (
    FunctionDef,
    FunctionSpec,
    SavedConcreteFunction,
    SavedObject,
    StructuredValue,
)
from workbench.model import structured
from workbench.model.objects import ObjectGraph
from workbench.model.structured import Spec
from workbench.names import count, show

SIGNATURES_CHILD = "signatures"
CALL = "__call__"
"""The method that `loaded(…)` calls: a child of the root, or the root itself where that is a function."""
_MAX_DEPTH = 100
_MAX_PATH = 2000  # characters


@dataclass(frozen=True, slots=True)
class Variant:
    """One concrete function of a callable.

    Attributes:
        index: from 1, as `__call__[2]` names it.
        function: name in the function library.
        arguments: the arguments as a reader would write them: `x: float32 [?,784], training=False`.
        inputs: the tensor arguments, by the order of the function's own arguments.
        outputs: the tensor results, in the order of the function's own results.
        captures: how many arguments of the function come after the inputs, bound to objects of the model.
    """

    index: int
    function: str
    arguments: str
    inputs: tuple[Spec, ...]
    outputs: tuple[Spec, ...]
    captures: int


@dataclass(frozen=True, slots=True)
class Callable_:
    """A function of the root object (`__call__`) or below it (`layer.serve`).

    A root that is itself a function, as converters save one, is `__call__`.
    """

    path: str
    variants: tuple[Variant, ...]

    def __repr__(self) -> str:
        told = "; ".join(f"{show(one.arguments)} -> {list(one.outputs[:4])}" for one in self.variants[:3])
        return f"<Callable {show(self.path, 100)}, {count(len(self.variants), 'variant')}: {told}>"


def read_callables(objects: ObjectGraph, functions: Mapping[str, FunctionDef]) -> tuple[Callable_, ...]:
    """Return all callables, those of the root first, then by depth.

    Each object once, under its shortest path.

    Functions that only make or fill a resource (`_create_resource` of a table) and the signatures' own
    wrappers are left out, and so is what lies deeper than any program's objects do. Many functions can name
    one long signature: beyond some times the size of the file they are not unfolded, their arguments are `…`.
    """
    concrete = objects.proto.concrete_functions
    room = (1 << 20) + 2 * objects.proto.ByteSize()
    sizes: dict[str, int] = {}
    found = []
    for path, node in _functions(objects):
        if node.HasField("function"):
            names = list(node.function.concrete_functions)
            function_spec: FunctionSpec | None = node.function.function_spec
        else:
            bare = node.bare_concrete_function
            names = [bare.concrete_function_name]
            function_spec = bare.function_spec if bare.HasField("function_spec") else None
        own = 0 if function_spec is None else function_spec.ByteSize()
        variants = []
        for index, name in enumerate(names, 1):
            if name not in concrete:
                continue
            if name not in sizes:
                sizes[name] = concrete[name].ByteSize() + 100
            room -= own + sizes[name]
            if room < 0:
                variants.append(Variant(index, name, "…", (), (), len(concrete[name].bound_inputs)))
            else:
                variants.append(_variant(index, name, concrete[name], function_spec, functions.get(name)))
        if variants:
            # of a function that is itself the root `loaded(…)` is all that Python sees
            found.append(Callable_(".".join(path) or CALL, tuple(variants)))
    return tuple(found)


def _functions(objects: ObjectGraph) -> Iterator[tuple[tuple[str, ...], SavedObject]]:
    """Yield function nodes with their paths, breadth first from the root."""
    if not objects.children:
        return
    seen = {0}
    todo: deque[tuple[tuple[str, ...], int, int]] = deque([((), 0, 0)])
    while todo:
        path, length, number = todo.popleft()
        node = objects.nodes[number]
        kind = node.WhichOneof("kind")
        if kind in ("function", "bare_concrete_function"):
            yield path, node
            continue  # its children are its own traces
        if kind not in (None, "user_object"):
            continue  # a resource's functions make it or fill it
        if len(path) == _MAX_DEPTH:
            continue
        for name, child in objects.children[number].items():
            below = length + len(name) + 1
            if child not in seen and not (number == 0 and name == SIGNATURES_CHILD) and below <= _MAX_PATH:
                seen.add(child)
                todo.append(((*path, name), below, child))


def _variant(
    index: int,
    name: str,
    concrete: SavedConcreteFunction,
    function_spec: FunctionSpec | None,
    function: FunctionDef | None,
) -> Variant:
    arguments, inputs = _arguments(concrete.canonicalized_input_signature, function_spec)
    outputs = _outputs(concrete.output_signature)
    if not inputs and not arguments and function is not None:
        arguments, inputs = _from_function(function, len(concrete.bound_inputs))
    return Variant(index, name, arguments, inputs, outputs, len(concrete.bound_inputs))


def _arguments(
    signature: StructuredValue, function_spec: FunctionSpec | None
) -> tuple[str, tuple[Spec, ...]]:
    """Return argument text and tensor specs of a canonicalised `(args, kwargs)`."""
    if signature.WhichOneof("kind") != "tuple_value" or len(signature.tuple_value.values) != 2:
        return "", ()
    positional, keyword = signature.tuple_value.values
    names = _argument_names(function_spec)
    words: list[str] = []
    specs: list[Spec] = []
    for index, value in enumerate(positional.tuple_value.values):
        name = names[index] if index < len(names) else f"args_{index}"
        words.append(_argument(name, value, specs))
    fields = keyword.dict_value.fields
    for name in sorted(fields):
        words.append(_argument(name, fields[name], specs))
    return ", ".join(words), tuple(specs)


def _argument(name: str, value: StructuredValue, specs: list[Spec]) -> str:
    """Return the text of one argument; add its tensors to `specs`."""
    only_tensor = False
    for path, leaf in structured.leaves(value):
        first = specs[-1].first + specs[-1].count if specs else 0
        found = structured.spec(leaf, "/".join((name, *path)), first)
        if found is not None:
            specs.append(found)
            only_tensor = not path
    return f"{show(name)}{': ' if only_tensor else '='}{structured.text(value)}"


def _argument_names(function_spec: FunctionSpec | None) -> list[str]:
    """Return the positional parameters without `self` (`FunctionSpec.fullargspec`)."""
    if function_spec is None:
        return []
    for pair in function_spec.fullargspec.named_tuple_value.values:
        if pair.key == "args":
            names = [item.string_value for item in pair.value.list_value.values]
            return names[1:] if names and (function_spec.is_method or names[0] == "self") else names
    return []


def _outputs(signature: StructuredValue) -> tuple[Spec, ...]:
    """Return the tensor specs of a result.

    By its dict's keys, `output_N` where it has none, nested parts joined by `/`.
    """
    specs: list[Spec] = []
    for path, leaf in structured.leaves(signature):
        first = specs[-1].first + specs[-1].count if specs else 0
        found = structured.spec(leaf, _output_key(signature, path), first)
        if found is not None:
            specs.append(found)
    return tuple(specs)


def _output_key(signature: StructuredValue, path: tuple[str, ...]) -> str:
    if not path:
        return "output_0"
    if signature.WhichOneof("kind") in ("list_value", "tuple_value"):
        return "/".join((f"output_{path[0]}", *path[1:]))
    return "/".join(path)


def _from_function(function: FunctionDef, captures: int) -> tuple[str, tuple[Spec, ...]]:
    """Return arguments as the FunctionDef has them; for a missing signature."""
    args = list(function.signature.input_arg)
    args = args[: max(len(args) - captures, 0)]
    specs = tuple(
        Spec(arg.name, "dense", dtypes.dtype(arg.type), None, index) for index, arg in enumerate(args)
    )
    return ", ".join(f"{show(found.key)}: {structured.spec_text(found)}" for found in specs), specs
