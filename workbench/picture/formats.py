"""The formats that a picture is written in, and the suffixes of their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Format = Literal["text", "svg", "dot", "mermaid", "html", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: Mapping[str, Format] = {
    ".txt": "text",
    ".svg": "svg",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
}
"""The format that the suffix of a file means."""
