"""Concat: replace outputs of a signature by one that holds them along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.model import shapes
from workbench.model.shapes import Shape
from workbench.surgery import values
from workbench.surgery.adapters import reference
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.tensor_type import TensorType
from workbench.surgery.signatures.combined import Combining, Given, Lists, Unfit, of_one_dtype
from workbench.surgery.step import added_signature_field, chosen_signature_field, option, register


@register
@dataclass(frozen=True, slots=True)
class Concat(Combining):
    """Replace outputs of a signature by one that holds them one after the other along an axis.

    The outputs have one dtype, and the same sizes but along the axis.

    Attributes:
        outputs: key of a new output to those that it holds: keys of the signature, or `HANDLE@KEY` for the output of
            a source.
        axis: the dimension; a negative one counts from the last.
        keep: keep those outputs as well.
        signature: the one to change; None for `serving_default` if there, else the only one.
        as_key: key of a new signature that gets the output, so that the chosen one stays; None to change that.
    """

    NAME: ClassVar[str] = "concat"
    REST: ClassVar[str] = "outputs"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("concat features=first,second", "concat rows=one,two axis=0")

    outputs: Lists = option(
        values.Lists(),
        "key of the new output, and the outputs it holds",
        metavar="KEY=OUTPUT,…",
        positional=True,
    )
    axis: int = option(
        values.Integer(), "the dimension (default: -1, the last)", metavar="NUMBER", default=-1
    )
    keep: bool = option(values.Flag(), "keep these outputs as well", default=False)
    signature: str | None = chosen_signature_field()
    as_key: str | None = added_signature_field()

    def result(self, given: Given) -> TensorType | Unfit:
        """Return the type of the new output, or why there is none; see `Combining`."""
        unfit = of_one_dtype(given)
        if unfit is not None:
            return unfit
        for name, one in given:
            if one.shape is not None and not -len(one.shape) <= self.axis < len(one.shape):
                return Unfit(
                    f"Output `{name}` is {one} and has no dimension {self.axis}.",
                    "Choose another axis, or adapt the output in a step before.",
                )
        name, found = given[0]
        shape = found.shape
        for other, one in given[1:]:
            if shapes.fits(self._beside(shape), self._beside(one.shape)) == "refuted":
                return Unfit(
                    f"Output `{name}` is {found}; output `{other}` is {one}. All sizes but that of dimension "
                    f"{self.axis} must be the same.",
                    "Choose another axis, or adapt one of the outputs in a step before.",
                )
            shape = self._joined(shape, one.shape)
        return found.with_shape(shape)

    def _beside(self, shape: Shape) -> Shape:
        """Return a shape with the size along the axis left open."""
        if shape is None:
            return None
        at = self.axis % len(shape)
        return (*shape[:at], None, *shape[at + 1 :])

    def _joined(self, one: Shape, other: Shape) -> Shape:
        """Return the shape of two tensors one after the other."""
        beside = shapes.both(self._beside(one), self._beside(other))
        if beside is None:
            return None
        at = self.axis % len(beside)
        sizes = [shape[at] if shape is not None else None for shape in (one, other)]
        total = None if None in sizes else sum(size for size in sizes if size is not None)
        return (*beside[:at], total, *beside[at + 1 :])

    def build(self, fragment: Fragment, given: Sequence[Tensor], result: TensorType) -> Tensor:
        """Make the nodes of the new output; see `Combining`."""
        axis = fragment.const(self.axis, "int32", name="axis")
        return fragment.op("ConcatV2", given, axis, name="concat")

    def reference(self, given: Sequence[Any]) -> Any:
        """Return the new output as an expression; see `Combining`."""
        return reference.call("concat", list(given), self.axis)
