"""A front for images, derived from a model's input and from what its graph does first: `--before image auto`."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from workbench.disk import dtypes
from workbench.model import MetaGraph
from workbench.model.shapes import Shape
from workbench.surgery.adapters.adapter import Adapter
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.language import parse_calls
from workbench.surgery.adapters.registry import make
from workbench.surgery.adapters.steps.channels import Layout
from workbench.surgery.adapters.steps.decoding import DecodeImage
from workbench.surgery.adapters.steps.geometry import Resize
from workbench.surgery.adapters.steps.numeric import Cast, Scale
from workbench.surgery.adapters.steps.reshaping import Expand, Flatten, Squeeze
from workbench.surgery.adapters.suggest import CHANNELS, is_first, is_last
from workbench.surgery.adapters.tensor_type import TensorType
from workbench.surgery.resolve.value_ranges import Range, wanted_range

_KINDS = {1: "grey", 3: "RGB", 4: "RGBA"}
_SCALES: dict[Range, str] = {"0-1": "scale 1/255", "-1-1": "scale 1/127.5 offset=-1"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a graph tells about the images that it takes.

    Attributes:
        range: the range of the numbers, by what is done with them first; None where nothing tells.
    """

    range: Range | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an adapter is in the chain, or why none is.

    Attributes:
        adapter: the adapter as written; empty where there is none.
        why: as a sentence.
    """

    adapter: str
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """What neither types nor graph tell.

    Attributes:
        about: `size`, `range`, `order` or `method`.
        text: what to find out, and what is assumed, as sentences.
        choices: other adapters for it, to be pasted in its place; an empty text for none.
    """

    about: str
    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Front:
    """A chain from image files to an input.

    Attributes:
        chain: the chain; empty where there is a problem.
        takes: the type of the new input.
        reasons: why each adapter is there, in order.
        questions: what can't be known, with what is assumed meanwhile.
        problem: why there is no front, as a sentence; None where there is one.
    """

    chain: Chain
    takes: TensorType
    reasons: tuple[Reason, ...] = ()
    questions: tuple[Question, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Picture:
    """How an input holds images."""

    batch: bool
    height: int | None
    width: int | None
    channels: int
    layout: str
    why: str


def facts_of(meta: MetaGraph, tensor: str) -> Facts:
    """Return what a graph tells about an input.

    Args:
        meta: the MetaGraph.
        tensor: the input's tensor in its main graph.
    """
    return Facts(wanted_range(meta, tensor))


def front_for(
    want: TensorType, facts: Facts, *, size: tuple[int, int] | None = None, values: Range | None = None
) -> Front:
    """Derive a chain from image files to an input.

    Args:
        want: the type of the input.
        facts: what the graph tells.
        size: height and width, where the input leaves them open.
        values: the range of the numbers, where the graph does not tell.
    """
    picture = _picture(want)
    takes = TensorType(dtypes.STRING, (), rows=False)
    if isinstance(picture, str):
        return Front(Chain(), takes, problem=picture)
    work = _Front(want)
    if picture.batch:
        takes = TensorType(dtypes.STRING, (want.shape[0] if want.shape else None,))
        if takes.shape == (1,):
            takes = TensorType(dtypes.STRING, (), rows=False)
    work.decode(picture)
    work.resize(picture, size)
    work.scale(facts.range, values)
    work.arrange(picture, takes)
    work.cast()
    checked = Chain(tuple(work.adapters)).check(takes, want)
    work.reasons += (Reason(str(step), "it follows by necessity.") for step in checked.implied)
    chain = Chain(tuple(step.adapter for step in checked.steps))
    return Front(chain, takes, tuple(work.reasons), tuple(work.questions), checked.problem)


def _picture(want: TensorType) -> _Picture | str:
    """Return how an input holds images, or why that can't be told."""
    if want.is_string:
        return (
            f"The input takes {want}: image files may be what it takes as they are. Write the chain if not."
        )
    if not want.is_number:
        return f"The input takes {want}, which is no image."
    shape = want.shape
    if shape is None:
        return f"The input takes {want}: its rank is not known. Write the chain: decode-image | resize …"
    if is_last(shape):
        height, width, channels = shape[-3:]
        return _Picture(len(shape) == 4, height, width, channels or 3, "NHWC", f"the input is {want}")
    if is_first(shape):
        channels, height, width = shape[-3:]
        return _Picture(len(shape) == 4, height, width, channels or 3, "NCHW", f"the input is {want}")
    if len(shape) == 3 and shape[1] and shape[2]:
        return _Picture(True, shape[1], shape[2], 1, "NHW", f"the input is {want}, without channels")
    if len(shape) == 4 and shape[-1] is None:
        return _Picture(True, shape[1], shape[2], 3, "NHWC", f"the channels of {want} are not known")
    if len(shape) in (1, 2) and shape[-1]:
        return _flat(want, shape)
    return f"The input takes {want}, which is no image by its shape. Write the chain: decode-image | resize …"


