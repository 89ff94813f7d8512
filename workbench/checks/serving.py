"""What TensorFlow Serving and its REST clients stumble over; asked for by `workbench check --for serving`.

Source: https://www.tensorflow.org/tfx/serving/api_rest and `saved_model_config`: a server loads the MetaGraph with tag
set `serve`, answers `{"instances": […]}` with one row for each, decodes `{"b64": …}` before the graph sees it, and
base64-encodes the values of outputs whose keys end in `_bytes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.checks.folder import warmup
from workbench.disk import dtypes
from workbench.findings import Action, Hint
from workbench.graph.functions import calls, reachable
from workbench.graph.level import Level, Value
from workbench.graph.shape_inference.shapes import Shapes
from workbench.graph.trace import origin, reached
from workbench.model import shapes
from workbench.model.op_classes import IMAGE_DECODERS, SAME_ELEMENTS
from workbench.model.signature import DEFAULT
from workbench.names import input_node, show

if TYPE_CHECKING:
    from workbench.graph.body import Body
    from workbench.model.meta import MetaGraph
    from workbench.model.model import Model
    from workbench.model.shapes import Shape
    from workbench.model.signature import Port, Signature

NO_FOLDER = Code(
    "serving-no-savedmodel", "error", "it is a GraphDef and no SavedModel",
    "TensorFlow Serving loads SavedModels only.",
    Hint("To write it as one, ", Action("flatten")),
)  # fmt: skip
NO_SERVE = Code(
    "serving-no-serve-tag", "warning", "no MetaGraph has the tag set `serve`",
    "TensorFlow Serving loads the MetaGraph with just this tag, if it is not told another (`--saved_model_tags`).",
    "Give the MetaGraph the tag set `serve`, or the server the flag.",
)  # fmt: skip
NO_SIGNATURE = Code(
    "serving-no-signature", "error", "there is no signature that could be called",
    "Requests name a signature; without any nothing can be asked.",
    Hint("Add one: ", Action("add-signature", {"model": "MODEL"})),
)  # fmt: skip
NO_DEFAULT = Code(
    "serving-no-default", "warning", "there is no signature `serving_default`",
    "It is what a request means that names none; clients have to send `signature_name`.",
    Hint("Rename one: ", Action("rename-signature", {"model": "MODEL", "new": "serving_default"})),
)  # fmt: skip
NO_BATCH = Code(
    "serving-no-batch", "warning", "an input has no batch dimension",
    '`{"instances": […]}` sends a batch, whose size is the first dimension: an input that takes a scalar, or just so '
    "many rows, can't take it. Batching in the server (`--enable_batching`) can't, either.",
    'Export the model with an unknown first dimension; `{"inputs": …}` sends a value as it is.',
)  # fmt: skip
BATCH_DIFFERS = Code(
    "serving-batch-differs", "warning", "outputs of a signature do not have the same first dimension",
    '`{"instances": […]}` is answered with one row for each instance: every output must have as many. The server '
    "answers with an error otherwise (`… has inconsistent batch size`).",
    'Drop the output, or repeat it for each row; `{"inputs": …}` does not need it.',
)  # fmt: skip
BINARY_OUTPUT = Code(
    "serving-binary-output", "warning", "an output has binary data and a key without `_bytes`",
    "The bytes are put into JSON as if they were text, which fails or garbles them. With a key that ends in `_bytes` "
    "they come as base64.",
    Hint("Rename it: ", Action("rename-output", {"model": "MODEL", "new": "KEY_bytes"})),
)  # fmt: skip
STRING_OUTPUT = Code(
    "serving-string-output", "info", "an output is a string, and its key does not end in `_bytes`",
    "Right for text. Binary data would need the suffix, to come as base64.",
    Hint("Nothing, if it is text; else rename it: ", Action("rename-output", {"model": "MODEL", "new": "KEY_bytes"})),
)  # fmt: skip
BASE64 = Code(
    "serving-base64", "warning", "the graph decodes base64 that an input gives",
    'A REST client that sends `{"b64": …}` sends base64 that the server has decoded before the graph sees it; '
    "decoding it again fails. A client that sends a plain string has to write web-safe base64.",
    "Let the graph take the bytes themselves, under a key that ends in `_bytes`.",
)  # fmt: skip
RAGGED = Code(
    "serving-composite", "warning", "an input or output of a signature is a ragged or other composite tensor",
    "The server knows dense and sparse tensors only: of a ragged output it answers with nothing, or with an error, and "
    "a ragged input can't be sent.",
    "Export a signature that gives the values and row lengths as dense tensors of their own, or a padded tensor.",
)  # fmt: skip
CUSTOM_OP = Code(
    "serving-custom-op", "warning", "the model has ops that TensorFlow 2.21 does not have",
    "A plain TensorFlow Serving does not load it: the ops have to be built into the server.",
    "Build the server with the ops, or export the model without them.",
)  # fmt: skip

_ENCODERS = """
    EncodePng EncodeJpeg EncodeJpegVariableQuality EncodeWav SerializeTensor SerializeManySparse
    SerializeSparse EncodeProto ReadFile AudioSummaryV2 ImageSummary
