"""Callables of an object graph take the copies of functions in which the batch is free.

Only a function that a changed signature calls as well is replaced: what verifies the signature verifies it. The specs
of its arguments and results are those of the copy.

Sources: saved_object_graph.proto; `function_serialization.py` in tensorflow/python/saved_model.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.disk.schema import SavedFunction, SavedObjectGraph, StructuredValue
from workbench.graph.shape_inference.sizes import Facts, plain
from workbench.model import shapes, structured
from workbench.surgery.reshaping.free_batch import FreedFunction


def free_callables(graph: SavedObjectGraph, functions: Sequence[FreedFunction]) -> set[str]:
    """Let callables use the copies of their functions; return the names of the functions that were replaced.

    Args:
        graph: changed in place.
        functions: the copies; a function with several of them is left as it is.
    """
    names = [one.old for one in functions]
    copies = {one.old: one for one in functions if names.count(one.old) == 1}
    freed: set[str] = set()
    for node in graph.nodes:
        if node.WhichOneof("kind") != "function":
            continue
        own = [name for name in node.function.concrete_functions if name in copies]
        for name in own:
            if name in graph.concrete_functions and name not in freed:
                _concrete(graph, copies[name])
                freed.add(name)
        replaced = [name for name in node.function.concrete_functions if name in freed]
        if replaced and len(replaced) == len(node.function.concrete_functions):
            _declared_input(node.function, copies[replaced[0]].arguments)
        node.function.concrete_functions[:] = [
            copies[name].new if name in freed else name for name in node.function.concrete_functions
        ]
    return freed


def _concrete(graph: SavedObjectGraph, copy: FreedFunction) -> None:
    """Add the concrete function of a copy, with its specs."""
    concrete = graph.concrete_functions[copy.new]
    concrete.CopyFrom(graph.concrete_functions[copy.old])
    _loosen(concrete.canonicalized_input_signature, copy.arguments)
    _loosen(concrete.output_signature, copy.results)


def _declared_input(function: SavedFunction, arguments: Sequence[Facts]) -> None:
    """Free the batch in the `input_signature` that a `tf.function` was made with."""
    if function.HasField("function_spec"):
        _loosen(function.function_spec.input_signature, arguments)


def _loosen(value: StructuredValue, tensors: Sequence[Facts]) -> None:
    """Write the shapes of tensors with the rows of a batch into their specs, in the order of both."""
    first = 0
    for _, leaf in structured.leaves(value):
        spec = structured.spec(leaf, "", first)
        if spec is None:
            continue
        facts = tensors[first] if first < len(tensors) else Facts()
        kind = leaf.WhichOneof("kind")
        if spec.kind == "dense" and facts.axis is not None and kind is not None:
            getattr(leaf, kind).shape.CopyFrom(shapes.to_proto(plain(facts.sizes)))
        first += spec.count
