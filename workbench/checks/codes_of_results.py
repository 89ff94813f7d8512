"""Codes of merges: what becomes of keys, variables, files and signatures in the result (R6 to R12)."""

from __future__ import annotations

from workbench.checks.codes import Code
from workbench.findings import Action, Hint

_AGAIN = "Load the model with TensorFlow and save it again."
_FETCH = "Copy the whole folder again from where the model was exported."
_WHOLE = "The result would have variables without values."

KEY = Code(
    "R6-key", "info", "two models have an input or output of the same name",
    "In the result the key of one of them begins with the model's handle.", "Rename the key, if it should be another.",
)  # fmt: skip
RENAME = Code(
    "R6-rename", "error", "an input or output of the result can't have this name",
    "The name is empty, taken, or can't be the name of an argument.", "Choose another name.",
)  # fmt: skip
RENAME_UNKNOWN = Code(
    "R6-unknown", "error", "a key that should be renamed is not in the result",
    "The keys of the result are those of the sources, with a handle only where two are equal.",
    "Correct the key; a dry run lists the keys of the result.",
)  # fmt: skip
COLLECTION = Code(
    "R7-collection", "info", "a collection of a source is left out",
    "It names nodes that are not in the result, or is of a kind that can't be renamed. Loaders do not need it.",
    "Nothing, unless a program of yours reads the collection.",
)  # fmt: skip
COMPUTED_KEYS = Code(
    "R7-computed-keys", "error", "the saver computes its checkpoint keys",
    "Keys get the handle of their model as a prefix, which is possible only for constants.", _AGAIN,
)  # fmt: skip
OLD_SAVER = Code(
    "R7-old-saver", "error", "the saver uses the V1 checkpoint format",
    "Its keys can't be renamed, and no checkpoint of that format is written.", _AGAIN,
)  # fmt: skip
REF_KEPT = Code(
    "R7-ref-kept", "warning", "a TF1 reference variable could not become a resource variable",
    "An op uses it that has no counterpart for resource variables. Its value is right, but tf.saved_model.load does "
    "not list it among the variables.",
    "Nothing, unless the result should be trained.",
)  # fmt: skip
UNKNOWN_OP = Code(
    "R8-unknown-op", "warning", "the result has ops that TensorFlow 2.21 does not have",
    "It loads only where their library is loaded.",
    "Load the library of the op before the result.",
)  # fmt: skip
ADDED_INPUT = Code(
    "R9-added-input", "info", "a placeholder becomes an input that no signature named",
    "An output of the result depends on it, so that a caller must feed it.",
    "Nothing, or wire it, or choose a signature that does not need it.",
)  # fmt: skip
CONSTANT_OUTPUT = Code(
    "R9-constant-output", "info", "an output depends on no input of the result",
    "It has the same value for every request.", "Nothing, unless a wire is missing.",
)  # fmt: skip
DROPPED_INPUT = Code(
    "R9-dropped-input", "info", "an input of a source is not in the signature of the result",
    "No output of the result depends on it; or feeding it would make a wire ineffective, which is a warning.",
    "Nothing, unless a wire is missing.",
    also=("warning",),
)  # fmt: skip
DROPPED_SIGNATURE = Code(
    "R9-dropped-signature", "info", "a signature of a source could not be kept", "The result does not have it.",
    "Call the source for it, or keep another signature.",
)  # fmt: skip
KEPT_SIGNATURE = Code(
    "R9-kept-signature", "info", "a kept signature works in one kind of loader only",
    "After tf.saved_model.load it takes its own inputs. A v1 Session also asks for the inputs of the result.",
    "Call it after tf.saved_model.load.",
)  # fmt: skip
SHADOWED_INPUT = Code(
    "R9-shadowed-input", "warning", "an input has an effect only while another one is left out",
    "The default of the other input follows from it. The verification feeds both, and does not show the effect.",
    "Nothing, or leave the other input out when you call the result.",
)  # fmt: skip
UNUSED_WIRE = Code(
    "R9-unused-wire", "error", "no output of the result depends on a wired input",
    "The wire would have no effect.", "Wire an input that an output depends on, or choose another signature.",
)  # fmt: skip
ASSET = Code(
    "R10-asset", "error", "an asset of a source is missing or outside the model",
    "The result would lack the file that a table or op reads.", _FETCH,
)  # fmt: skip
MISSING_SHARD = Code(
    "R10-missing-shard", "error", "data files of a source's checkpoint are missing", _WHOLE, _FETCH
)
NO_CHECKPOINT = Code(
    "R10-no-checkpoint", "error", "a source has variables and no checkpoint that can be read", _WHOLE, _FETCH
)
NO_DATA = Code(
    "R10-no-data", "error", "a variable is restored from a key that the source's checkpoint does not have", _WHOLE,
    "The checkpoint belongs to another version of the model: copy the folder variables/ that was saved with it.",
)  # fmt: skip
NOT_RESTORED = Code(
    "R10-not-restored", "error", "nothing gives a variable a value",
    "Neither a saver nor the init op sets it. It is a warning where the graph may set it while it runs, or where the "
    "model has a checkpoint.",
    "Save the model again with a saver for all its variables, or freeze it with TensorFlow.",
    also=("warning",),
)  # fmt: skip
SIZE = Code(
    "R11-size", "error", "saved_model.pb would be larger than 2 GB",
    "A protobuf message can't be larger, so no loader could read it.",
    "Keep large values in variables: they are in the checkpoint, not in the graph.",
)  # fmt: skip
UNSAFE = Code(
    "R12-unsafe", "warning", "the result reaches unsafe ops",
    "They read or write files, use the network, end the process or run other code. Unless that is allowed, "
    "neither the sources nor the result are run, so that the result is not verified.",
    Hint("Look at them: ", Action("scan-model"), "; allow them if you trust the models."),
)  # fmt: skip
TF1_FORMAT = Code(
    "tf1-format", "info", "the result has no object graph",
    "A part of it can't be outlined into a function. Its signature works in every loader; its variables can't be "
    "trained in place. It is an error if TF2 format was asked for.",
    "Nothing, or leave out what prevents it.",
    also=("error",),
)  # fmt: skip
IMPLICIT_INIT = Code(
    "implicit-init", "info", "tables or local variables are set by the init op of the result",
    "The source has no init op; TensorFlow 2 finds their initialisers by collections, a v1 Session does not.",
    "Nothing: the result loads in both.",
)  # fmt: skip
ASSET_RENAMED = Code(
    "asset-renamed", "info", "two sources have different asset files of the same name",
    "In the result both have other names, and what reads them was changed accordingly.",
    "Nothing, unless a program of yours opens the file by its name.",
)  # fmt: skip
DROPPED_FILE = Code(
    "dropped-file", "info", "a file of a source is not in the result",
    "It describes the source and would be wrong for the result: fingerprint, Keras metadata, warm-up requests.",
    "Nothing, or make it anew for the result.",
)  # fmt: skip
DROPPED_OBJECTS = Code(
    "dropped-objects", "info", "callables of a source are not in the result",
    "The result is in TF1 format, which has signatures only.", "Nothing, or use TF2 format.",
)  # fmt: skip
INFERENCE_ONLY = Code(
    "training-inference-only", "info", "what is joined was traced for inference",
    "If the result is trained, its variables learn, but BatchNorm and Dropout behave as in inference.",
    "Wire a callable that was traced for training, if the result should be trained.",
)  # fmt: skip
