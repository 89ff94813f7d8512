"""JSON that others wrote: recipes, proofs, values of inputs, settings.

Python's parser, and all that walks a value afterwards, is recursive: what is nested deeper than a document of ours can
be is refused before it gets there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 300
"""Objects and lists inside each other. A recipe has three a generation: it holds those of its sources."""


class NotJson(ValueError):
    """A text that is no JSON, or not of a kind that is read.

    The message says why, as half a sentence.
    """


def parse(data: str | bytes, *, parse_float: Callable[[str], Any] | None = None) -> Any:
    """Return the value of a JSON text.

    Args:
        data: the text, or its UTF-8.
        parse_float: as for `json.loads`.

    Raises:
        NotJson: it is no JSON, or nested deeper than `MAX_DEPTH`.
    """
    try:
        value = json.loads(data, parse_float=parse_float)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise NotJson("it is not UTF-8 text") from None
    except ValueError as problem:
        raise NotJson(str(problem)) from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
        if not level:
            return value
    if any(isinstance(one, dict | list) for one in level):
        raise _too_deep()
    return value


def _inside(one: dict[str, Any] | list[Any]) -> list[Any]:
    found = one.values() if isinstance(one, dict) else one
    return [inner for inner in found if isinstance(inner, dict | list)]


def _too_deep() -> NotJson:
    return NotJson(f"its lists and objects are nested deeper than {MAX_DEPTH}")
