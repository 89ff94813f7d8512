"""What a verification has shown, in words: values of reference and result, the difference, the tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.describe.report import compared_text, loader_lines, output_rows, value_lines, values_json
from workbench.runtime.comparison.compare import compare
from workbench.runtime.comparison.verification import (
    EXCERPT,
    Excerpt,
    LoaderCheck,
    OutputCheck,
    Verification,
)


def verified(*pairs: tuple[Any, Any], **more: Any) -> Verification:
    checks = []
    for loader, (expected, got) in zip(("v1", "v2"), pairs, strict=False):
        found = compare(expected, got)
        checks.append(OutputCheck("y", loader, 0, found, Excerpt.of(expected, got, found.where)))
    return Verification("verified", "", outputs=tuple(checks), **more)


def test_values_that_differ_stand_below_each_other() -> None:
    expected = np.linspace(0, 1, 40, dtype=np.float32).reshape(4, 10)
    got = expected.copy()
    got[3, 2] = 7.0
    (row,) = output_rows(verified((expected, got)))
    assert not row.equal and "worst at [3,2] 7.0" in row.text and row.text == compared_text(row)
    (reference, given), (result, found) = value_lines(row)
    assert (reference, result) == ("reference", "result")
    assert given.startswith("…, 0.6923") and "0.8205" in given, "those around the worst value"
    assert found.replace("7,", "0.8205,") == given
    kept = values_json(verified((expected, got)).outputs[0])["values"]
    assert kept["from"] == 27 and len(kept["result"]) == EXCERPT and kept["result"][5] == 7.0


@pytest.mark.parametrize(
    ("array", "said", "values"),
    [
        (np.float32([0.5, np.nan]), "equal (tolerance: 1e-05)", "0.5, NaN"),
        (np.int64([[1, 2]]), "equal (tolerance: exact)", "1, 2"),
        (np.array([b"cat", b"\xff\0"], object), "equal", "\"cat\", 2 bytes: b'\\xff\\x00'"),
        (np.zeros((0, 3), np.float32), "equal (tolerance: 1e-05)", ""),
    ],
)
def test_equal_values_are_one_line(array: Any, said: str, values: str) -> None:
    (row,) = output_rows(verified((array, array.copy()), (array, array.copy())))
    assert row.equal and compared_text(row) == said
    assert value_lines(row) == ([("values", values)] if values else [])


def test_loaders_that_disagree_have_a_row_each() -> None:
    one, other = np.int32([1, 2]), np.int32([1, 3])
    rows = output_rows(verified((one, one), (one, other)))
    assert [row.text for row in rows] == [
        "equal (v1 Session)",
        "1 of 2 values differ, first at [1] 3, expected 2 (tf.saved_model.load)",
    ]


def test_every_loader_has_a_line() -> None:
    found = verified(
        loaders=(LoaderCheck("v1", "equal"), LoaderCheck("v2", "skipped", "it can't load a\n\x1b"))
    )
    assert loader_lines(found) == ["v1 Session: equal", "tf.saved_model.load: it can't load a\\n\\x1b"]
