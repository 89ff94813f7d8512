"""Codes of what is found when a model is opened (`open_model`); `workbench inspect` shows them too."""

from __future__ import annotations

from workbench.checks.codes import Code
from workbench.findings import Action, Hint

_AGAIN = "Save the model again; a tool that edited the graph has broken it."
_REFUSED = "TensorFlow refuses to import the graph."
_FETCH = "Copy the whole folder again from where the model was exported."

NOTE = Code(
    "note", "info", "something about the place the model was found at",
    "A version was chosen among several, or there is a second model file beside the one that is read.",
    "To open another one, give its exact folder or file.",
)  # fmt: skip
NAMELESS_NODE = Code("nameless-node", "error", "a node has no name", _REFUSED, _AGAIN)
DUPLICATE_NODE = Code(
    "duplicate-node", "error", "several nodes have one name",
    f"A name must identify one of them. {_REFUSED}",
    "Save the model again; a tool that joined graphs did not rename their nodes.",
)  # fmt: skip
DANGLING_INPUT = Code("dangling-input", "error", "an input names no node of the graph", _REFUSED, _AGAIN)
NO_OP = Code("no-op", "error", "nodes have no op", _REFUSED, _AGAIN)
MISSING_FUNCTION = Code(
    "missing-function", "error", "a function is named that the library does not have",
    "The call fails when it runs, or the graph can't be imported.",
    "Save the model again; a tool that pruned the library has dropped a function that is needed.",
)  # fmt: skip
SIGNATURE_TENSOR = Code(
    "signature-tensor", "error", "a signature names a tensor that the graph does not have",
    "The signature can't be called; tf.saved_model.load refuses the whole model.",
    Hint("Correct the signature: ", Action("drop-signature", {"model": "MODEL"}), ", and add it anew."),
)  # fmt: skip
SIGNATURE_DTYPE = Code(
    "signature-dtype", "warning", "a signature declares another dtype than the graph has",
    "Loaders take the graph's. Clients that go by the signature send, or expect, the wrong dtype.",
    "Correct the signature; the graph is right.",
)  # fmt: skip
SIGNATURE_SHAPE = Code(
    "signature-shape", "warning", "a signature declares a shape that the graph contradicts",
    "Loaders take the graph's. Clients that go by the signature send, or expect, the wrong shape.",
    "Correct the signature; the graph is right.",
)  # fmt: skip
UNKNOWN_OP = Code(
    "unknown-op", "info", "an op is not one of TensorFlow 2.21",
    "It needs a library of its own (a custom op), or the op was removed. Without it no loader imports the graph.",
    Hint("Load the op library before the model: ", Action("load-ops")),
)  # fmt: skip
VARIABLE_MISMATCH = Code(
    "variable-mismatch", "error", "a variable's dtype or shape is not that of its value in the checkpoint",
    "Restoring fails.",
    "The checkpoint belongs to another version of the model: copy the folder variables/ that was saved with it.",
)  # fmt: skip
MISSING_KEY = Code(
    "missing-key", "error", "a variable is restored from a key that the checkpoint does not have",
    "Restoring fails, and with it loading.",
    "The checkpoint belongs to another version of the model: copy the folder variables/ that was saved with it.",
)  # fmt: skip
NO_CHECKPOINT = Code(
    "no-checkpoint", "error", "the graph restores variables and there is no checkpoint",
    "Loading fails.", _FETCH,
)  # fmt: skip
NO_VALUES = Code(
    "no-values", "warning", "a GraphDef with variables in it was not frozen",
    "A GraphDef holds no values: what reads the variables can't be run.",
    "Save a SavedModel from where the checkpoint is, or freeze the graph there.",
)  # fmt: skip
BUNDLE_PROBLEM = Code(
    "bundle-problem", "error", "the index of the checkpoint can't be read",
    "A checksum of one of its blocks is wrong, its end is missing, or it is of another format: no variable can be "
    "restored.",
    _FETCH,
)  # fmt: skip
MISSING_SHARD = Code(
    "missing-shard", "error", "a data file of the checkpoint is missing",
    "The variables in it can't be restored.", _FETCH,
)  # fmt: skip
BAD_SHARD = Code(
    "bad-shard", "error", "a data file of the checkpoint is shorter than its index says",
    "It was cut off when it was copied, or belongs to another index.", _FETCH,
)  # fmt: skip
LFS_POINTER = Code(
    "lfs-pointer", "error", "a data file is a Git LFS pointer",
    "git left a few lines of text where the real file should be.",
    "Run `git lfs pull` in the repository the model came from.",
)  # fmt: skip
LINKED_CHECKPOINT = Code(
    "linked-checkpoint", "info", "a part of the checkpoint is a link that leads out of the model",
    "Loaders follow it, and so do we. Copied without its links followed, or moved, the model is not whole.",
    "Copy the model with its links followed (cp -rL) where it has to stand alone.",
)  # fmt: skip
BAD_ENTRY = Code(
    "bad-entry", "error", "an entry of the checkpoint's index contradicts itself",
    "Its size does not fit dtype and shape, its shard does not exist, or the slices of a partitioned variable overlap "
    "or leave a hole: the variable can't be restored.",
    _FETCH,
)  # fmt: skip
ORPHAN_SLICE = Code(
    "orphan-slice", "warning", "the checkpoint has a slice that belongs to no variable",
    "Nothing reads it.", "Save the model again to be rid of it.",
)  # fmt: skip
ASSET_OUTSIDE = Code(
    "asset-outside", "error", "an asset's name leads out of the model's folder",
    "Loading such a model would read a file of the machine it is loaded on.",
    "Do not load it; put the file into assets/ and save the model again.",
)  # fmt: skip
MISSING_ASSET = Code(
    "missing-asset", "error", "the model names an asset that is not there",
    "Loading fails, or the table that reads it.", "Copy the file into assets/ from where the model was exported.",
)  # fmt: skip
ORIGIN_UNREADABLE = Code(
    "origin-unreadable", "warning", "the record of how the model was made can't be read",
    "assets.extra/workbench.json or workbench-proof.json is damaged; the model itself is not touched by that.",
    "Delete the file, or merge again.",
)  # fmt: skip
