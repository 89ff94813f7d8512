"""A front for images, derived from a model's input and from what its graph does first: `--before image auto`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from workbench.disk import dtypes
from workbench.model.shapes import Shape
from workbench.surgery.adapters.adapter import Adapter
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.image_shapes import CHANNELS, is_first, is_last
from workbench.surgery.adapters.language import parse_calls
from workbench.surgery.adapters.registry import make
from workbench.surgery.adapters.steps.channels import Color, Layout
from workbench.surgery.adapters.steps.decoding import DecodeImage
from workbench.surgery.adapters.steps.geometry import Resize
from workbench.surgery.adapters.steps.numeric import Cast, Scale
from workbench.surgery.adapters.steps.reshaping import Expand, Flatten, Squeeze
from workbench.surgery.adapters.tensor_type import TensorType
from workbench.surgery.resolve.first_ops import FirstOps, Order

_KINDS = {1: "grey", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True, slots=True)
class Normal:
    """Numbers that a network can take.

    Attributes:
        chain: the adapters that make them of 0-255; empty for none.
        means: what they are, in a few words.
        channels: the number of channels that it is for; 0 for any.
        order: the order of colours it expects; None for any.
    """

    chain: str
    means: str
    channels: int = 0
    order: Order | None = None


NORMALS: Mapping[str, Normal] = {
    "0-1": Normal("scale 1/255", "0 to 1"),
    "-1-1": Normal("scale 1/127.5 offset=-1", "-1 to 1: MobileNet, Inception, Xception, NASNet"),
    "0-255": Normal("", "0 to 255"),
    "torch": Normal(
        "scale 1/255 | mean 0.485 0.456 0.406 | std 0.229 0.224 0.225",
        "by mean and deviation of ImageNet: DenseNet, models of PyTorch",
        3,
        "RGB",
    ),
    "caffe": Normal("mean 103.939 116.779 123.68", "less the mean of ImageNet: ResNet, VGG", 3, "BGR"),
}
"""Ways to make numbers for a network of pixels, by name; those with a channel each as in `keras.applications`."""


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
        about: `size`, `range`, `order`, `alpha` or `method`.
        text: what to find out, and what is assumed, as sentences.
        choices: other adapters for it, to be pasted in its place; an empty text for none.
    """

    about: str
    text: str
    choices: tuple[str, ...] = ()

    @property
    def must_be_asked(self) -> bool:
        """Whether a wrong assumption gives wrong results that look right."""
        return self.about in ("range", "order")


@dataclass(frozen=True, slots=True)
class Front:
    """A chain from image files to an input.

    Attributes:
        chain: the chain; empty where there is a problem.
        takes: the type of the new input.
        reasons: why each adapter is there, in order.
        questions: what is unknown, with the assumption made.
        problem: why there is no front, as a sentence; None where there is one.
    """

    chain: Chain
    takes: TensorType
    reasons: tuple[Reason, ...] = ()
    questions: tuple[Question, ...] = ()
    problem: str | None = None

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions that the user must answer."""
        return tuple(question for question in self.questions if question.must_be_asked)


@dataclass(frozen=True, slots=True)
class Choice:
    """A chain to choose.

    Attributes:
        chain: the chain as written.
        means: what it assumes, in a few words.
    """

    chain: str
    means: str


@dataclass(frozen=True, slots=True)
class _Picture:
    """How an input holds images."""

    batch: bool
    height: int | None
    width: int | None
    channels: int
    layout: str
    why: str


def front_for(
    want: TensorType,
    facts: FirstOps,
    *,
    size: tuple[int, int] | None = None,
    values: str | None = None,
    order: Order | None = None,
) -> Front:
    """Derive a chain from image files to an input.

    Args:
        want: the type of the input.
        facts: what the graph does with the input first.
        size: height and width, where the input leaves them open.
        values: the numbers that it takes, one of `NORMALS`, where the graph does not tell.
        order: the order of colours that it takes, where the graph does not tell.
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
    work.order(picture, facts, order or (NORMALS[values].order if values else None))
    work.scale(facts, values)
    work.arrange(picture, takes)
    work.cast()
    checked = Chain(tuple(work.adapters)).check(takes, want)
    work.reasons += (Reason(str(step), "it follows by necessity.") for step in checked.implied)
    chain = Chain(tuple(step.adapter for step in checked.steps))
    return Front(chain, takes, tuple(work.reasons), tuple(work.questions), checked.problem)


def choices_for(want: TensorType, facts: FirstOps, front: Front) -> tuple[Choice, ...]:
    """Return the chains among which the answers to the questions of a front choose.

    Args:
        want: the type of the input.
        facts: as the front was derived from.
        front: the front.
    """
    picture = _picture(want)
    asked = {question.about for question in front.asked}
    if isinstance(picture, str) or not asked:
        return ()
    colours: tuple[Order | None, ...] = ("RGB", "BGR") if "order" in asked else (facts.order,)
    found: dict[str, Choice] = {}
    for name, normal in NORMALS.items() if "range" in asked else [("", None)]:
        if normal is not None and normal.channels not in (0, picture.channels):
            continue
        for order in colours:
            if normal is not None and normal.order is not None and order not in (None, normal.order):
                continue
            chain = front_for(want, facts, values=name or None, order=order).chain.print()
            words = [normal.means] if normal is not None else []
            if picture.channels != 3:  # the networks that are named take colours
                words = [text.partition(":")[0] for text in words]
            if "order" in asked:
                words.append("red first" if order == "RGB" else "blue first")
            found.setdefault(chain, Choice(chain, ", ".join(words)))
    return tuple(found.values())


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


def _reversal(picture: _Picture) -> str:
    return "color RGBA>BGRA" if picture.channels == 4 else "color RGB>BGR"


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

    def order(self, picture: _Picture, facts: FirstOps, given: Order | None) -> None:
        if picture.channels == 1:
            return
        order = facts.order or given
        if order is None:
            text = "Whether red or blue comes first: nothing in the graph shows it. Red is assumed."
            self.questions.append(Question("order", text, (_reversal(picture),)))
            return
        why = f"the graph begins with {facts.order_by}" if facts.order else "as is given"
        if order == "BGR":
            self.add(Color(_reversal(picture).partition(" ")[2]), f"blue comes first: {why}.")
        elif facts.order:
            self.reasons.append(Reason("", f"Red comes first: {why}."))

    def scale(self, facts: FirstOps, given: str | None) -> None:
        if not self.want.is_float:
            self.reasons.append(Reason("", f"No scale: the input takes {self.want.name}, as pixels are."))
            return
        values = facts.range or given
        if values is None:
            text = "The range of the numbers: nothing in the graph shows it. 0-1 is assumed."
            others = tuple(normal.chain for name, normal in NORMALS.items() if name in ("-1-1", "0-255"))
            self.questions.append(Question("range", text, others))
            values, why = "0-1", "assumed: nothing in the graph shows the range."
        elif facts.range:
            why = f"the graph begins with {facts.range_by}, which takes {NORMALS[values].means.partition(':')[0]}."
        else:
            why = f"the numbers given: {NORMALS[values].means}."
        calls = parse_calls(NORMALS[values].chain)
        for call in calls:
            self.add(make(call), why)
        if not calls:
            self.reasons.append(Reason("", f"No scale: {why}"))

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
