"""Ops of variables, placeholders and random numbers."""

from __future__ import annotations

from workbench.graph.shape_inference.rules import Op, Refused, rule
from workbench.graph.shape_inference.sizes import Facts, Rows, text
from workbench.model.tensors import variable_shape

_STATE = "a variable would hold rows of the batch from one call to the next"


@rule("VarHandleOp")
def handle(op: Op) -> list[Facts]:
    """Return a handle, with the shape of the variable."""
    return [Facts((), content=variable_shape(op.node))]


@rule("Variable VariableV2")
def variable(op: Op) -> list[Facts]:
    """Return the shape of a variable."""
    return [Facts(variable_shape(op.node))]


@rule("ReadVariableOp")
def read(op: Op) -> list[Facts]:
    """Return the shape of the variable behind a handle."""
    return [Facts(op.input(0).content)]


@rule("VariableShape")
def shape_of(op: Op) -> list[Facts]:
    """Return the shape of the variable behind a handle as a value."""
    content = op.input(0).content
    return [Facts((None if content is None else len(content),), content)]


@rule("ResourceGather ResourceGatherNd")
def gathered(op: Op) -> list[Facts]:
    """Return the shape of rows of a variable, by the numbers that the second input is."""
    content, indices = op.input(0).content, op.input(1)
    if indices.sizes is None:
        if op.carried():
            raise Refused("reshape-op", "the rank of the numbers of rows is not known")
        return [Facts()]
    if content is None:
        if op.carried() and op.known().sizes is None:
            raise Refused("reshape-op", "the shape of the variable is not known")
        declared = op.known().sizes
        return [Facts(None if declared is None else (*indices.sizes, *declared[len(indices.sizes) :]))]
    if op.node.op == "ResourceGatherNd":
        depth = indices.sizes[-1] if indices.sizes else None
        return [Facts((*indices.sizes[:-1], *content[depth:]) if isinstance(depth, int) else None)]
    shared = int(op.attr("batch_dims").i)
    return [Facts((*indices.sizes, *content[1 + shared :]))]


@rule(
    """
    AssignVariableOp AssignAddVariableOp AssignSubVariableOp Assign AssignAdd AssignSub ResourceScatterUpdate
    ResourceScatterAdd ResourceScatterNdUpdate ScatterUpdate ScatterAdd LookupTableInsertV2 QueueEnqueueV2
    """
)
def assigned(op: Op) -> list[Facts]:
    """Refuse rows of a batch that are kept in a variable."""
    if op.carried():
        raise Refused("reshape-state", _STATE)
    return [op.input(0)] * op.outputs


@rule("NoOp Assert PrintV2 VarIsInitializedOp IsVariableInitialized")
def effect(op: Op) -> list[Facts]:
    """Return nothing of interest."""
    return [Facts(())] * op.outputs


@rule("Placeholder PlaceholderV2 PlaceholderWithDefault")
def placeholder(op: Op) -> list[Facts]:
    """Return the shape that the node declares."""
    return [op.known()]


@rule(
    """
    RandomUniform RandomStandardNormal TruncatedNormal RandomUniformInt StatelessRandomUniform StatelessRandomNormal
    StatelessTruncatedNormal StatelessRandomUniformV2 StatelessRandomNormalV2 StatelessTruncatedNormalV2
    StatelessRandomUniformInt StatelessRandomUniformIntV2
    """
)
def random(op: Op) -> list[Facts]:
    """Return the shape that the first input is, of random numbers."""
    value = op.input(0).value
    if value is not None and any(isinstance(size, Rows) for size in value):
        op.warnings.append("it draws random numbers for each row of the batch, so that no two runs agree")
    elif value and op.is_batch(value[0]):
        op.warnings.append(
            f"it draws random numbers of the fixed shape {text(value)}, which all rows may share"
        )
    return [Facts(value, random=True)]


@rule("Multinomial RandomShuffle RandomGamma RandomPoisson RandomPoissonV2 ParameterizedTruncatedNormal")
def drawn(op: Op) -> list[Facts]:
    """Refuse random numbers that depend on the batch."""
    if op.carried():
        raise Refused("reshape-rows", "it draws random numbers for all rows of the batch at once")
    return [Facts(op.known(index).sizes, random=True) for index in range(op.outputs)]
