"""What kind of op an op is: one table for every room.

Names are TensorFlow's own (core/ops/*.cc, core/graph/graph.cc `IsSwitch` and the like). Lists of what an op may do
wrong are elsewhere: `checks/unsafe/` has its own, which errs on the safe side.
"""

from __future__ import annotations

from collections.abc import Mapping


def _ops(text: str) -> frozenset[str]:
    return frozenset(text.split())


# -- calls of functions

CALLS = _ops("PartitionedCall StatefulPartitionedCall")
"""Ops whose inputs and outputs are those of the function they call, as are those of an op that is a function's name."""

IFS = _ops("If StatelessIf _If")
CASES = _ops("Case StatelessCase")
LOOPS = _ops("While StatelessWhile _While")
BRANCHES = IFS | CASES
FUNCTIONAL_CONTROL_FLOW = BRANCHES | LOOPS
"""TF2's control flow: its branches and bodies are functions."""

FIRST_INPUT: Mapping[str, Mapping[str, int]] = {
    **{op: {"f": 0} for op in (*sorted(CALLS), "TPUPartitionedCall", "SymbolicGradient")},
    "RemoteCall": {"f": 1},
    **{op: {"then_branch": 1, "else_branch": 1} for op in sorted(IFS)},
    **{op: {"branches": 1} for op in sorted(CASES)},
    **{op: {"body": 0, "cond": 0} for op in sorted(LOOPS)},
}
"""Op, attr that names a function: the input that is the function's first argument; the rest follow."""

FUNCTION_ATTRS: Mapping[str, tuple[str, ...]] = {
    op: tuple(FIRST_INPUT[op]) for op in sorted(CALLS | IFS | LOOPS)
}
"""Op to the attrs that name a function each, without which the op can't run."""


def call_op(stateful: bool) -> str:
    """Return the op of a node that calls a function.

    Args:
        stateful: whether the function has a stateful op.
    """
    return "StatefulPartitionedCall" if stateful else "PartitionedCall"


# -- TF1's control flow

SWITCHES = _ops("Switch RefSwitch _SwitchN")
MERGES = _ops("Merge RefMerge _XlaMerge")
ENTERS = _ops("Enter RefEnter")
EXITS = _ops("Exit RefExit")
NEXT_ITERATIONS = _ops("NextIteration RefNextIteration")
"""Ops whose output closes a v1 while loop: the only edge on which a valid graph may be cyclic."""
INTO_CONTROL_FLOW = SWITCHES | ENTERS
"""Behind one of these a tensor may have no value, or one for each iteration …"""
OUT_OF_CONTROL_FLOW = MERGES | EXITS
"""… and behind one of these it has one again."""
V1_CONTROL_FLOW = SWITCHES | MERGES | ENTERS | EXITS | NEXT_ITERATIONS | {"LoopCond"}
"""A control edge to one of these says in which branch or loop a node is."""

VALUE_FORM: Mapping[str, str] = {
    form: op
    for op in ("Identity", "Enter", "Exit", "NextIteration", "Switch", "Merge")
    for form in (op, f"Ref{op}")
}
"""Op that passes on a handle or a reference to the op that passes on its value."""

# -- ops that pass on what they get; the tables differ on purpose

IDENTITY = _ops("Identity StopGradient")
"""Ops that return their input, and neither fail nor look at it."""

SAME_TENSOR = IDENTITY | _ops("EnsureShape PreventGradient Snapshot")
"""Ops that return their input in its own shape; they only check, or tell others what they may do with it."""

PASS_THROUGH = SAME_TENSOR | {"IdentityN"}
"""Ops whose output k is their input k: nothing is lost where a picture leaves them out."""

SAME_ELEMENTS = PASS_THROUGH | _ops("Reshape ExpandDims Squeeze")
"""Ops that keep the elements and their order, whatever the shape: enough to see from where a value comes."""

STORED_VALUE = IDENTITY | _ops("EnsureShape Reshape ReadVariableOp CopyOnRead")
"""What savers and initialisers have between a value and the variable that holds it."""

