"""From bytes to pixels: `decode-base64`, `decode-image`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.disk import dtypes
from workbench.surgery.adapters import reference as ref
from workbench.surgery.adapters.adapter import Adapter, register
from workbench.surgery.adapters.arguments import INDEX, Choice, Unreadable, option
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.language import Word
from workbench.surgery.adapters.reference import VALUE, Json, Tolerance
from workbench.surgery.adapters.steps.image_type import part, span
from workbench.surgery.adapters.tensor_type import Problem, TensorType

_TO_WEB_SAFE = (
    *(("data", r"^\s*data:[^,]*,", ""), ("plus", r"\+", "-"), ("slash", "/", "_"), ("space", r"\s", "")),
)
_GREY = (0.2989, 0.587, 0.114)
"""How much red, green and blue weigh in grey, as in `tf.image.rgb_to_grayscale`."""


@register
@dataclass(frozen=True, slots=True)
class DecodeBase64(Adapter):
    """Decode base64 text, by element: the standard and the web-safe alphabet, with padding and line breaks or not.

    What stands before the text in a `data:` URL is left out.
    """

    NAME: ClassVar[str] = "decode-base64"
    TAKES: ClassVar[str] = "strings"

    alphabet: str = option(
        Choice("any", "web-safe"),
        "any: standard, web-safe and data URLs; web-safe: what DecodeBase64 takes",
        "any",
    )

    def source(self, made: TensorType) -> TensorType | None:
        """Return the same type."""
        return made

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the same type: strings to strings."""
        return have if have.is_string else Problem(self.TAKES)

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add DecodeBase64, which takes the web-safe alphabet, behind what makes that of the standard one."""
        if self.alphabet == "any":
            for name, pattern, rewrite in _TO_WEB_SAFE:
                tensor = graph.op(
                    "StaticRegexReplace",
                    tensor,
                    name=name,
                    pattern=pattern,
                    rewrite=rewrite,
                    replace_global=True,
                )
        return graph.op("DecodeBase64", tensor)

    def reference(self, have: TensorType) -> Json:
        """Return `tf.io.decode_base64` of the text in the web-safe alphabet."""
        value = VALUE
        if self.alphabet == "any":
            for pattern, rewrite in ((r"[\r\n\t ]", ""), ("^data:.*,", ""), ("[+]", "-"), ("[/]", "_")):
                value = ref.call("strings.regex_replace", value, pattern, rewrite)
        return ref.call("io.decode_base64", value)


class _Channels(Choice):
    """The number of channels; 0 for those of the file."""

    def __init__(self) -> None:
        super().__init__("0", "1", "3", "4")

    def read(self, word: Word) -> int:  # type: ignore[override]
        return int(super().read(word))

    def from_json(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unreadable
        return self.read(Word(str(value)))


@register
@dataclass(frozen=True, slots=True)
class DecodeImage(Adapter):
    """Decode PNG, JPEG, BMP or the first frame of a GIF: `[height,width,channels]`.

    Channels are converted in nodes of ours, since DecodeImage refuses `channels=1` for BMP and 1 and 4 for GIF. A
    vector of strings is decoded one by one, with all that follows until the images have one size. TensorFlow takes the
    numbers of colours in a BMP with a palette for grey, and does not turn a JPEG by its EXIF orientation.
    """

    NAME: ClassVar[str] = "decode-image"
    TAKES: ClassVar[str] = "one string, or a vector of strings: the bytes of PNG, JPEG, GIF or BMP files"
    TOLERANCE: ClassVar[Tolerance] = Tolerance(jpeg=2)

    channels: int = option(_Channels(), "1 grey, 3 RGB, 4 RGBA, 0 as in the file", 3)
    alpha: str = option(
        Choice("drop", "composite"), "drop the alpha channel, or composite over the background", "drop"
    )
    background: int = option(INDEX, "grey that composite puts behind, from 0 to the largest value", 255)
    dtype: str = option(Choice("uint8", "uint16"), "uint16 keeps all bits of a 16-bit PNG: 0-65535", "uint8")

    def source(self, made: TensorType) -> TensorType | None:
        """Return one string for each image; a batch of one takes one string."""
        if made.shape is None or len(made.shape) not in (3, 4):
            return None
        return TensorType.of(
            dtypes.STRING, () if len(made.shape) == 3 or made.shape[0] == 1 else made.shape[:1]
        )

    def result(self, have: TensorType) -> TensorType | Problem:
        """Return an image; of a vector of strings the chain makes one a row."""
        if not have.is_string:
            return Problem(self.TAKES)
        if have.shape is None or len(have.shape) > 0:
            return Problem(
                self.TAKES,
                "Add `reshape ?` before it." if have.shape is None or len(have.shape) > 1 else None,
            )
        if self.background > self._most:
            return Problem(
                self.TAKES, f"Give a background of at most {self._most}.", f"background={self.background}"
            )
        return TensorType(dtypes.enum(self.dtype), (None, None, self.channels or None), rows=False)

    @property
    def loses(self) -> str | None:
        """Return that an alpha channel is dropped."""
        if self.channels not in (1, 3) or self.alpha != "drop":
            return None
        return "An alpha channel is dropped: a transparent pixel has the colour that the file gives it."

    @property
    def _most(self) -> int:
        return 255 if self.dtype == "uint8" else 65535

    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add DecodeImage with the channels of the file, then the conversion to those asked for."""
        image = graph.op(
            "DecodeImage", tensor, channels=0, dtype=dtypes.enum(self.dtype), expand_animations=False
        )
        if self.channels:
            image = self._converted(graph, image)
        return graph.op("EnsureShape", image, shape=(None, None, self.channels or None))

    def _converted(self, graph: Fragment, image: Tensor) -> Tensor:
        """Convert 1 to 4 channels to those asked for, without a branch: colour is what is left without alpha."""
        channels = part(graph, graph.op("Shape", image), 2, "channels")
        one = graph.const(1, "int32", "one")
        has_alpha = graph.op("Sub", one, graph.op("FloorMod", channels, graph.const(2, "int32", "two")))
        colours = graph.op("Sub", channels, has_alpha, name="colours")
        everything = [graph.const(-1, "int32", "all")] * 2
        zero = graph.const(0, "int32", "zero")

        def slice_(value: Tensor, start: Tensor, size: Tensor, name: str) -> Tensor:
            begin = graph.op("Pack", [zero, zero, start], name=f"{name}/begin")
            return graph.op("Slice", value, begin, graph.op("Pack", [*everything, size]), name=name)

        colour = slice_(image, zero, colours, "colour")
        alpha = image
        if self.alpha == "composite" or self.channels == 4:  # opaque where the file has no alpha
            first = graph.op("Shape", slice_(image, zero, one, "first"), name="first_shape")
            opaque = graph.op("Fill", first, graph.const(self._most, self.dtype, "most"), name="opaque")
            rest = slice_(image, colours, has_alpha, "rest")
            joined = graph.op("ConcatV2", [rest, opaque], graph.const(2, "int32", "axis"))
            alpha = slice_(joined, zero, one, "alpha")
        if self.alpha == "composite" and self.channels != 4:
            colour = self._composited(graph, colour, alpha)
        if self.channels == 1:
            return self._grey(graph, colour, colours)
        size = span(graph, graph.op("Shape", colour, name="colour_shape"), 0, 2, "size")
        size = graph.op("ConcatV2", [size, graph.const([3], "int32", "three")], zero, name="rgb_shape")
        colour = graph.op("BroadcastTo", colour, size)
        if self.channels == 4:
            colour = graph.op("ConcatV2", [colour, alpha], graph.const(2, "int32", "axis"), name="rgba")
        return colour

    def _composited(self, graph: Fragment, colour: Tensor, alpha: Tensor) -> Tensor:
        share = graph.op("Cast", alpha, DstT="float32", name="share")
        share = graph.op("RealDiv", share, graph.const(self._most, "float32", "most"))
        background = graph.const(self.background, "float32", "background")
        difference = graph.op("Sub", graph.op("Cast", colour, DstT="float32"), background)
        mixed = graph.op("AddV2", graph.op("Mul", difference, share), background)
        return graph.op("Cast", graph.op("Round", mixed), DstT=self.dtype, name="composite")

    def _grey(self, graph: Fragment, colour: Tensor, colours: Tensor) -> Tensor:
        """Weigh red, green and blue; grey weighs 1. Rounds as `tf.image.convert_image_dtype` does."""
        weights = graph.const([1.0, *_GREY], "float32", "weights")
        first = graph.op("FloorDiv", colours, graph.const(2, "int32", "two"))
        chosen = graph.op(
            "Slice", weights, graph.op("Pack", [first]), graph.op("Pack", [colours]), name="chosen"
        )
        share = graph.op(
            "Mul", graph.op("Cast", colour, DstT="float32"), graph.const(1 / self._most, "float32", "unit")
        )
        axis = graph.const([-1], "int32", "last")
        grey = graph.op("Sum", graph.op("Mul", share, chosen), axis, keep_dims=True, name="grey")
        scaled = graph.op("Mul", grey, graph.const(self._most + 0.5, "float32", "scale"))
        return graph.op("Cast", scaled, DstT=self.dtype)

    def reference(self, have: TensorType) -> Json:
        """Return `tf.io.decode_image`, then functions of `tf.image` by the channels that the file has."""
        image = ref.call(
            "io.decode_image", VALUE, channels=0, dtype=ref.dtype(self.dtype), expand_animations=False
        )
        if not self.channels:
            return image

        def channels(start: int, size: int) -> Json:
            return ref.call("slice", image, [0, 0, start], [-1, -1, size])

        grey, colour = channels(0, 1), channels(0, 3)
        grey_alpha, colour_alpha = channels(1, 1), channels(3, 1)
        if self.alpha == "composite" and self.channels != 4:
            mixed_grey, mixed = self._mixed(grey, grey_alpha), self._mixed(colour, colour_alpha)
        else:
            mixed_grey, mixed = grey, colour
        to_grey = "image.rgb_to_grayscale"

        def thrice(value: Json) -> Json:  # image.grayscale_to_rgb has no kernel for uint16
            return ref.call("concat", [value] * 3, 2)

        if self.channels == 1:
            return ref.by_channels(
                image, c1=image, c2=mixed_grey, c3=ref.call(to_grey, image), c4=ref.call(to_grey, mixed)
            )
        if self.channels == 3:
            return ref.by_channels(image, c1=thrice(image), c2=thrice(mixed_grey), c3=image, c4=mixed)
        opaque = ref.call("fill", ref.call("shape", grey), ref.constant(self._most, self.dtype))
        return ref.by_channels(
            image,
            c1=ref.call("concat", [thrice(image), opaque], 2),
            c2=ref.call("concat", [thrice(grey), grey_alpha], 2),
            c3=ref.call("concat", [image, opaque], 2),
            c4=image,
        )

    def _mixed(self, colour: Json, alpha: Json) -> Json:
        """Return what `composite` makes: colour and background by their shares."""
        most = ref.constant(self._most, "float32")
        share = ref.call("divide", ref.cast(alpha, "float32"), most)
        behind = ref.call(
            "multiply", ref.constant(self.background, "float32"), ref.call("subtract", 1.0, share)
        )
        mixed = ref.call("add", ref.call("multiply", ref.cast(colour, "float32"), share), behind)
        return ref.cast(ref.call("round", mixed), self.dtype)
