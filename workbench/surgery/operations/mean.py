"""Mean: replace outputs of a signature by their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from workbench.model import shapes
from workbench.surgery import values
from workbench.surgery.adapters import reference
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.tensor_type import TensorType
from workbench.surgery.signatures.combined import Combining, Given, Lists, Unfit, of_one_dtype
from workbench.surgery.step import added_signature_field, chosen_signature_field, option, register


@register
@dataclass(frozen=True, slots=True)
class Mean(Combining):
    """Replace outputs of a signature by their mean, as an ensemble of models does.

    The outputs are floats of one dtype and shape.

    Attributes:
        outputs: key of a new output to those whose mean it is: keys of the signature, or `HANDLE@KEY` for the output
            of a source.
        keep: keep those outputs as well.
        signature: the one to change; None for `serving_default` if there, else the only one.
        as_key: key of a new signature that gets the mean, so that the chosen one stays; None to change that.
    """

    NAME: ClassVar[str] = "mean"
    REST: ClassVar[str] = "outputs"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("mean scores=first,second", "mean all=one,two,three keep=true")

    outputs: Lists = option(
        values.Lists(), "key of the mean, and the outputs it is of", metavar="KEY=OUTPUT,…", positional=True
    )
    keep: bool = option(values.Flag(), "keep these outputs as well", default=False)
    signature: str | None = chosen_signature_field()
    as_key: str | None = added_signature_field()

    def result(self, given: Given) -> TensorType | Unfit:
        """Return the type of the mean, or why there is none; see `Combining`."""
        unfit = of_one_dtype(given)
        if unfit is not None:
            return unfit
        name, found = given[0]
        if not found.is_float:
            return Unfit(
                f"Output `{name}` is {found}; a mean takes floats.",
                f"Cast it in a step before: adapt 'after={name}=cast float32'." if found.is_integer else None,
            )
        shape = found.shape
        for other, one in given:
            if shapes.fits(shape, one.shape) == "refuted":
                return Unfit(
                    f"Output `{name}` is {found.with_shape(shape)}; output `{other}` is {one}. A mean takes outputs of "
                    "one shape.",
                    "Choose outputs of one shape, or adapt one of them in a step before.",
                )
            shape = shapes.both(shape, one.shape)
        return found.with_shape(shape)

    def build(self, fragment: Fragment, given: Sequence[Tensor], result: TensorType) -> Tensor:
        """Make the nodes of the mean; see `Combining`."""
        total = fragment.op("AddN", given, name="sum")
        count = fragment.const(Fraction(len(given)), result.dtype, name="count")
        return fragment.op("RealDiv", total, count, name="mean")

    def reference(self, given: Sequence[Any]) -> Any:
        """Return the mean as an expression; see `Combining`."""
        return reference.call("reduce_mean", reference.call("stack", list(given)), axis=0)
