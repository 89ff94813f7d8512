"""Adapters to choose from: each that takes a tensor, with usual arguments, and what it makes."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.model import shapes
from workbench.surgery.adapters.adapter import Adapter
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.image_shapes import picture_sizes
from workbench.surgery.adapters.suggest import suggest
from workbench.surgery.adapters.tensor_type import TensorType

# What these change shows in the type: where it stays the same, they change nothing.
_OF_TYPES = frozenset({"resize", "letterbox", "crop", "pad", "cast", "reshape", "flatten", "squeeze"})
# What these change shows in the type: where it stays the same, they change nothing.
_OF_TYPES = frozenset({"resize", "letterbox", "crop", "pad", "cast", "reshape", "flatten", "squeeze"})
_SIDE = 224  # of an image where the input does not tell


@dataclass(frozen=True, slots=True)
class Offer:
    """An adapter that takes a tensor.

    Attributes:
        adapter: the adapter.
        makes: the type of its result.
        fits: whether that fits the input.
        suggested: whether the shortest chain to the input begins with it.
    """

    adapter: Adapter
    makes: TensorType
    fits: bool
    suggested: bool


def offers(have: TensorType, want: TensorType) -> list[Offer]:
    """Return adapters that take a tensor, those first that lead to an input.

    Args:
        have: the type of the tensor.
        want: the type of the input.
    """
    found: dict[str, Offer] = {}
    chain = suggest(have, want)
    first = chain.chain.adapters[0] if chain is not None and chain.chain.adapters else None
    for adapter in [*([first] if first is not None else []), *_usual(have, want)]:
        checked = Chain((adapter,)).check(have)
        if checked.problem is not None or checked.companions or str(adapter) in found:
            continue
        same = (checked.type.dtype, checked.type.shape) == (have.dtype, have.shape)
        if same and adapter.NAME in _OF_TYPES:
            continue
        fits = checked.type.dtype == want.dtype and shapes.fits(checked.type.shape, want.shape) != "refuted"
        found[str(adapter)] = Offer(adapter, checked.type, fits, adapter is first)
    return sorted(found.values(), key=lambda one: (not one.suggested, not one.fits))


def _usual(have: TensorType, want: TensorType) -> tuple[Adapter, ...]:
    """Return adapters with arguments that are usual, or that the input asks for."""
    height, width, _ = picture_sizes(want.shape)
    size = f"{height or _SIDE} {width or _SIDE}"
    texts = [
        *("decode-image", "decode-image channels=1", "decode-base64"),
        *(f"{name} {size}" for name in ("resize", "letterbox", "crop", "pad")),
        *("color RGB>GRAY", "color GRAY>RGB", "color RGBA>RGB", "color RGB>BGR"),
        *("layout NHWC>NCHW", "layout NCHW>NHWC"),
        *("scale 1/255", "scale 2/255 offset=-1", "mean 123.68 116.78 103.94", "std 58.4 57.12 57.38"),
        *("clamp 0 1", "cast float32"),
        *("flatten", "expand", "expand -1", "squeeze"),
        *("argmax", "softmax", "sigmoid", "threshold 0.5", "as-string"),
        *("lowercase", "split", "parse-number float32", "lookup @vocabulary.txt"),
    ]
    if want.is_number:
        texts.append(f"cast {want.name}")
    if (want.last or 0) > 1:
        texts.append(f"one-hot {want.last}")
    if want.shape and want.shape.count(None) <= 1:
        texts.append(f"reshape {' '.join('?' if one is None else str(one) for one in want.shape)}")
    return Chain.parse(" | ".join(texts)).adapters
