"""Codes of merges: what each wire connects (R2 to R5), and which inputs are shared."""

from __future__ import annotations

from workbench.checks.codes import Code

_TWICE = "Leave one of the wires out, or give one of the models twice with two handles."

SELF = Code(
    "R2-self", "error", "a wire connects a model with itself",
    "Its output would depend on itself: a cycle.", "Give the model twice, with two handles.",
)  # fmt: skip
TWICE = Code(
    "R2-twice", "error", "an input is wired twice, or wired and shared",
    "An input takes one value only. One output, or one shared input, may feed several inputs.",
    "Leave one of the wires or shared inputs out.",
)  # fmt: skip
CYCLE = Code(
    "R2-cycle", "error", "the wires form a cycle", "No order exists in which the models could run.", _TWICE
)
SOURCE_CYCLE = Code(
    "R2-source-cycle", "error", "the graph of a source has a cycle that is no loop",
    "No loader accepts such a graph.", "Save the model again; a tool that edited the graph has broken it.",
)  # fmt: skip
DTYPE = Code(
    "R3-dtype", "error", "the output and the input have different dtypes",
    "TensorFlow converts no dtypes by itself: the consumer refuses the tensor when the graph is loaded.",
    "Put adapters on the wire, as the hint of the finding says, or wire another output.",
)  # fmt: skip
KIND = Code(
    "R3-kind", "error", "one side is a sparse or ragged tensor and the other is not",
    "A sparse or ragged tensor consists of several component tensors, a dense one of one.",
    "Wire the component tensors one by one (`node:k`), or convert one side first.",
)  # fmt: skip
RESOURCE = Code(
    "R3-resource", "error", "a resource or variant tensor can't be wired",
    "It is a handle to state of its own model, and has no meaning in another.",
    "Wire the value that is read from it.",
)  # fmt: skip
SHAPE = Code(
    "R4-shape", "error", "the shapes of the output and the input are incompatible",
    "The ranks differ, or a dimension has two different sizes.",
    "Put adapters on the wire, as the hint of the finding says, or wire another output.",
)  # fmt: skip
UNKNOWN = Code(
    "R4-unknown", "warning", "the shapes of the output and the input may be incompatible",
    "A dimension, or the rank, is unknown in the graph. The result checks the shape when it runs.",
    "Nothing, if the shapes agree for your inputs. Verify with inputs of the sizes that you use.",
)  # fmt: skip
BATCH = Code(
    "R4-batch", "warning", "the input takes only one batch size and the output has any",
    "The result then works for that batch size only, and declares it.",
    "Send batches of that size, or use a model whose batch size is free.",
)  # fmt: skip
OUTPUT_SHAPE = Code(
    "R4-output-shape", "warning", "a source declares another shape for an output than its graph has",
    "The signature of the source is wrong. The result declares the shape of the graph.",
    "Nothing for the result; correct the source if it is used elsewhere.",
)  # fmt: skip
LAYOUT = Code(
    "R5-layout", "warning", "one model has channels last and the other channels first",
    "The shapes agree, so the result runs; but its numbers may be meaningless.",
    "Put the adapter `layout` on the wire, if the layouts do differ.",
)  # fmt: skip
RANGE = Code(
    "R5-range", "warning", "the models seem to disagree about the range of pixel values",
    "One graph works with 0-255 and the other with 0-1 or -1 to 1. The result runs, and its numbers may be "
    "meaningless. A verification does not show it: the sources behave in the same way.",
    "Put the adapter `scale` on the wire, or confirm that the ranges agree.",
)  # fmt: skip
RANGE_UNKNOWN = Code(
    "R5-range-unknown", "info", "no graph tells the range of pixel values",
    "Equal results do not show that the range is right.",
    "Compare the result with a known picture and its expected answer.",
)  # fmt: skip
SCALAR = Code(
    "R5-scalar", "info", "an input takes one string and not a batch",
    "TensorFlow Serving's REST API can't send it in `instances`, only in `inputs`.",
    "Use a model that takes a batch of strings, if clients need `instances`.",
)  # fmt: skip
SHARE_INPUT = Code(
    "share-input", "error", "an input that should be shared is in no model, or in one alone",
    "A shared input feeds at least two inputs of the models.",
    "Name the inputs with their models: `KEY=HANDLE@INPUT,HANDLE@INPUT`.",
)  # fmt: skip
SHARE_KEY = Code(
    "share-key", "error", "two shared inputs have the same key",
    "The key is that of an input of the result, and names one input.", "Give each a key of its own.",
)  # fmt: skip
SHARE_KIND = Code(
    "share-kind", "error", "inputs that should be shared are of different kinds",
    "A sparse or ragged tensor consists of several component tensors, a dense one of one.",
    "Share inputs of the same kind.",
)  # fmt: skip
SHARE_DTYPE = Code(
    "share-dtype", "error", "inputs that should be shared have different dtypes",
    "One value is given to all of them, and TensorFlow converts no dtypes by itself.",
    "Put adapters before one of the inputs, as the hint of the finding says, or share other inputs.",
)  # fmt: skip
SHARE_SHAPE = Code(
    "share-shape", "error", "inputs that should be shared have incompatible shapes",
    "The ranks differ, or a dimension has two different sizes.",
    "Put adapters before one of the inputs, as the hint of the finding says, or share other inputs.",
)  # fmt: skip
SHARE_SIZES = Code(
    "share-sizes", "info", "a shared input takes less than one of the models does",
    "It has all sizes that any of the models fixes. A fixed batch size is a warning: only that batch works.",
    "Nothing, or use a model whose sizes are free.", ("warning",),
)  # fmt: skip
SHARE_DEFAULT = Code(
    "share-default", "info", "an input that may be left out is shared, and must be given",
    "Models that share an input have different defaults for it, or none.", "Nothing, or do not share this input.",
)  # fmt: skip
SHARE_UNUSED = Code(
    "share-unused", "error", "no output of the result depends on a shared input",
    "The result would have an input without an effect.",
    "Share inputs that an output depends on, or leave the shared input out.",
)  # fmt: skip
