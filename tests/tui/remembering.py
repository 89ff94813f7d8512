"""What Textual works out again for each application, message and callback, remembered: it is always the same."""

from __future__ import annotations

import asyncio
import functools
import selectors
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


def _find_handlers_once(pump: MessagePump, name: str, message: Message) -> Handlers:
    """Look for handlers by the classes of pump and message: most messages bubble through widgets that have none."""
    known = _named_handlers(type(pump), name, type(message))  # type: ignore[arg-type]
    if known is None:
        return _find_handlers(pump, name, message)
    return _bound(pump, message, known) if known else ()


def _bound(pump: MessagePump, message: Message, known: list[tuple[type, Any]]) -> Handlers:
    for one, handler in known:
        if message._no_default_action:  # a handler of a class further down prevents it
            break
        yield one, handler.__get__(pump, one)


@functools.cache
def _named_handlers(
    pump: type[MessagePump], name: str, message: type[Message]
) -> list[tuple[type, Any]] | None:
    """Return the handlers that are found by their name; None if there are decorated ones, which may have conditions."""
    kinds = set(message.__mro__)
    handlers = []
    for one in pump.__mro__:
        found = vars(one)
        if kinds & set(found.get("_decorated_handlers") or ()):
            return None
        handler = found.get(f"_{name}") or found.get(name)
        if handler is not None and not getattr(handler, "_textual_on", None):
            handlers.append((one, handler))
    return handlers


class _WhenIdle(selectors.DefaultSelector):
    """Asks the kernel for events once nothing else is to be done: each question costs as much as a message."""

    def select(self, timeout: float | None = None) -> Any:
        return [] if timeout == 0 else super().select(timeout)


def make_loop() -> asyncio.AbstractEventLoop:
    """Make a loop for applications that wait for no files and no network."""
    return asyncio.SelectorEventLoop(_WhenIdle())


def remember() -> None:
    """Let all applications of this process do so."""
    Stylesheet._parse_rules = _parse_once  # type: ignore[method-assign,assignment]
    RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]  # by identity, as its own, but not in Python
    _callback._count_parameters = _count_once  # type: ignore[assignment]
    MessagePump._get_dispatch_methods = _find_handlers_once  # type: ignore[method-assign,assignment]
