"""How a probe is written: numbers and differences."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.cli.pages.probe_page import (
    difference_text,
    first_values,
    range_facts,
)
from workbench.probing.probed_tensor import Difference, probed


@pytest.mark.parametrize(
    ("array", "facts", "values"),
    [
        (np.array(3), [], "3"),
        (np.zeros(20), ["all 0"], "0, 0, 0, 0, 0, 0, 0, 0 …"),
        (np.array([True, False, False, True]), ["50% true"], "True, False, False, True"),
        (np.array([1.0, np.nan, -np.inf]), ["all 1", "1 NaN, 1 infinite"], "1, NaN, -Inf"),
        (np.array([b"caf\xc3\xa9", b"\xff\x00"], object), [], "café, 2 bytes: b'\\xff\\x00'"),
        (np.array([b"a\x1b[31m"], object), [], "a\\x1b[31m"),
    ],
)
def test_facts_and_values(array: np.ndarray, facts: list[str], values: str) -> None:  # type: ignore[type-arg]
    one = probed("y:0", "", array)
    assert (range_facts(one), first_values(one)) == (facts, values)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Difference(size=3, largest=0.0), ""),
        (
            Difference(differing=1, size=1, largest=2.0, at=(), values=(1, 3)),
            "1 of 1 element differs, by at most 2: 1 and 3.",
        ),
        (
            Difference(differing=2, size=9, largest=0.25, at=(1, 2), values=(0.5, 0.75), iteration=(4,)),
            "2 of 9 elements differ, by at most 0.25 at [1,2] in iteration [4]: 0.5 and 0.75.",
        ),
        (
            Difference(differing=1, size=2, at=(0,), values=(b"a", b"b")),
            "1 of 2 elements differs at [0]: a and b.",
        ),
        (Difference(shapes=((1, 2), (3,))), "The shapes differ: [1,2] and [3]."),
        (Difference(note="Computed on the first run only."), "Computed on the first run only."),
    ],
)
def test_differences(found: Difference, text: str) -> None:
    assert difference_text(found) == text
