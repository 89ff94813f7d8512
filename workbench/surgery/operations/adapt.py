"""Adapt: put adapters before inputs and after outputs of a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from workbench.surgery import values
from workbench.surgery.adapters.chains import Chains
from workbench.surgery.operation import Operation
from workbench.surgery.signatures.adapted import Wanted, adapt
from workbench.surgery.signatures.automatic import AUTO, derive
from workbench.surgery.signatures.chosen import choose
from workbench.surgery.step import added_signature_field, chosen_signature_field, normalise, option, register
from workbench.surgery.workspace import Workspace

Pairs = Mapping[str, str] | Sequence[tuple[str, str]]


@register
@dataclass(frozen=True, slots=True)
class Adapt(Operation):
    """Put adapters before inputs and after outputs of a signature.

    A chain of adapters is written `resize 224 224 | cast float32 | scale 1/255`. Before an input, `auto` is the
    chain from image files to it, derived from the input and from what the graph does with it first.

    Attributes:
        before: key of an input to the chain of adapters before it.
        after: key of an output to the chain of adapters after it; further results get the key `KEY_NAME`.
        pass_through: keys of inputs that are returned under the same key, as they are given. One that does not exist is
            added: a vector of strings, or with `KEY:int64` of numbers.
        signature: the chosen one; None for `serving_default` if there, else the only one.
        as_key: key of a new signature that gets the adapters, so that the chosen one stays; None to change that.
    """

    NAME: ClassVar[str] = "adapt"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "adapt 'before=image=decode-image | resize 224 224 | scale 1/255'",
        "adapt before=image=auto pass_through=id",
        "adapt 'after=scores=softmax | labels @labels.txt'",
    )

    before: Pairs = option(
        Chains("KEY=CHAIN"),
        "adapters before an input",
        metavar="KEY=CHAIN",
        default=(),
        words=2,
        keys="inputs",
    )
    after: Pairs = option(
        Chains("KEY=CHAIN"),
        "adapters after an output",
        metavar="KEY=CHAIN",
        default=(),
        words=2,
        keys="outputs",
    )
    pass_through: Sequence[str] = option(
        values.Texts(),
        "return an input unchanged; a new one takes strings, KEY:int64 numbers",
        metavar="KEY",
        default=(),
    )
    signature: str | None = chosen_signature_field()
    as_key: str | None = added_signature_field()

    def __post_init__(self) -> None:
        normalise(self)

    @property
    def empty(self) -> bool:
        """Whether no change is requested."""
        return not self.before and not self.after and not self.pass_through

    @classmethod
    def parts(cls) -> Mapping[str, str]:
        """Return the adapters as they are written, each with what it does."""
        from workbench.surgery.adapters.adapter import usage
        from workbench.surgery.adapters.registry import adapters

        return {usage(kind): (kind.__doc__ or "").partition("\n")[0] for kind in adapters().values()}

    def settled(self, workspace: Workspace) -> Operation:
        """Return the operation with chains in place of `auto`, or report what the graph does not show."""
        before = dict(self.before)
        if AUTO not in before.values():
            return self
        signature = choose(workspace, self.signature, None)
        for key, text in before.items() if signature is not None else ():
            if text == AUTO and signature is not None and key in signature.inputs:
                before[key] = derive(workspace, signature.inputs[key]) or text
        return replace(self, before=before)

    def apply(self, workspace: Workspace) -> None:
        """Apply the adapters to a workspace, or report findings and change nothing."""
        signature = choose(workspace, self.signature, self.as_key)
        if signature is not None:
            wanted = Wanted(dict(self.before), dict(self.after), self.pass_through, self.as_key)
            adapt(workspace, signature, wanted)
