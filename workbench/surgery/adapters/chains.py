"""Fields of an operation that hold chains of adapters as text, by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import UsageError
from workbench.surgery import values
from workbench.surgery.adapters import language


class Chains(values.Pairs):
    """A mapping of keys to chains of adapters, which may read files."""

    def files(self, value: Any) -> tuple[str, ...]:
        """Return the paths of the files that the chains read; see `Kind`."""
        return tuple(path for _, text in value for path in language.files_in(_calls(text)))

    def with_files(self, value: Any, paths: Mapping[str, str]) -> Any:
        """Return the chains with other paths of files; see `Kind`."""
        return tuple((key, _moved(text, paths)) for key, text in value)

    def with_texts(self, value: Any, change: values.Change) -> Any:
        """Return chains of changed keys; see `Kind`."""
        return tuple((change(key, True), text) for key, text in value)


class ChainText(values.Text):
    """A chain of adapters as text, which may read files."""

    def normal(self, value: Any) -> Any:
        """Return a value without white space around it; see `Kind`."""
        return value.strip() if isinstance(value, str) else value

    def files(self, value: Any) -> tuple[str, ...]:
        """Return the paths of the files that the chain reads; see `Kind`."""
        return language.files_in(_calls(value))

    def with_files(self, value: Any, paths: Mapping[str, str]) -> Any:
        """Return the chain with other paths of files; see `Kind`."""
        return _moved(value, paths)

    def with_texts(self, value: Any, change: values.Change) -> Any:
        """Return the chain as it is; see `Kind`."""
        return value


def _moved(text: str, paths: Mapping[str, str]) -> str:
    calls = _calls(text)
    if not set(language.files_in(calls)) & paths.keys():
        return text
    return language.print_calls(language.with_files(calls, paths))


def _calls(text: str) -> tuple[language.Call, ...]:
    """Return the calls of a chain; none of one that can't be parsed, which its operation reports."""
    try:
        return language.parse_calls(text)
    except UsageError:
        return ()
