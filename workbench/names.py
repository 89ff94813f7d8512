"""The grammar of names: nodes, tensors, control inputs, ends of wires. Parse, format, prefix, show.

Sources of the grammar: TensorFlow's `graph.proto` (NodeDef.name and NodeDef.input), `function.proto`
(inputs inside a FunctionDef body) and `Graph._as_graph_def`.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest

_NODE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*\Z")
_SCOPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*\Z")
_TENSOR = re.compile(r"(?P<node>[^:^]+?)(?::(?P<index>[0-9]{1,9}))?\Z")

CALL_SEPARATOR = "::"


def is_node_name(text: str) -> bool:
    """Whether TensorFlow accepts `text` as the name of a node (`ops.py`, `_VALID_OP_NAME_REGEX`)."""
    return _NODE.match(text) is not None


def are_node_names(texts: Iterable[str]) -> bool:
    """Whether `is_node_name` is true of all of them."""
    return all(map(_NODE.match, texts))


def is_handle(text: str) -> bool:
    """Whether `text` can be a handle: a name scope without a slash that starts with a letter."""
    return _SCOPE.match(text) is not None


def make_handle(text: str, taken: Collection[str] = ()) -> str:
    """A valid handle near `text` that is not in `taken` (compared without case: it becomes a folder).

    Args:
        text: any text, usually the name of a model's folder.
        taken: handles that are in use.
    """
    base = re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.-") or "model"
    if not base[0].isalpha():
        base = f"m{base}"
    lowered = {handle.lower() for handle in taken}
    handle, number = base, 2
    while handle.lower() in lowered:
        handle, number = f"{base}_{number}", number + 1
    return handle


@dataclass(frozen=True, slots=True)
class TensorName:
    """`node:index` in the main graph."""

    node: str
    index: int = 0

    def __str__(self) -> str:
        return f"{self.node}:{self.index}"


def parse_tensor(text: str) -> TensorName | None:
    """`n:k` or bare `n` (meaning `n:0`) as a `TensorName`; None if `text` has neither form."""
    match = _TENSOR.match(text)
    if match is None:
        return None
    return TensorName(match["node"], int(match["index"] or 0))


def split_input(text: str) -> tuple[str, str]:
    """An entry of `NodeDef.input` as (node, rest), so that `rest` can be put back after a rename.

    `^n` gives `("n", "^")`; `n`, `n:1`, and `n:out:0` (function bodies) give the node and what follows it.
    """
    if text.startswith("^"):
        return text[1:], "^"
    node, colon, rest = text.partition(":")
    return node, colon + rest


def input_node(text: str) -> str:
    """The node that an entry of `NodeDef.input` names."""
    if text.startswith("^"):
        return text[1:]
    return text.partition(":")[0]


def is_control(text: str) -> bool:
    """Whether an entry of `NodeDef.input` is a control input."""
    return text.startswith("^")


def input_tensor(text: str) -> TensorName:
    """A data input of a main-graph node as a tensor name (`n` means `n:0`)."""
    node, _, index = text.partition(":")
    if not index:
        return TensorName(node)
    parsed = parse_number(index)
    # what is not of the grammar: no node has such a name
    return TensorName(text) if parsed is None else TensorName(node, parsed)


UNUSABLE_ARGUMENT = (
    "tf.saved_model.load makes keyword arguments of the keys, and Python takes no such keyword"
)


def is_unusable_argument(key: str) -> bool:
    """Return whether no signature that `tf.saved_model.load` makes can have an input of this key.

    Loading refuses Python's keywords (function_type.py: `is not a valid parameter name`); `self` is refused by the
    call. Any other text is taken, as `function(**{key: value})`.
    """
    return key == "self" or keyword.iskeyword(key)


def parse_number(text: str) -> int | None:
    """A number of up to nine digits, as an output's in an input's name; None for anything else.

    `int` alone will not do for names out of a file: it raises for letters, and for thousands of digits.
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


NO_OUTPUT = 1 << 30
"""The index to use for an output that no node has: what should be a number is none."""


def output_number(text: str) -> int:
    """The index in an input's name, 0 for an empty text, `NO_OUTPUT` for what is no index."""
    if not text:
        return 0
    found = parse_number(text)
    return NO_OUTPUT if found is None else found


def format_input(tensor: TensorName) -> str:
    """A tensor as TensorFlow writes it in `NodeDef.input`: `n` for output 0, else `n:k`."""
    return tensor.node if tensor.index == 0 else f"{tensor.node}:{tensor.index}"


