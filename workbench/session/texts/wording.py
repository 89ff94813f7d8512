"""Hints name the flags of the command line; here they name what does the same in a face with forms and keys."""

from __future__ import annotations

import re

_HERE = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"--input KEY=VALUE", "a value under “Verify with”"),
        (r"--allow-unsafe", "“Allow unsafe” in the commit form"),
        (r"--freeze", "“Freeze”"),
        (r"--signature-of (\S+?)=KEY\b", r"the key a on a signature of \1"),
        (r"--signature-of (\S+?)=(\S+?)(?=[.,;)]?(?:\s|$))", r"the key a on the signature \2 of \1"),
    )
)


def here(text: str) -> str:
    """A hint in the words of the form and the keys."""
    for pattern, words in _HERE:
        text = pattern.sub(words, text)
    return text
