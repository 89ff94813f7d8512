"""Signature: rename, add and drop signatures, their inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.surgery.signatures.change_signatures import change_signatures
from workbench.surgery.signatures.changes import SignatureChanges
from workbench.surgery.step import register
from workbench.surgery.workspace import Workspace


@register
@dataclass(frozen=True, slots=True)
class ChangeSignature(SignatureChanges):
    """Rename, drop and add signatures, and rename their inputs and outputs.

    One call can make several changes. Write OLD=NEW everywhere; a swap (a=b b=a) is allowed. The result is verified
    before it is published: it must give the same values under its new keys in every loader. Write a tensor as for a
    wire: node:0, CALL::node:0 inside a call, SIGNATURE#KEY, or a key of a callable: __call__#x, __call__[2]#x.
    """

    NAME: ClassVar[str] = "signature"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "signature rename=serving_default=predict",
        "signature rename_inputs=image=image_raw rename_outputs=output_1=scores",
        "signature signature=embed rename_outputs=y=vector drop=train",
        """signature 'add={"key": "features", "inputs": {"x": "x:0"}, "outputs": {"hidden": "dense/Relu:0"}}'""",
        """signature 'add={"key": "serve", "inputs": {"x": "__call__#x"}, "outputs": {"y": "__call__#output_0"}}'""",
        "signature method=tensorflow/serving/classify",
    )

    def apply(self, workspace: Workspace) -> None:
        """Apply the changes to a workspace, or report findings."""
        change_signatures(workspace, self)
