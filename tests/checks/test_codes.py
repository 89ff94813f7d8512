"""Every code is laid down, explained, and found on a model that has just this wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench
from tests.checks.cases import CASES
from workbench.checks.check import check_model
from workbench.checks.codes import registry
from workbench.model import open_model

ROOM = Path(workbench.__file__).parent
# Found together with the code that the case is for, as one follows from the other.
ALSO = {
    "output-shape": {"input-count", "missing-attr"},
}


def found(path: Path) -> dict[str, str]:
    """Codes of a model with their severities, those for serving included."""
    return {one.code: one.severity for one in check_model(open_model(path), serving=True).findings}


@pytest.mark.parametrize("code", CASES)
def test_found(code: str, tmp_path: Path) -> None:
    codes = found(CASES[code](tmp_path))
    assert codes.get(code) == registry()[code].severity, codes