def prefix_input(text: str, prefix: str) -> str:
    """An entry of `NodeDef.input` with `prefix/` before its node."""
    if text.startswith("^"):
        return f"^{prefix}/{text[1:]}"
    return f"{prefix}/{text}"


def nearest(text: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Up to `count` of `known` that look most like `text`, best first.

    A last part after `/` or a different case counts as near: people write the short name.
    """
    names = list(dict.fromkeys(known))
    lowered = text.lower()
    last = "/" + lowered
    parts = [name for name in names if lowered in name.lower()] if lowered else []
    ends = [name for name in parts if name.lower() == lowered or name.lower().endswith(last)]
    # a huge model gets the cheap answer
    close = _close(text, names if len(names) <= _POOL else parts[:_POOL], count)
    return list(dict.fromkeys([*ends, *close, *(parts if len(lowered) > 2 else [])]))[:count]


def _close(text: str, pool: Iterable[str], count: int) -> list[str]:
    """As `difflib.get_close_matches`, which is quadratic in the length of names: both are bounded here."""
    from difflib import SequenceMatcher  # which only a wrong name needs

    matcher = SequenceMatcher()
    matcher.set_seq2(_shortened(text))
    rough = []
    for name in pool:
        matcher.set_seq1(_shortened(name))
        if matcher.real_quick_ratio() >= _ALIKE:
            score = matcher.quick_ratio()
            if score >= _ALIKE:
                rough.append((score, name))
    close = []
    for _, name in nlargest(_RATED, rough):
        matcher.set_seq1(_shortened(name))
        score = matcher.ratio()
        if score >= _ALIKE:
            close.append((score, name))
    return [name for _, name in nlargest(count, close)]


_POOL = 5000
_RATED = 30
_ALIKE = 0.6
"""From here on two names look alike: `env.sh` for `nosuch` has 0.5, `pixles` for `pixels` 0.83."""
_COMPARED = 100


def _shortened(name: str) -> str:
    return name if len(name) <= _COMPARED else name[: _COMPARED // 2] + name[-_COMPARED // 2 :]


def did_you_mean(text: str, known: Iterable[str], *, noun: str = "names", limit: int = 8) -> str:
    """A hint that offers the nearest of `known`, or lists them if they are few, or says there are none."""
    names = list(dict.fromkeys(known))
    close = nearest(text, names)
    if close:
        return f"Did you mean {_or(close)}?"
    if not names:
        return f"There are no {noun}."
    if len(names) <= limit:
        return f"The {noun} are {', '.join(map(show, names))}."
    return f"There are {len(names)} {noun}, among them {', '.join(map(show, names[:limit]))}."


def _or(words: list[str]) -> str:
    shown = [show(word) for word in words]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")


def count(number: int, noun: str, plural: str = "") -> str:
    """Return `1 node`, `2,000 nodes`; `plural` where that is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def brief(texts: Sequence[str], limit: int = 4, width: int = 60) -> str:
    """Return a line that lists the first few texts, safe to print: `a, b, c, d and 5 more`.

    Args:
        texts: names from a model, or what is made of them.
        limit: how many are listed.
        width: characters of each.
    """
    more = f" and {len(texts) - limit:,} more" if len(texts) > limit else ""
    return ", ".join(show(text, width) for text in texts[:limit]) + more


def elide(text: str, width: int, mark: str = "…", *, even: bool = False) -> str:
    """Return a text in at most `width` characters, cut in the middle where it is longer.

    Args:
        text: safe to print.
        width: how many characters there may be.
        mark: represents what is left out.
        even: keep as much of the beginning as of the end; the end of a name tells more, so it usually gets two thirds.
    """
    if len(text) <= width:
        return text
    if width <= len(mark):
        return mark[:width]
    room = width - len(mark)
    head = room - room // 2 if even else room // 3
    return text[:head] + mark + text[len(text) - (room - head) :]


def show(text: str, limit: int = 200) -> str:
    """`text` from a model, safe to print: no control characters, no escapes, no direction marks.

    What can't be shown is written as a Python escape; text of more than `limit` characters loses its middle.
    """
    if len(text) > limit:
        keep = (limit - 1) // 2
        text = f"{text[:keep]}…{text[-keep:]}"
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _printable(char) else _escape(char) for char in text)


def _printable(char: str) -> bool:
    return char.isprintable() and char not in _BIDI and unicodedata.category(char) != "Cf"


def _escape(char: str) -> str:
    return (
        char.encode("unicode_escape").decode("ascii")
        if ord(char) < 0xD800 or ord(char) > 0xDFFF
        else "\\ufffd"
    )
