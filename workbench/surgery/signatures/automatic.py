"""`auto` before an input: the chain from image files to it, with the reason for each adapter, or what must be asked."""

from __future__ import annotations

from workbench.model.signature import Port
from workbench.names import show
from workbench.surgery.adapters.front import Front, choices_for, front_for
from workbench.surgery.adapters.tensor_type import TensorType
from workbench.surgery.resolve.first_ops import FirstOps, first_ops
from workbench.surgery.workspace import Workspace

AUTO = "auto"


def derive(workspace: Workspace, port: Port) -> str | None:
    """Return the chain from image files to an input, and report why it is so.

    Args:
        workspace: the model as it stands; findings are added.
        port: the input.

    Returns:
        None where the chain can't be known; that is reported as an error.
    """
    where = show(port.key)
    if port.kind != "dense":
        workspace.note(
            "adapt-endpoint", "error", where, f"The input is {port.kind}; adapters take dense tensors."
        )
        return None
    want, facts = type_of(workspace, port), first_ops(workspace.original, port.tensor)
    front = front_for(want, facts)
    if front.problem is not None:
        workspace.note("adapt-auto-unknown", "error", where, front.problem, "Write a chain in place of auto.")
        return None
    if front.asked:
        _ask(workspace, where, want, facts, front)
        return None
    _tell(workspace, where, front)
    return front.chain.print()


def type_of(workspace: Workspace, port: Port) -> TensorType:
    """Return the type of an input or output: of the graph, and where that is silent, as declared."""
    found = workspace.original.node_tensor(port.tensor)
    if found is None:
        return TensorType.of(port.dtype, port.shape)
    return TensorType.of(found.dtype or port.dtype, port.shape if found.shape is None else found.shape)


def _ask(workspace: Workspace, where: str, want: TensorType, facts: FirstOps, front: Front) -> None:
    open_ = {"range": "the range of the numbers", "order": "whether red or blue comes first"}
    unknown = " and ".join(open_[question.about] for question in front.asked)
    message = f"The graph does not show {unknown}."
    chains = [f"  {choice.chain}\n    {choice.means}" for choice in choices_for(want, facts, front)]
    hint = "Look it up where the model was trained, and write one of these in place of auto:\n" + "\n".join(
        chains
    )
    workspace.note("adapt-auto-unknown", "error", where, message, hint)


def _tell(workspace: Workspace, where: str, front: Front) -> None:
    """Report the chain, the reason for each adapter, and what is assumed."""
    text = front.chain.print()
    lines = [f"  {reason.adapter or '-'}: {reason.why}" for reason in front.reasons]
    workspace.note("adapt-auto", "info", where, f"auto is: {text}\n" + "\n".join(lines))
    for question in front.questions:
        if question.about == "alpha":  # reported of every chain
            continue
        choices = " or ".join(f"`{one}`" for one in question.choices if one)
        hint = f"Otherwise write the chain with {choices}." if choices else None
        workspace.note("adapt-auto-assumed", "info", where, question.text, hint)
