"""What the tests in a browser share: one page for all of a process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.picture.chromium import PROGRAM, Page, browser


@pytest.fixture(scope="session")
def page() -> Iterator[Page]:
    assert PROGRAM is not None
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        browser(PROGRAM, Path(profile)) as found,
    ):
        yield found
