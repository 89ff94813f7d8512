"""Codes of errors: what stops a command, as `--json` and the terminal UI show it."""

from __future__ import annotations

from workbench.checks.codes import Code
from workbench.findings import Action, Hint

_READ = "Check the path, the permissions and the disk."
_ASK = "Correct the name; the message offers the nearest ones."

ERROR = Code(
    "error",
    "error",
    "an error without a code of its own",
    "See its message.",
    "Follow the hint of the error.",
)
CANCELLED = Code(
    "cancelled", "error", "the command was interrupted", "Nothing was left behind.", "Start it again."
)
USAGE = Code(
    "usage", "error", "the words of a command, or the arguments of a call, are wrong", "Nothing was done.",
    "Read the help of the command.",
)  # fmt: skip
TOO_MANY_NODES = Code(
    "too-many-nodes", "error", "a graph with its function bodies has more nodes than were allowed",
    "A body is copied for each of its calls.", "Allow more nodes, or leave functions out.",
)  # fmt: skip
DISK = Code("disk", "error", "something on disk can't be read or written", "The command stops there.", _READ)
NOT_A_SAVEDMODEL = Code(
    "not-a-savedmodel", "error", "the path holds no SavedModel and no GraphDef", "There is nothing to open.",
    "Give the folder with saved_model.pb in it, or the file of a frozen graph.",
)  # fmt: skip
UNSUPPORTED_FORMAT = Code(
    "unsupported-format", "error", "the model is in a format that is not read here",
    "Keras, TFLite, ONNX and other formats hold no SavedModel.", "Convert it to a SavedModel; the hint says how.",
)  # fmt: skip
DAMAGED = Code(
    "damaged", "error", "a file ends early, contradicts itself or fails its checksum", "Its content can't be trusted.",
    "Copy the file again from where it was made.",
)  # fmt: skip
MISSING_FILE = Code(
    "missing-file", "error", "a file that another file names does not exist", "The model is not complete.",
    "Copy the whole folder again from where the model was exported.",
)  # fmt: skip
CHANGED_FILE = Code(
    "changed-file", "error", "a file was replaced or written to while it was used",
    "The files that were checked are not those that would be used.", "Start again when nothing writes to the model.",
)  # fmt: skip
TARGET_EXISTS = Code(
    "target-exists", "error", "the target of a commit exists already", "It is never overwritten.",
    "Choose another folder, or remove the old one.",
)  # fmt: skip
CANNOT_WRITE = Code("cannot-write", "error", "the target can't be written", "Nothing was published.", _READ)
MODEL = Code(
    "model", "error", "a name in an opened model does not exist or is not unique", "Nothing was done.", _ASK
)
UNKNOWN_NAME = Code(
    "unknown-name",
    "error",
    "the model has no such tag set, signature, key, node or variable",
    "Nothing was done.",
    _ASK,
)
PLAN = Code(
    "plan", "error", "the plan has findings that are errors", "It can't be applied.",
    "Correct what its findings name; each has a code of its own.",
)  # fmt: skip
RUNTIME = Code(
    "runtime", "error", "the child process that runs TensorFlow could not do its work", "There is no answer from it.",
    "See the message and the log.",
)  # fmt: skip
NO_TENSORFLOW = Code(
    "no-tensorflow", "error", "no TensorFlow can be imported", "Nothing can be run or verified.",
    "Install tensorflow, or name an interpreter with TensorFlow.",
)  # fmt: skip
CHILD_DIED = Code(
    "child-died", "error", "the child process ended without an answer",
    "TensorFlow crashed, or the system ended it, for lack of memory for example.", "The hint has the end of its log.",
)  # fmt: skip
CHILD_TIMEOUT = Code(
    "child-timeout", "error", "the child process took longer than allowed", "It was ended.",
    "Allow more time.",
)  # fmt: skip
EXECUTION_FAILED = Code(
    "execution-failed", "error", "loading or running a model failed in TensorFlow", "The message is TensorFlow's own.",
    Hint("Give other inputs, or ", Action("check-model")),
)  # fmt: skip
NOT_ALLOWED = Code(
    "not-allowed", "error", "the model reaches unsafe ops and was not run",
    "They read or write files, use the network, end the process or run other code.",
    Hint("Look at them: ", Action("scan-model"), "; allow them if you trust the model."),
)  # fmt: skip
INPUT = Code(
    "input", "error", "a value does not fit the input it was given for", "The model was not run.",
    "Correct its dtype, shape, range or key, as the message says.",
)  # fmt: skip
MISSING_SOURCE = Code(
    "missing-source", "error", "sources of a recipe were not found",
    "A recipe knows its sources by digest; they were moved or changed.", "Name their folders.",
)  # fmt: skip
WRONG_SOURCE = Code(
    "wrong-source", "error", "a model is not the source that the recipe names", "Its digest differs.",
    "Give the model that the result was made of.",
)  # fmt: skip
