"""Comparing a JSON document with the keys that the help of its command lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workbench.cli.json_keys import shapes_of


def check_keys(command: str, form: int, found: Any) -> None:
    """A document has the keys of a form of a command's JSON."""
    check(found, shapes_of(command)[form].keys)


def check(found: Any, keys: dict[str, str]) -> None:
    """Every object of which a key is listed has just the keys that are listed for it."""
    prefixes = {key.rpartition(".")[0] for key in keys}
    for prefix in prefixes:
        listed = {key[len(prefix) :].lstrip(".") for key in keys if key.rpartition(".")[0] == prefix}
        needed = {key for key in listed if not key.endswith("?")}
        for one in objects(found, prefix):
            assert needed <= set(one) <= {key.rstrip("?") for key in listed}, prefix


def objects(found: Any, path: str) -> Iterator[dict[str, Any]]:
    head, _, rest = path.partition(".")
    if not path:
        yield found
    elif head == "*":
        for one in found.values():
            yield from objects(one, rest)
    elif head.endswith("[]"):
        for one in found[head[:-2]]:
            yield from objects(one, rest)
    else:
        yield from objects(found[head], rest)
