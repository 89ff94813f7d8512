"""What loading a model, and running its signatures, sets in motion: where a walk starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.graph.danger.report import INIT, LOAD, RESTORE, SAVE
from workbench.model.callables import SIGNATURES_CHILD
from workbench.model.objects import ObjectGraph
from workbench.model.signature import INIT_OP

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph


@dataclass(frozen=True, slots=True)
class Start:
    """Something that runs.

    Attributes:
        label: the key of a signature, the path of a callable, or the step of loading, in brackets.
        nodes: nodes or tensors of the main graph.
        functions: concrete functions of the object graph.
    """

    label: str
    nodes: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


def starts(meta: MetaGraph, signature_keys: Iterable[str] | None) -> Iterator[Start]:
    """All that runs when a model is loaded and some signatures are called.

    Args:
        meta: the MetaGraph.
        signature_keys: the signatures. None for all of them, all callables, and the saving half of the saver.
    """
    for key in list(meta.signatures) if signature_keys is None else signature_keys:
        if key != INIT_OP and key in meta.signatures:
            outputs = (name for port in meta.signatures[key].outputs.values() for name in port.tensors)
            yield Start(key, tuple(outputs), _loaded_signature(meta.objects, key))
    saver = meta.proto.saver_def
    if meta.init_op:
        yield Start(INIT, (meta.init_op,))
    if saver.restore_op_name:
        yield Start(RESTORE, (saver.restore_op_name,))
    if meta.objects is not None:
        yield Start(LOAD, functions=tuple(_of_objects(meta.objects)))
    if signature_keys is None:
        for found in meta.callables:
            yield Start(found.path, functions=tuple(variant.function for variant in found.variants))
        if saver.save_tensor_name:
            yield Start(SAVE, (saver.save_tensor_name,))


def _loaded_signature(objects: ObjectGraph | None, key: str) -> tuple[str, ...]:
    """The functions that `tf.saved_model.load` takes for a signature; nothing ties them to the main graph's nodes."""
    root = objects.child([SIGNATURES_CHILD]) if objects is not None else None
    if objects is None or root is None:
        return ()
    number = objects.children[root].get(key)
    return () if number is None else _functions(objects, number)


def _of_objects(objects: ObjectGraph) -> Iterator[str]:
    """The functions that make, fill and restore objects: `tf.saved_model.load` calls them."""
    for number, node in enumerate(objects.nodes):
        if node.HasField("resource"):
            for child in objects.children[number].values():
                yield from _functions(objects, child)
        for name in node.saveable_objects:
            restoring = node.saveable_objects[name].restore_function
            if 0 < restoring < len(objects.nodes):
                yield from _functions(objects, restoring)


def _functions(objects: ObjectGraph, number: int) -> tuple[str, ...]:
    """The concrete functions of an object that is a function."""
    node = objects.nodes[number]
    names = list(node.function.concrete_functions)
    if node.HasField("bare_concrete_function"):
        names.append(node.bare_concrete_function.concrete_function_name)
    return tuple(names)
