"""What the fields of a step can be filled with: signatures, keys and tensors of the session's models."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from workbench.surgery.step import kind_of, operation
from workbench.surgery.values import Pairs, Text, default_key

if TYPE_CHECKING:
    from workbench.model import MetaGraph
    from workbench.session.session import Session

MOST = 40
"""How many choices are offered at most."""


class Choices:
    """The choices for the fields of one operation.

    Args:
        session: with the models.
        name: of the operation.
    """

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        cls = operation(name)
        assert cls is not None, name
        self._fields = {field.name: field for field in dataclasses.fields(cls)}
        outcome = session.outcome
        self._draft = outcome.draft if outcome is not None else None

    def of(self, field: str, typed: str = "") -> list[str]:
        """Return what the last word of a line may become, as the whole line.

        Args:
            field: its name.
            typed: the line so far.
        """
        found = self._fields[field]
        begun, word = _last_word(typed)
        key, sign, value = word.partition("=")
        if sign:
            words = [f"{key}={name}" for name in self._matching(self._values(found), value)]
        else:
            words = list(self._matching(self._words(found), word))
        return [f"{begun}{_quoted(word)}" for word in words if word != _unquoted(typed)]

    def _matching(self, names: Iterable[str], part: str) -> list[str]:
        """Return the first names that hold a part, those that begin with it first."""
        part = _unquoted(part).lower()
        found = list(islice((name for name in names if part in name.lower()), MOST * 4))
        return sorted(found, key=lambda name: not name.lower().startswith(part))[:MOST]

    def _words(self, field: dataclasses.Field[Any]) -> Iterable[str]:
        """Return the words that a line of a field may consist of."""
        kind = kind_of(field)
        if isinstance(kind, Text) and kind.choices:
            return kind.choices
        keys = self._keys("signatures" if field.name == "signature" else field.metadata["keys"])
        if isinstance(kind, Pairs) and keys:
            return [f"{key}=" for key in keys]
        if isinstance(kind, Pairs):
            tensors = self._tensors() if field.metadata["refers"] else ()
            return (f"{default_key(name.rpartition('@')[2])}={name}" for name in tensors)
        return keys or (self._tensors() if field.metadata["refers"] else ())

    def _values(self, field: dataclasses.Field[Any]) -> Iterable[str]:
        """Return what may stand behind `=`."""
        return self._tensors() if field.metadata["refers"] else ()

    def _metas(self) -> list[tuple[str, MetaGraph, str | None]]:
        """Return (handle, MetaGraph, chosen signature) of each model; the handle is empty for the only one."""
        session = self._session
        several = len(session.plan.sources) > 1
        return [
            (handle if several else "", model.meta, session.chosen(handle))
            for handle, model in session.models.items()
        ]

    def _keys(self, which: str) -> list[str]:
        """Return the keys of the result as it stands; without a result those of the chosen signatures."""
        if not which:
            return []
        if self._draft is not None:
            if which == "signatures":
                return list(self._draft.meta.shown_signatures)
            return list(getattr(self._draft.signature, which))
        found: dict[str, None] = {}
        for _, meta, chosen in self._metas():
            signatures = meta.shown_signatures
            if which == "signatures":
                found |= dict.fromkeys(signatures)
            elif chosen in signatures:
                found |= dict.fromkeys(getattr(signatures[chosen], which))
        return list(found)

    def _tensors(self) -> Iterable[str]:
        """Yield the outputs of nodes of the main graphs, those that compute something first."""
        for handle, meta, _ in self._metas():
            before = f"{handle}@" if handle else ""
            for quiet in (False, True):
                for name, node in meta.nodes.items():
                    if (node.op in _QUIET) == quiet:
                        yield f"{before}{name}:0"


_QUIET = frozenset(
    {"Const", "NoOp", "VarHandleOp", "ReadVariableOp", "AssignVariableOp", "VarIsInitializedOp"}
)


def _last_word(text: str) -> tuple[str, str]:
    """Return what stands before the last word of a line, and the word."""
    begun, blank, word = text.rpartition(" ")
    return f"{begun}{blank}", word


def _quoted(word: str) -> str:
    return word if word.endswith("=") or word == shlex.quote(word) else shlex.quote(word)


def _unquoted(text: str) -> str:
    return text.strip().strip("'\"")
