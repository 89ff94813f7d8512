"""Applications that one test leaves to the next do not outlive this folder's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tui.driving import close_kept


@pytest.fixture(scope="package", autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    yield
    close_kept()
