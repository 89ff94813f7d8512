"""Codes of merges: models, signatures and endpoints of wires (R1)."""

from __future__ import annotations

from workbench.checks.codes import Code
from workbench.findings import Action, Hint

_SAVE = "Load the model with TensorFlow and save it again with tf.saved_model.save."
_KEYS = Action("show-keys")
_STOPS = "Nothing is merged, since it is not clear what should be wired."

NO_SOURCE = Code(
    "R1-no-source", "error", "the plan has no model", _STOPS, "Add at least one model to the plan."
)
NO_WIRE = Code(
    "R1-no-wire", "error", "the plan has neither a wire nor a shared input",
    "Without one the models have nothing in common. A forgotten wire is likelier than models meant side by side.",
    Hint("Add a wire from an output to an input, or allow models side by side: ", _KEYS),
)  # fmt: skip
ALONE = Code(
    "R1-alone", "error", "no wire or shared input connects this model with the others",
    "It has nothing in common with them; a forgotten wire is likelier.",
    "Add a wire to the model, leave the model out, or allow models side by side.",
)  # fmt: skip
HANDLE = Code(
    "R1-handle", "error", "an endpoint names no model, or a handle that no model has",
    "With more than two models every endpoint starts with the handle of its model.",
    "Write HANDLE@KEY. The handle stands before `=` on the command line, else it is the name of the model's folder.",
)  # fmt: skip
SIGNATURE = Code(
    "R1-signature", "error", "the model has no such signature, or several and none was chosen", _STOPS,
    Hint("Choose a signature by its key: ", _KEYS),
)  # fmt: skip
NO_SIGNATURE = Code(
    "R1-no-signature", "error", "the MetaGraph has no signature whose keys could be named", _STOPS,
    "Name tensors of the graph instead (`node:0`). Search the nodes for their names.",
)  # fmt: skip
NO_OUTPUT = Code(
    "R1-no-output", "error", "the result would have no outputs",
    "A signature without outputs computes nothing.", "Choose a signature that has outputs.",
)  # fmt: skip
KEY = Code(
    "R1-key", "error", "the signature has no such input or output", _STOPS, Hint("Correct the key: ", _KEYS)
)
UNKNOWN = Code(
    "R1-unknown", "error", "an endpoint is neither a key of the signature nor a node of the graph", _STOPS,
    Hint("Correct the name: ", _KEYS),
)  # fmt: skip
HIDDEN = Code(
    "R1-hidden", "warning", "a key of the signature and a node have the same name",
    "The key is used, which may be another tensor than the node's.",
    "Write `%node` for the tensor of the node, or `#key` for the key.",
)  # fmt: skip
DANGLING = Code(
    "R1-dangling", "error", "the signature names a tensor for this key that the graph does not have",
    "The model is damaged: its own signature can't be called either.",
    Hint("Name another tensor, or ", Action("check-model")),
)  # fmt: skip
TENSOR = Code(
    "R1-tensor", "error", "the graph has no such tensor or node", _STOPS,
    "Correct the name of the node; the message offers the nearest ones.",
)  # fmt: skip
OUTPUT = Code(
    "R1-output", "error", "the node has no output of this number", _STOPS,
    "Outputs are numbered from 0: write `node:0`, or choose a node with more outputs.",
)  # fmt: skip
CALL = Code(
    "R1-call", "error", "an endpoint inside a call names a call that does not exist", _STOPS,
    "Write CALL::node:0, where CALL is a node that calls a function. Search the nodes for their names.",
)  # fmt: skip
ARGUMENT = Code(
    "R1-argument", "error", "an endpoint inside a call names an argument of the function",
    "An argument is no node of its own; it is what the call was given.",
    "Name the tensor that the call takes as this argument.",
)  # fmt: skip
INSIDE_CALL = Code(
    "R1-inside-call", "error", "a tensor inside a function's body can't be wired",
    "Only calls that can be inlined give their inner tensors a place in the main graph. Calls of the saver, "
    "recursive calls, and functions that nothing calls are not inlined.",
    "Name an output of the call, or a key of the signature.",
)  # fmt: skip
INSIDE_BODY = Code(
    "R1-inside-body", "error", "a tensor inside the body of a loop or branch can't be wired",
    "The body runs any number of times, or not at all, so the tensor has no single value.",
    "Wire what enters the loop or branch, or what comes out of it.",
)  # fmt: skip
CONTROL_FLOW = Code(
    "R1-control-flow", "error", "a tensor inside TF1 control flow can't be wired",
    "In a loop it has a value for each iteration; in a branch it has none if the other branch is taken.",
    "Wire what enters the loop or branch, or what comes out of it.",
)  # fmt: skip
UNKNOWN_OP = Code(
    "R1-unknown-op", "error", "the outputs of this op are unknown",
    "Neither TensorFlow 2.21 nor the model's own list has the op, so the dtype of the tensor is not known.",
    "Wire a tensor before or after it, or one that a signature names.",
)  # fmt: skip
CALLABLE = Code(
    "R1-callable", "error", "a callable of the object graph is named where a signature or a tensor is expected",
    "A callable is wired as a whole model: all its endpoints are keys of the callable.",
    "Choose the callable as the signature of the model.",
)  # fmt: skip
CALLABLES = Code(
    "R1-callables", "error", "the endpoints of one model belong to different callables or signatures",
    "A call is made once; endpoints of two calls would be two copies of the model.",
    "Use one callable or signature, or give the model twice with two handles.",
)  # fmt: skip
VARIANT = Code(
    "R1-variant", "error", "the callable has no variant of this number", _STOPS,
    "Variants are numbered from 1.",
)  # fmt: skip
CAPTURE = Code(
    "R1-capture", "error", "the callable can't be called in the main graph",
    "A tensor that its function captures can't be found there.", f"{_SAVE} Or choose a signature.",
)  # fmt: skip
