"""Which parameters of a test the plain run takes, and which only the exhaustive one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def plainly(parameters: Iterable[Any], *plain: Any) -> list[Any]:
    """Return all parameters, those not in `plain` marked exhaustive.

    A parameter is as in `parametrize`: a value, or a tuple of values for several names. Give a value that is itself a
    tuple as a list or tuple of one.
    """
    given = list(parameters)
    unknown = [value for value in plain if value not in given]
    assert not unknown, f"no such parameters: {unknown}"
    return [_param(value, exhaustive=value not in plain) for value in given]


def every(parameters: Iterable[Any], step: int, start: int = 0) -> list[Any]:
    """Return all parameters, those that are not the `start`-th or each `step`-th after it marked exhaustive."""
    return [_param(value, exhaustive=(at - start) % step != 0) for at, value in enumerate(parameters)]


def _param(value: Any, *, exhaustive: bool) -> Any:
    marks = [pytest.mark.exhaustive] if exhaustive else []
    if hasattr(value, "marks"):  # of `pytest.param` already
        return pytest.param(*value.values, marks=[*value.marks, *marks], id=value.id)
    values = value if isinstance(value, tuple) else (value,)
    return pytest.param(*values, marks=marks)
