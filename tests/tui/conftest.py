"""Applications that one test leaves to the next do not outlive this folder's tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.tui.driving import close_kept
from workbench.session.committing import Committer


@pytest.fixture(autouse=True)
def _no_idle_tensorflow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who only looks at the form of a run or a commit starts no TensorFlow: its import costs more than all stories."""
    if not any(request.node.get_closest_marker(name) for name in ("needs_tf", "fresh_tensorflow")):
        monkeypatch.setattr(Committer, "warm", lambda self, options: None)


@pytest.fixture(scope="package", autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(10_000, 20, 20)  # applications that are kept are much to look through
    yield
    gc.set_threshold(*before)
    close_kept()
