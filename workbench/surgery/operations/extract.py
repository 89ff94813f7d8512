"""Extract: make a part of a model a model of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.surgery import values
from workbench.surgery.extracting.ends import find_ends
from workbench.surgery.extracting.part import Part
from workbench.surgery.operation import Operation
from workbench.surgery.step import option, register
from workbench.surgery.workspace import Workspace

Pairs = Mapping[str, str] | Sequence[tuple[str, str]]


@register
@dataclass(frozen=True, slots=True)
class Extract(Operation):
    """Make a part of a model a model of its own, from given inputs to given outputs.

    A tensor is `node:0` in the main graph, `CALL::CALL::node:0` inside calls, or the key of an input or output. Any
    tensor can be an input: the graph is cut there. The part has only the variables, tables, assets and functions that
    its outputs need, and one signature, `serving_default`; in TF2 format it is the `__call__` of the loaded model.

    Attributes:
        outputs: key of each output of the part to its tensor.
        inputs: likewise of its inputs; none for the placeholders that the outputs need, under their keys.
        signature: the signature whose keys may be named; None for `serving_default` if there, else the only one.
    """

    NAME: ClassVar[str] = "extract"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "extract outputs=features=StatefulPartitionedCall::dense/Relu:0",
        "extract inputs=features=dense_1/Relu:0 outputs=scores=probabilities",
    )

    outputs: Pairs = option(
        values.Tensors(),
        "an output of the part; its key may be left out",
        metavar="KEY=TENSOR",
        refers=True,
        many=True,
    )
    inputs: Pairs = option(
        values.Tensors(),
        "an input of the part; without any, the placeholders that the outputs need",
        metavar="KEY=TENSOR",
        default=(),
        refers=True,
        many=True,
    )
    signature: str | None = option(
        values.Text(optional=True), "the signature that the keys belong to", metavar="KEY", default=None
    )

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace, or report findings and change nothing.

        Raises:
            WorkbenchError: a call can't be inlined, or the checkpoint can't be read.
        """
        ends = find_ends(workspace, dict(self.outputs), dict(self.inputs), self.signature)
        if ends is None or workspace.blocked:
            return
        part = Part(workspace, ends)
        if part.cut_out():
            part.replace()
