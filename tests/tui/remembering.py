"""What Textual works out again for each application, message and callback, remembered: it is always the same."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any

from textual import _callback
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.message import Message
from textual.message_pump import MessagePump

_parse_rules = Stylesheet._parse_rules
_parsed: dict[Hashable, list[RuleSet]] = {}


def _parse_once(sheet: Stylesheet, *given: Any, **named: Any) -> list[RuleSet]:
    """Parse a style sheet as one that remembers: each application has its own, and all are the same."""
    key = (frozenset(sheet._variables.items()), given, *sorted(named.items()))
    if key not in _parsed:
        _parsed[key] = _parse_rules(sheet, *given, **named)
    return _parsed[key]


_count_parameters = functools.cache(_callback._count_parameters)


def _count_once(callback: Callable[..., Any]) -> int:
    """Count the parameters of a callback, of a method by its function: methods are made anew at each look."""
    function = getattr(callback, "__func__", None)
    return _count_parameters(callback) if function is None else _count_parameters(function) - 1


_find_handlers = MessagePump._get_dispatch_methods
Handlers = Iterable[tuple[type, Callable[[Message], Awaitable[Any]]]]


def _find_handlers_of_some(pump: MessagePump, name: str, message: Message) -> Handlers:
    """Look for handlers where a class has any: most messages bubble through widgets that have none."""
    return _find_handlers(pump, name, message) if _has_handlers(type(pump), name, type(message)) else ()


@functools.cache
def _has_handlers(pump: type[MessagePump], name: str, message: type[Message]) -> bool:
    kinds = set(message.__mro__)
    for one in pump.__mro__:
        found = vars(one)
        if f"_{name}" in found or name in found or kinds & set(found.get("_decorated_handlers") or ()):
            return True
    return False


def remember() -> None:
    """Let all applications of this process do so."""
    Stylesheet._parse_rules = _parse_once  # type: ignore[method-assign,assignment]
    RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]  # by identity, as its own, but not in Python
    _callback._count_parameters = _count_once  # type: ignore[assignment]
    MessagePump._get_dispatch_methods = _find_handlers_of_some  # type: ignore[method-assign,assignment]
