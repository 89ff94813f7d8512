"""Signatures: whether they can be fed, and whether they declare what the graph gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.checks.codes_of_opening import SIGNATURE_DTYPE, SIGNATURE_SHAPE
from workbench.disk import dtypes
from workbench.findings import Action, Hint
from workbench.graph.level import Level
from workbench.graph.shape_inference.shapes import Shapes
from workbench.model import shapes
from workbench.model.op_classes import MUST_BE_FED
from workbench.names import (
    UNUSABLE_ARGUMENT,
    input_node,
    input_tensor,
    is_unusable_argument,
    parse_tensor,
    show,
)

if TYPE_CHECKING:
    from workbench.graph.adjacency import Adjacency
    from workbench.graph.body import Body
    from workbench.model.meta import MetaGraph
    from workbench.model.signature import Port, Signature

UNFED = Code(
    "signature-unfed", "error", "a signature needs a placeholder that is none of its inputs",
    "Going back from its outputs and stopping at its inputs, a Placeholder is reached that nothing can feed: the "
    "signature can't be run, and tf.saved_model.load refuses the whole model.",
    "Make the placeholder an input of the signature, or give it a default (PlaceholderWithDefault).",
)  # fmt: skip
BODY_UNFED = Code(
    "body-unfed", "error", "a function's result needs a placeholder in its body",
    "A function is fed by its arguments alone, so nothing can feed a Placeholder in its body: the call fails (`You "
    "must feed a value for placeholder tensor`). It is left where a graph was cut before it was made a function.",
    "Make the function anew, with the placeholder as an argument.",
)  # fmt: skip
OUTPUT_SHAPE = Code(
    "output-shape", "error", "a signature's output is declared with a shape that it can't have",
    "tf.saved_model.load sets the declared shape on the tensor and fails (`Dimension 1 in both shapes must be equal`). "
    "v1 Sessions do not look at it.",
    "Correct the signature; the graph is right.",
)  # fmt: skip
INPUT_SHARED = Code(
    "input-shared", "warning", "two inputs of a signature are one tensor",
    "A v1 Session feeds it with one of the two values; tf.saved_model.load refuses the model.",
    Hint("Drop one of the two: ", Action("drop-input", {"model": "MODEL"})),
)  # fmt: skip
INPUT_UNUSED = Code(
    "input-unused", "info", "no output of a signature depends on one of its inputs",
    "Loaders demand a value for it all the same.",
    Hint("Drop the input: ", Action("drop-input", {"model": "MODEL"})),
)  # fmt: skip

INPUT_KEYWORD = Code(
    "input-keyword", "error", "an input's key is a word that Python takes for no argument",
    "tf.saved_model.load makes a keyword argument of each input's key. It refuses a model with a keyword of Python "
    "(`'class' is not a valid parameter name`); an input `self` loads, and can't be given. v1 Sessions and Serving do "
    "not mind.",
    Hint("Rename the input: ", Action("rename-input", {"model": "MODEL", "key": "class", "new": "class_"})),
)  # fmt: skip

_MOST_VISITS = 2_000_000  # of nodes by all signatures together; those after that are not walked


def check(meta: MetaGraph, main: Body, found: Found) -> None:
    """Check the signatures of a MetaGraph; a GraphDef has none of its own."""
    if meta.format == "graphdef" and not meta.proto.signature_def:
        return
    adjacency = main.adjacency
    inferred = Shapes(Level(main))
    visits = 0
    for key, signature in meta.shown_signatures.items():
        for name in filter(is_unusable_argument, signature.inputs):
            found.add(INPUT_KEYWORD, f"{show(key)}#{show(name)}", f"{show(name)!r}: {UNUSABLE_ARGUMENT}.")
        if visits < _MOST_VISITS:
            visits += _inputs(signature, adjacency, found)
        for port in signature.outputs.values():
            if port.kind == "dense":
                _output(meta, key, port, inferred, found)


def check_body(body: Body, found: Found) -> None:
    """Compare what the results of a function need with its arguments."""
    assert body.function is not None
    bare = [name for name, node in body.nodes.items() if node.op in MUST_BE_FED]
    if bare:
        needed = body.adjacency.ancestors(input_node(entry) for entry in body.function.ret.values())
        for name in filter(needed.__contains__, bare):
            found.add(
                BODY_UNFED, body.where(name), "A result of the function depends on it, and nothing feeds it."
            )


def _inputs(signature: Signature, adjacency: Adjacency, found: Found) -> int:
    """Compare what a signature needs with its inputs; return how many nodes were visited."""
    outputs = [name for port in signature.outputs.values() for name in port.tensors if name]
    inputs: dict[str, str] = {}
    for port in signature.inputs.values():
        for name in port.tensors:
            tensor = str(input_tensor(name))
            if tensor in inputs and inputs[tensor] != port.key:
                found.add(
                    INPUT_SHARED,
                    f"{show(signature.key)}#{show(port.key)}",
                    f"It is tensor {show(tensor)!r}, as the input {show(inputs[tensor])!r} is.",
                )
            inputs.setdefault(tensor, port.key)
    cut = adjacency.cut(outputs, inputs)
    for name in cut.unfed:
        message = f"Its outputs need the placeholder {show(name)!r}, which is none of its inputs."
        found.add(UNFED, show(signature.key), message, "Make it an input, or give it a default.")
    for key, port in signature.inputs.items() if outputs else ():
        if not cut.fed & {str(input_tensor(name)) for name in port.tensors}:
            where = f"{show(signature.key)}#{show(key)}"
            found.add(INPUT_UNUSED, where, "No output of the signature depends on this input.")
    return len(cut.nodes) + 1


def _output(meta: MetaGraph, key: str, port: Port, inferred: Shapes, found: Found) -> None:
    """Compare what an output is declared to be with what the graph gives."""
    parsed = parse_tensor(port.tensor)
    if parsed is None or parsed.node not in meta.nodes:
        return
    where = f"{show(key)}#{show(port.key)}"
    types = meta.output_types(meta.nodes[parsed.node])
    dtype = types[parsed.index] if types is not None and parsed.index < len(types) else 0
    if dtype and port.dtype and dtypes.base(dtype) != dtypes.base(port.dtype):
        message = f"The signature declares {dtypes.name(port.dtype)}, the graph gives {dtypes.name(dtype)}."
        found.add(SIGNATURE_DTYPE, where, message)
    shape = inferred.of(str(parsed))
    if shapes.fits(port.shape, shape) == "refuted":
        # with an object graph tf.saved_model.load uses the function, and never looks at this shape
        code = SIGNATURE_SHAPE if meta.has_object_graph else OUTPUT_SHAPE
        message = (
            f"The signature declares shape {shapes.text(port.shape)}, the graph gives {shapes.text(shape)}."
        )
        found.add(code, where, message)
