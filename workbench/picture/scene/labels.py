"""Labels of boxes: op and short name, all different, long names elided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.names import elide, show

MAX_WIDTH = 28
_MOST_WORDS = 16  # of a path under a title: it is cut to MAX_WIDTH anyway
_NUMBER = re.compile(r"_\d+\Z")
_INFERENCE = re.compile(r"\A__(?:inference|forward|backward)_+(?:signature_wrapper(?=_))?_*")
_OF_KERAS = re.compile(r"_+(?:layer_call(?:_and_return_conditional_losses|_fn)?|internal_grad_fn)\Z")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A box that needs a label.

    Attributes:
        id: of the box.
        title: what is always said: the op; empty for a scope, which has only its place.
        words: the parts of its place, outermost first; the last of them distinguish it from others of the same title.
        frame: id of the frame it is drawn in, or None.
    """

    id: str
    title: str
    words: tuple[str, ...]
    frame: str | None = None


def function_word(name: str) -> str:
    """Return what a programmer called a function: `third` of `__inference_third_385`."""
    bare = _NUMBER.sub("", _INFERENCE.sub("", name))
    if not bare or bare.isdigit():
        return "signature" if "signature_wrapper" in name else "function"
    if bare.endswith("__") and bare.strip("_"):  # `__call__`
        return f"__{bare.strip('_')}__"
    return _OF_KERAS.sub("", bare) or bare


def make_labels(wanted: Iterable[Wanted]) -> dict[str, tuple[str, str]]:
    """Return (title, subtitle) of each box; the pair is unique among those of a frame.

    The subtitle is the shortest end of the place that no other box with the same title has, without a last
    part that only repeats the title (`MatMul`, `MatMul_1`, `add`) where that is not needed to tell boxes
    apart. Boxes of the very same place (a function that is called twice) are numbered.
    """
    frames: dict[str | None, list[Wanted]] = {}
    for one in wanted:
        frames.setdefault(one.frame, []).append(one)
    found: dict[str, tuple[str, str]] = {}
    for members in frames.values():
        found |= _told_apart(_without_common(members))
    return found


def _without_common(members: Sequence[Wanted]) -> list[Wanted]:
    """Return the boxes of a frame without the functions and scopes that all their places begin with."""
    places = [one.words for one in members]
    common = 0
    while all(len(words) > common + 1 for words in places) and len({words[common] for words in places}) == 1:
        common += 1
    return [replace(one, words=one.words[common:]) for one in members] if common else list(members)


def _told_apart(wanted: Sequence[Wanted]) -> dict[str, tuple[str, str]]:
    titles = {one.id: elide(show(one.title), MAX_WIDTH, even=True) for one in wanted}
    numbers: Counter[tuple[str, tuple[str, ...]]] = Counter()
    choices: dict[str, list[str]] = {}
    titled = Counter(titles.values())
    for one in wanted:
        numbers[one.title, one.words] += 1
        number = numbers[one.title, one.words]
        ending = f" #{number}" if number > 1 else ""
        made = _choices(titles[one.id], one.words, ending)
        choices[one.id] = list(made) if titled[titles[one.id]] > 1 else [next(made)]
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


def _choices(title: str, words: Sequence[str], ending: str) -> Iterator[str]:
    """Yield subtitles from short to long, each short enough to draw and different; at least one."""
    seen: set[str] = set()
    for text in _endings(title, words):
        said = "" if title and text.lower() == title.lower() else text
        short = f"{elide(show(said), MAX_WIDTH - len(ending), even=True)}{ending}".strip()
        if short not in seen:
            seen.add(short)
            yield short
    if not seen:
        yield ending.strip()


def _endings(title: str, words: Sequence[str]) -> Iterator[str]:
    """Yield the ends of a place from short to long; first the last word that says something."""
    bare = list(words)
    while bare and _says_nothing(bare[-1], title):
        bare.pop()
    if len(bare) < len(words) and (bare or title):
        yield bare[-1] if bare else ""
    for count in range(1, min(len(words), _MOST_WORDS) + 1):
        yield "/".join(words[-count:])


def telling(op: str, name: str) -> str:
    """Return the part of a node's name that tells most: the last that is more than the op in other words."""
    words = [word for word in name.split("/") if word]
    return next((word for word in reversed(words) if not _says_nothing(word, op)), words[-1] if words else op)


def _says_nothing(word: str, title: str) -> bool:
    bare = _NUMBER.sub("", word).lower().replace("_", "")
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


_GENERIC = frozenset(
    {"convolution", "depthwise", "batchnorm", "add", "mul", "sub", "truediv", "matmul", "transpose"}
)