SAME_IN_RUN = (
    SAME_TENSOR | SWITCHES | ENTERS | _ops("CheckNumerics PlaceholderWithDefault Print ReadVariableOp")
)
"""Ops all of whose outputs are their first input when the graph runs: what is fed there arrives here."""

IMAGE_DECODERS = _ops("DecodePng DecodeJpeg DecodeImage DecodeBmp DecodeGif DecodeAndCropJpeg DecodeWebP")
"""Ops that make pixels, 0-255, of the bytes of an image file, their first input."""

# -- placeholders

WITH_DEFAULT = "PlaceholderWithDefault"
MUST_BE_FED = _ops("Placeholder PlaceholderV2")
"""Placeholders without a default."""
PLACEHOLDERS = MUST_BE_FED | {WITH_DEFAULT}

# -- variables and the checkpoint

REF_VARIABLES = _ops("Variable VariableV2")
"""Variables whose output is a reference to the value, not a resource."""
VARIABLES = REF_VARIABLES | _ops("VarHandleOp AutoReloadVariable")
ASSIGNS = _ops("Assign AssignVariableOp")
"""Ops that give a variable, their first input, the value of their second one."""
VARIABLE_READS = _ops(
    """
    DisableCopyOnRead IsVariableInitialized ReadVariableOp ResourceGather ResourceGatherNd VarIsInitializedOp
    VariableShape
    """
)
"""Ops that read a variable, a resource or a reference, and do not change it."""

RESTORES = _ops("RestoreV2 Restore RestoreSlice")
SAVES = _ops("SaveV2 Save SaveSlices")
V1_CHECKPOINT = _ops("Restore RestoreSlice Save SaveSlices")
V2_CHECKPOINT = (RESTORES | SAVES) - V1_CHECKPOINT
"""Ops of the checkpoint format that is written today: their second input holds the keys."""

# -- tables

HASH_TABLES = _ops("HashTable HashTableV2")
"""Tables that are filled once, and can't be used before; the others may be empty."""
REF_TABLES = _ops("HashTable MutableHashTable MutableHashTableOfTensors MutableDenseHashTable")
"""Tables whose output is a reference to their name: TF1's."""
RESOURCE_TABLES = _ops("HashTableV2 MutableHashTableV2 MutableHashTableOfTensorsV2 MutableDenseHashTableV2")
"""Tables that are a resource: an object of its own in TF2's format, bound to functions from outside."""
FILLS_FROM_FILE = _ops("InitializeTableFromTextFile InitializeTableFromTextFileV2")
FILLS_FROM_TENSORS = _ops("InitializeTable InitializeTableV2 LookupTableImport LookupTableImportV2")
FILLS = FILLS_FROM_FILE | FILLS_FROM_TENSORS

# -- ops with an effect

NO_VALUE = _ops("NoOp Assert Print PrintV2")
"""Ops that are run for their effect; their outputs are no results of a graph."""

READS = RESOURCE_TABLES | REF_TABLES | REF_VARIABLES | (VARIABLE_READS - {"IsVariableInitialized"})
READS |= _ops(
    """
    AnonymousHashTable DummyIterationCounter ImmutableConst LookupTableExport LookupTableExportV2 LookupTableFind
    LookupTableFindV2 LookupTableSize LookupTableSizeV2 RefEnter RefExit RefIdentity RefMerge RefNextIteration
    RefSwitch TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3
    TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 VarHandleOp
    """
)
"""Stateful ops that only read: they touch a resource or a reference and change nothing that is left after the run."""

READING = READS | CALLS | FUNCTIONAL_CONTROL_FLOW | {"Assert"}
"""`READS`, and the ops that are no more than what their bodies do, or that only stop the run."""

DRAWING = _ops(
    """
    Multinomial ParameterizedTruncatedNormal RandomGamma RandomPoisson RandomPoissonV2 RandomShuffle
    RandomStandardNormal RandomUniform RandomUniformInt StatelessRandomGetKeyCounter TruncatedNormal
    """
)
"""Ops that draw random numbers: two runs differ, but nothing else is changed."""

HOLDING = V1_CONTROL_FLOW | {"Assert"}
"""Ops that a control edge may be there for though they change nothing: an Assert stops the run."""
