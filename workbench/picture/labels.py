"""What stands in a box: op and short name, no two boxes alike, long names elided in the middle."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.names import show

MAX_WIDTH = 28
_NUMBER = re.compile(r"_\d+\Z")
_INFERENCE = re.compile(r"\A__(?:inference|forward|backward)_(?:signature_wrapper_)?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A box that needs a label.

    Attributes:
        id: of the box.
        title: what is always said: the op, the scope's name.
        words: the parts of its place, outermost first; the last of them tell it from others of the same title.
    """

    id: str
    title: str
    words: tuple[str, ...]


def elide(text: str, width: int) -> str:
    """`text` in at most `width` characters, cut in the middle."""
    if len(text) <= width:
        return text
    if width < 3:
        return text[:width]
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"


def function_word(name: str) -> str:
    """What a programmer called a function: `third` of `__inference_third_385`."""
    bare = _INFERENCE.sub("", name)
    return _NUMBER.sub("", bare) or name


def make_labels(wanted: Sequence[Wanted]) -> dict[str, tuple[str, str]]:
    """(title, subtitle) of each box; the pair is unique.

    The subtitle is the shortest end of the place that no other box with the same title has, without a last
    part that only repeats the title (`MatMul`, `MatMul_1`) where that is not needed to tell boxes apart.
    """
    titles = {one.id: elide(show(one.title), MAX_WIDTH) for one in wanted}
    choices = {one.id: _choices(titles[one.id], one.words) for one in wanted}
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


def _choices(title: str, words: Sequence[str]) -> list[str]:
    """Subtitles from short to long, each short enough to draw."""
    found: list[str] = []
    bare = list(words)
    if bare and _NUMBER.sub("", bare[-1]).lower() == title.lower():
        bare = bare[:-1]
        found.append(bare[-1] if bare else "")
    found += ["/".join(words[-count:]) for count in range(1, len(words) + 1)]
    return list(dict.fromkeys(elide(show(text), MAX_WIDTH) for text in found)) or [""]


def _number(labels: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Numbers what is still alike."""
    taken = set(labels.values())
    seen: set[tuple[str, str]] = set()
    found: dict[str, tuple[str, str]] = {}
    numbers: Counter[tuple[str, str]] = Counter()
    for id, label in labels.items():
        made = label
        while made in seen:
            numbers[label] += 1
            ending = f" #{numbers[label] + 1}"
            made = label[0], f"{elide(label[1], MAX_WIDTH - len(ending))}{ending}".strip()
            if made in taken:
                made = label
        seen.add(made)
        found[id] = made
    return found


def summary(ops: Counter[str], width: int = MAX_WIDTH) -> str:
    """`Conv2D ×3, Relu6 ×2, …`: the ops of a scope, the most telling first, as many as fit."""
    ranked = sorted(ops.items(), key=lambda pair: (pair[0] in _PLUMBING, -pair[1], pair[0]))
    text = ""
    for op, count in ranked:
        word = show(op) if count == 1 else f"{show(op)} ×{count}"
        longer = f"{text}, {word}" if text else word
        if len(longer) > width - 3 and text:
            return f"{text}, …"
        text = longer
    return elide(text, width)


_PLUMBING = frozenset(
    {"Add", "AddV2", "Sub", "Mul", "RealDiv", "Reshape", "Cast", "Pack", "StridedSlice", "Shape", "Squeeze"}
    | {"ExpandDims", "Transpose", "ConcatV2", "Identity", "GatherV2", "Fill", "Range"}
)
