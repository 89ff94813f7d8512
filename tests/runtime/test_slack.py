"""What adapters on the way allow an output to differ by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.runtime.chain import (
    Adapted,
    Chain,
    FromInput,
    FromSeveral,
    FromStage,
    ModelRef,
    Stage,
    Tolerance,
)
from workbench.runtime.comparison.compare import compare
from workbench.runtime.comparison.slack import Slack, slack_of

JPEG = {"x": np.array([b"\xff\xd8\xff..."], object)}
PNG = {"x": np.array([b"\x89PNG"], object)}


def adapted(**tolerance: float) -> Adapted:
    return Adapted([{}], tolerance=Tolerance(**tolerance))


def stage(**feeds: FromInput | FromStage) -> Stage:
    return Stage("m", ModelRef(Path("m")), feeds, ("y",))


CHAIN = Chain(
    (
        stage(x=FromInput("x", adapted(jpeg=2))),
        stage(x=FromStage(0, "y", adapted(absolute=2.55, relative=1e-4))),
        stage(x=FromInput("x")),
    ),
    {
        "a": FromStage(0, "y"),
        "b": FromStage(1, "y", adapted(absolute=0.5, relative=1e-3)),
        "c": FromStage(2, "y"),
        "d": FromStage(2, "y", adapted(jpeg=3)),
        "e": FromSeveral(
            {"0": FromStage(1, "y", adapted(absolute=0.5)), "1": FromStage(2, "y", adapted(jpeg=3))},
            adapted(absolute=0.1),
        ),
    },
)


@pytest.mark.parametrize(
    ("slot", "sample", "absolute", "relative"),
    [
        ("a", PNG, 0, 0),
        ("a", JPEG, 0, 2 / 255),
        ("b", PNG, 0.5, 1e-3 + 1e-4 + 0.01),
        ("b", JPEG, 0.5, 1e-3 + 1e-4 + 0.01 + 2 / 255),
        ("c", JPEG, 0, 0),
        ("d", JPEG, 3, 0),
        ("d", PNG, 0, 0),
        ("e", PNG, 0.6, 1e-4 + 0.01),  # the most that one of them may differ by
        ("e", JPEG, 3.6, 1e-4 + 0.01 + 2 / 255),
    ],
)
def test_the_slack_of_an_output(
    slot: str, sample: dict[str, np.ndarray], absolute: float, relative: float
) -> None:
    found = slack_of(CHAIN, slot, sample)
    assert (found.absolute, found.relative) == pytest.approx((absolute, relative))
    assert bool(found) == bool(absolute or relative)


def test_floats_with_slack() -> None:
    wanted, got = np.float32([0, 1, 100]), np.float32([0.3, 1, 100.5])
    assert not compare(wanted, got).equal
    assert compare(wanted, got, slack=Slack(0.5)).equal
    assert not compare(wanted, got, slack=Slack(0.2)).equal
    assert compare(wanted, got, slack=Slack(0, 0.01)).tolerance == 0.01


def test_integers_that_adapters_made_may_differ_by_a_step() -> None:
    wanted, got = np.uint8([0, 1, 200]), np.uint8([1, 1, 199])
    assert not compare(wanted, got).equal
    assert not compare(wanted, got, slack=Slack(0, 0.01)).equal  # behind a model they are exact
    found = compare(wanted, got, slack=Slack(1e-4, 1e-4))
    assert found.equal and found.max_abs == 1
    assert not compare(wanted, np.uint8([2, 1, 200]), slack=Slack(1e-4, 1e-4)).equal
    assert compare(wanted, np.uint8([2, 1, 200]), slack=Slack(2)).equal


def test_strings_and_shapes_are_exact() -> None:
    assert not compare(np.array([b"a"], object), np.array([b"b"], object), slack=Slack(5)).equal
    assert not compare(np.zeros(3, np.float32), np.zeros(2, np.float32), slack=Slack(5)).equal
