"""Labels of boxes: op and short name, all different, long names elided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.names import elide, show

MAX_WIDTH = 28
_MOST_WORDS = 16  # of a path under a title: it is cut to MAX_WIDTH anyway
_NUMBER = re.compile(r"_\d+\Z")
_INFERENCE = re.compile(r"\A__(?:inference|forward|backward)_(?:signature_wrapper_)?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A box that needs a label.

    Attributes:
        id: of the box.
        title: what is always said: the op; empty for a scope, which has only its place.
        words: the parts of its place, outermost first; the last of them distinguish it from others of the same title.
    """

    id: str
    title: str
    words: tuple[str, ...]


def function_word(name: str) -> str:
    """Return what a programmer called a function: `third` of `__inference_third_385`."""
    bare = _INFERENCE.sub("", name)
    return _NUMBER.sub("", bare) or name


def make_labels(wanted: Sequence[Wanted]) -> dict[str, tuple[str, str]]:
    """Return (title, subtitle) of each box; the pair is unique.

    The subtitle is the shortest end of the place that no other box with the same title has, without a last
    part that only repeats the title (`MatMul`, `MatMul_1`, `add`) where that is not needed to tell boxes
    apart. Boxes of the very same place (a function that is called twice) are numbered.
    """
    titles = {one.id: elide(show(one.title), MAX_WIDTH, even=True) for one in wanted}
    numbers: Counter[tuple[str, tuple[str, ...]]] = Counter()
    choices: dict[str, list[str]] = {}
    for one in wanted:
        numbers[one.title, one.words] += 1
        number = numbers[one.title, one.words]
        ending = f" #{number}" if number > 1 else ""
        choices[one.id] = _choices(titles[one.id], one.words, ending)
    level = dict.fromkeys(choices, 0)
    while True:
        labels = {id: (titles[id], choices[id][level[id]]) for id in choices}
        counts = Counter(labels.values())
        again = [id for id in choices if counts[labels[id]] > 1 and level[id] + 1 < len(choices[id])]
        if not again:
            break
        for id in again:
            level[id] += 1
    return _number(labels)


def _choices(title: str, words: Sequence[str], ending: str) -> list[str]:
    """Return subtitles from short to long, each short enough to draw."""
    found: list[str] = []
    bare = list(words)
    while bare and _says_nothing(bare[-1], title):
        bare.pop()
    if len(bare) < len(words) and (bare or title):
        found.append(bare[-1] if bare else "")
    found += ["/".join(words[-count:]) for count in range(1, min(len(words), _MOST_WORDS) + 1)]
    found = ["" if title and text.lower() == title.lower() else text for text in found]
    short = [elide(show(text), MAX_WIDTH - len(ending), even=True) for text in found]
    return list(dict.fromkeys(f"{text}{ending}".strip() for text in short)) or [ending.strip()]


def _says_nothing(word: str, title: str) -> bool:
    bare = _NUMBER.sub("", word).lower()
    return bare in _GENERIC or bare == title.lower()


def _number(labels: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Number labels that are still equal because they were elided."""
    taken = set(labels.values())
    seen: set[tuple[str, str]] = set()
    found: dict[str, tuple[str, str]] = {}
    last: dict[tuple[str, str], int] = {}  # number given to a label: the next one is not sought from 1 again
    for id, label in labels.items():
        title, subtitle = made = label
        number = last.get(label, 1)
        while made in seen or (number > 1 and made in taken):
            number += 1
            ending = f" #{number}"
            made = title, f"{elide(subtitle, MAX_WIDTH - len(ending), even=True)}{ending}".strip()
        last[label] = number
        seen.add(made)
        found[id] = made
    return found


def summary(ops: Counter[str], width: int = MAX_WIDTH) -> str:
    """Return the ops of a scope, the most telling first: `Conv2D ×3, Relu6 ×2, …`."""
    ranked = sorted(ops.items(), key=lambda pair: (pair[0] in _PLUMBING, -pair[1], pair[0]))
    text = ""
    for op, count in ranked:
        word = show(op) if count == 1 else f"{show(op)} ×{count}"
        longer = f"{text}, {word}" if text else word
        if len(longer) > width - 3 and text:
            return f"{text}, …"
        text = longer
    return elide(text, width, even=True)


_GENERIC = frozenset(
    {"convolution", "depthwise", "batchnorm", "add", "mul", "sub", "truediv", "matmul", "transpose"}
)
_PLUMBING = frozenset(
    {"Add", "AddV2", "Sub", "Mul", "RealDiv", "Reshape", "Cast", "Pack", "StridedSlice", "Shape", "Squeeze"}
    | {"ExpandDims", "Transpose", "ConcatV2", "Identity", "GatherV2", "Fill", "Range"}
)
