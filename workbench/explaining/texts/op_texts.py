"""What the commonest ops do: a text for each, a short phrase, and the noun to count it by.

They are in `op_texts.txt`: a line `OP | PHRASE | NOUN`, and below it the text, indented. Names in back quotes are
inputs, outputs or attributes of the op, as its definition has them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple


class OpText(NamedTuple):
    """The texts of an op.

    Attributes:
        text: one or two sentences.
        phrase: what it does, to follow "the model": `adds {}`, where `{}` is its other operand.
        noun: what one such op is, to be counted; empty for one that a path leaves out.
    """

    text: str
    phrase: str
    noun: str = ""


@cache
def op_texts() -> Mapping[str, OpText]:
    """Return the texts by op."""
    with open(os.path.join(os.path.dirname(__file__), "op_texts.txt"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    heads = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    found = {}
    for start, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        op, phrase, noun = (part.strip() for part in lines[start].split("|"))
        text = " ".join(line.strip() for line in lines[start + 1 : end])
        found[op] = OpText(text, phrase, noun)
    return found


def is_quiet(op: str) -> bool:
    """Return whether a path through a model leaves an op out: it passes a value on, or keeps the books."""
    found = op_texts().get(op)
    return found is not None and not found.noun


def sentence(text: str) -> str:
    """Return the text of an op as a sentence about a node or an op: `It adds …`."""
    return f"It {text[0].lower()}{text[1:]}"
