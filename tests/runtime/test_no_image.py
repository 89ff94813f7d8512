"""Which value of an input is no image file, where TensorFlow's decoder refused one."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.runtime.inputs.images import told_of_no_image


def values(**listed: list[bytes]) -> dict[str, np.ndarray]:
    return {name: np.array(one, dtype=object) for name, one in listed.items()}


REFUSED = "InvalidArgumentError: Unknown image file format. [[node DecodeImage]]"


@pytest.mark.parametrize(
    ("error", "given", "told"),
    [
        (REFUSED, values(x=[b"GIF89a", b"\x00text"]), "Value 1 of x is no image file: it begins with "),
        (REFUSED, values(x=[b"a", b"b"]), "Value 0 of x is no image file: it begins with 'a'."),
        (REFUSED, values(x=[b""]), "The value of x is no image file: it is empty."),
        (REFUSED, values(id=[b"a"], x=[b"BM", b"?"]), "Value 1 of x "),
        (REFUSED, values(id=[b"a"], x=[b"?"]), None),
        (REFUSED, values(x=[b"aGVsbG8gaGVsbG8gaGVsbG8="]), None),
        ("InvalidArgumentError: Shapes differ.", values(x=[b"a"]), None),
    ],
)
def test_which_value_is_no_image(error: str, given: dict[str, np.ndarray], told: str | None) -> None:
    found = told_of_no_image(error, given)
    assert found is None if told is None else str(found).startswith(told)