"""
_BINARY = frozenset(_ENCODERS.split())
_MOST_WALKED = 50  # signatures that are followed through the whole graph
_SERVE = {"serve"}


def check(model: Model, found: Found) -> list[MetaGraph]:
    """Check the model as a whole, and the MetaGraphs that a server would load."""
    if model.format == "graphdef" or model.folder is None:
        found.add(NO_FOLDER, show(str(model.path)), "It is a GraphDef in a file of its own.")
        return []
    served = [meta for meta in model.meta_graphs if set(meta.tags) == _SERVE][:1]
    if not served:
        there = ", ".join(show(meta.tags_text) or "(no tags)" for meta in model.meta_graphs)
        found.add(NO_SERVE, show(str(model.path)), f"The tag sets are {there or 'none'}.")
        served = list(model.meta_graphs)
    return served


def check_meta(model: Model, meta: MetaGraph, main: Body, found: Found) -> None:
    """Check a MetaGraph that a server would load."""
    callable_ = meta.shown_signatures
    if not callable_:
        found.add(NO_SIGNATURE, show(meta.tags_text), "The MetaGraph has no signature.")
    elif DEFAULT not in callable_:
        listed = ", ".join(map(show, list(callable_)[:5]))
        found.add(NO_DEFAULT, show(meta.tags_text), f"The signatures are {listed}.")
    level = Level(main)
    inferred = Shapes(level)
    for number, signature in enumerate(callable_.values()):
        _batches(meta, signature, inferred, found)
        for port in (*signature.inputs.values(), *signature.outputs.values()):
            if port.kind == "composite":
                spec = show(port.spec or "a composite tensor")
                found.add(RAGGED, f"{show(signature.key)}#{show(port.key)}", f"It is {spec}.")
        for port in signature.outputs.values():
            _string(signature, port, level, found)
        if number < _MOST_WALKED:
            _base64(meta, signature, main, found)
    for op in meta.unknown_ops:
        if op:
            found.add(CUSTOM_OP, show(op), f"{meta.ops[op]} of the model's nodes are of this op.")
    if model.folder is not None:
        warmup.check(model.folder, meta, found)


def _batches(meta: MetaGraph, signature: Signature, inferred: Shapes, found: Found) -> None:
    """Check the first dimensions of inputs and outputs."""
    free = bool(signature.inputs)
    for port in signature.inputs.values():
        if port.kind != "dense":
            continue
        tensor = meta.node_tensor(port.tensor)
        shape = port.shape if tensor is None or tensor.shape is None else tensor.shape
        if shape is None or (shape and shape[0] is None):
            continue
        free = False
        what = "a scalar" if not shape else f"exactly {shape[0]} row{'' if shape[0] == 1 else 's'}"
        where = f"{show(signature.key)}#{show(port.key)}"
        found.add(NO_BATCH, where, f"It takes {what}: its shape is {shapes.text(shape)}.")
    known = {}
    for port in signature.outputs.values():
        told = _shape(port, inferred)
        if told is not None:
            known[port.key] = told
    firsts = {key: "no" if not shape else shape[0] for key, shape in known.items()}
    if len(set(firsts.values())) > 1 or (free and any(first is not None for first in firsts.values())):
        listed = ", ".join(f"{show(key)} {shapes.text(shape)}" for key, shape in list(known.items())[:6])
        found.add(BATCH_DIFFERS, show(signature.key), f"Its outputs are {listed}.")


def _shape(port: Port, inferred: Shapes) -> Shape:
    if port.kind != "dense":
        return None
    return port.shape if port.shape is not None else inferred.of(port.tensor)


def _string(signature: Signature, port: Port, main: Level, found: Found) -> None:
    if dtypes.base(port.dtype) != dtypes.STRING or port.key.endswith("_bytes") or port.kind != "dense":
        return
    where = f"{show(signature.key)}#{show(port.key)}"
    value = main.value(port.tensor)
    made = None if value is None else origin(value)
    node = None if made is None else made.node
    if made is not None and node is not None and node.op in _BINARY:
        message = f"{show(node.op)} makes it (at {made.level.body.where(node.name)})."
        found.add(BINARY_OUTPUT, where, message)
    elif made is not None and (decoder := _decoder_of(made)) is not None:
        found.add(BINARY_OUTPUT, where, f"It is what {show(decoder)} decodes: the bytes of an image file.")
    else:
        found.add(STRING_OUTPUT, where, "If it is binary data, its key should end in `_bytes`.")


def _decoder_of(value: Value) -> str | None:
    """Return the node that decodes a string, or rows of it, as an image file; None if none does."""
    for passed in reached(value, SAME_ELEMENTS | {"GatherV2"}):
        for use in passed.level.uses(passed):
            if use.op in IMAGE_DECODERS and use.position == 0:
                return passed.level.body.where(use.node.name)
    return None


def _base64(meta: MetaGraph, signature: Signature, main: Body, found: Found) -> None:
    """Report DecodeBase64 between inputs and outputs, in the main graph or a called function."""
    inputs = {
        input_node(name): port.key
        for port in signature.inputs.values()
        if dtypes.base(port.dtype) == dtypes.STRING
        for name in port.tensors
    }
    if not inputs or not meta.ops["DecodeBase64"]:
        return
    outputs = [input_node(name) for port in signature.outputs.values() for name in port.tensors]
    between = main.adjacency.ancestors(outputs, inputs.keys()) & main.adjacency.descendants(inputs)
    for name in meta.nodes:
        if name not in between:
            continue
        for place in _decoders(meta, main, name):
            keys = [key for node, key in inputs.items() if name in main.adjacency.descendants([node])]
            message = f"DecodeBase64 at {place} decodes what comes from it."
            found.add(BASE64, f"{show(signature.key)}#{', '.join(map(show, sorted(set(keys))))}", message)


def _decoders(meta: MetaGraph, main: Body, name: str) -> Iterator[str]:
    node = meta.nodes[name]
    if node.op == "DecodeBase64":
        yield main.where(name)
    if not calls(node, meta.functions):
        return
    for function in sorted(reachable(meta.graph, [node])):
        for inner in meta.functions[function].node_def:
            if inner.op == "DecodeBase64":
                yield f"{show(function)}::{show(inner.name)}"
