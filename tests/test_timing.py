"""Limits of time hold what they should, and say so."""

from __future__ import annotations

import time

import pytest

from tests.timing import costs_at_most, ends, pace, wait_for


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_what_costs_too_much_fails() -> None:
    with pytest.raises(AssertionError, match="processor time"), costs_at_most(0.0005):
        burn(0.0005 * 100)
    with costs_at_most(1):
        time.sleep(0.01)


def test_a_pace_is_never_faster_than_the_limits() -> None:
    assert 1 <= pace() < 100


def test_what_never_comes_is_named() -> None:
    with pytest.raises(AssertionError, match="the moon"):
        wait_for(lambda: False, "the moon", 0.05)
    with pytest.raises(AssertionError, match="did not end"), ends(0.05):
        time.sleep(60)