def _flat(want: TensorType, shape: Shape) -> _Picture | str:
    """Return the square image that a vector can be."""
    assert shape is not None and shape[-1] is not None
    for channels in CHANNELS:
        side = isqrt(shape[-1] // channels)
        if side > 1 and side * side * channels == shape[-1]:
            why = f"{shape[-1]:,} values can be {side}×{side} pixels, {_KINDS[channels]}"
            return _Picture(len(shape) == 2, side, side, channels, "flat", why)
    return f"The input takes {want}: {shape[-1]:,} values are no square image. Write the chain."


class _Front:
    """A front on its way."""

    def __init__(self, want: TensorType) -> None:
        self.want = want
        self.adapters: list[Adapter] = []
        self.reasons: list[Reason] = []
        self.questions: list[Question] = []

    def add(self, adapter: Adapter, why: str) -> None:
        self.adapters.append(adapter)
        self.reasons.append(Reason(str(adapter), why))

    def decode(self, picture: _Picture) -> None:
        adapter = DecodeImage(picture.channels)
        self.add(
            adapter,
            f"{_KINDS[picture.channels]}: {picture.why}. A request's b64 arrives decoded in TensorFlow Serving.",
        )
        if picture.channels > 1:
            text = "Whether red or blue comes first. Red is assumed."
            self.questions.append(Question("order", text, ("color RGB>BGR",)))
        if picture.channels != 4:
            text = "What is done with an alpha channel. It is dropped."
            self.questions.append(Question("alpha", text, (f"{adapter} alpha=composite",)))

    def resize(self, picture: _Picture, size: tuple[int, int] | None) -> None:
        height = picture.height or (size[0] if size else None)
        width = picture.width or (size[1] if size else None)
        if height is None or width is None:
            text = "The size of the images: the input takes any. Without it, those of a batch must have one size."
            self.questions.append(Question("size", text, ("resize HEIGHT WIDTH",)))
            return
        resize = Resize(height, width)
        given = picture.height and picture.width
        self.add(resize, f"{picture.why}." if given else "the size given.")
        if picture.layout == "flat":
            text = f"Whether the vector is an image: {picture.why}."
            self.questions.append(Question("size", text))
        text = "How images were resized for training. Bilinear is assumed."
        choices = (f"{resize} antialias=true", f"letterbox {height} {width}", f"{resize} method=nearest")
        self.questions.append(Question("method", text, choices))

    def scale(self, found: Range | None, given: Range | None) -> None:
        if not self.want.is_float:
            self.reasons.append(Reason("", f"No scale: the input takes {self.want.name}, as pixels are."))
            return
        if found == "0-255":
            self.reasons.append(Reason("", "No scale: the graph begins with a scaling of its own, of 0-255."))
            return
        values = found or given
        if values is None:
            text = "The range of the numbers: nothing in the graph tells. 0-1 is assumed."
            self.questions.append(Question("range", text, (_SCALES["-1-1"], "")))
            values, why = "0-1", "assumed: nothing in the graph tells the range."
        elif found:
            why = "the graph begins as if its input was 0-1."
        else:
            why = f"the range given, {given}."
        if values in _SCALES:
            for call in parse_calls(_SCALES[values]):
                self.add(make(call), why)

    def arrange(self, picture: _Picture, takes: TensorType) -> None:
        if picture.layout == "NCHW":
            self.add(Layout("NHWC>NCHW"), f"channels come first: {picture.why}.")
        elif picture.layout == "NHW":
            self.add(Squeeze((-1,)), f"{picture.why}.")
        elif picture.layout == "flat":
            self.add(Flatten(), f"{picture.why}.")
        if picture.batch and takes.shape == ():
            self.add(Expand(), "the input takes a batch of one.")

    def cast(self) -> None:
        if self.want.name == "float32":
            return
        if self.want.is_float:
            self.add(Cast(self.want.name), f"the input takes {self.want.name}.")
            return
        if any(isinstance(adapter, (Resize, Scale)) for adapter in self.adapters):
            cast = Cast(self.want.name, round=True, saturate=True)
            self.add(cast, f"the input takes {self.want.name}, and resizing gives float32.")
        elif self.want.name != "uint8":
            self.add(Cast(self.want.name), f"the input takes {self.want.name}.")
