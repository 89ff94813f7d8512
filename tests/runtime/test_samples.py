"""One sample or many from `--input`: what is split along the first axis, and what can't be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.disk import dtypes
from workbench.errors import InputError
from workbench.runtime.component_tensors import ComponentTensor
from workbench.runtime.inputs.samples import parse_samples


def slots(**shapes: Any) -> dict[str, ComponentTensor]:
    """Float inputs by shape; `s…` is a string."""
    return {
        name: ComponentTensor(
            name, name, f"{name}:0", dtypes.STRING if name[0] == "s" else dtypes.FLOAT, shape, shape
        )
        for name, shape in shapes.items()
    }


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_without_a_file_there_is_one_sample() -> None:
    (one,) = parse_samples(["x=[1,2]", "y=3"], slots(x=(None,), y=()))
    assert one["x"].tolist() == [1, 2] and one["y"] == 3


@pytest.mark.parametrize(
    ("shape", "array", "count", "first"),
    [
        ((None, 4), (3, 2, 4), 3, (2, 4)),  # one dimension more: a value each
        ((None, 4), (3, 4), 3, (1, 4)),  # rows become batches of one
        ((), (5,), 5, ()),
        ((2, 4), (7, 2, 4), 7, (2, 4)),
        ((4,), (4,), 1, (4,)),  # one whole value
        (None, (3, 2), 3, (2,)),  # of any rank: the first axis counts
    ],
)
def test_the_first_axis_is_the_sample(
    tmp_path: Path, shape: Any, array: tuple[int, ...], count: int, first: tuple[int, ...]
) -> None:
    values = np.arange(np.prod(array), dtype=np.float32).reshape(array)
    found = parse_samples([f"x=@{npz(tmp_path / 'r.npz', x=values)}"], slots(x=shape))
    assert len(found) == count
    assert found[0]["x"].shape == first
    assert np.concatenate([one["x"].ravel() for one in found]).tolist() == values.ravel().tolist()


def test_a_file_for_all_keys_and_one_value_for_every_sample(tmp_path: Path) -> None:
    file = npz(tmp_path / "r.npz", x=np.zeros((2, 3), np.float32), s=np.array([b"a", b"b"]))
    found = parse_samples([f"@{file}", "y=7"], slots(x=(None, 3), s=(), y=()))
    assert [one["s"].item() for one in found] == [b"a", b"b"]
    assert [float(one["y"]) for one in found] == [7.0, 7.0]
    only = parse_samples(
        [f"x=@{npz(tmp_path / 'o.npz', other=np.zeros((2, 3), np.float32))}"], slots(x=(None, 3))
    )
    assert len(only) == 2, "the only array is meant"


def test_a_member_is_one_value(tmp_path: Path) -> None:
    file = npz(tmp_path / "r.npz", x=np.zeros((5, 3), np.float32))
    (one,) = parse_samples([f"x=@{file}[x]"], slots(x=(None, 3)))
    assert one["x"].shape == (5, 3)


@pytest.mark.parametrize(
    ("texts", "arrays", "words"),
    [
        (["x=@{}", "y=@{}"], {"x": (3, 4), "y": (2, 1)}, ["different numbers of samples", "x 3", "y 2"]),
        (["x=@{}"], {"a": (3, 4), "b": (3, 4)}, ["no array 'x'", "a, b"]),
        (["@{}"], {"x": (3, 4), "zz": (3, 4)}, ["array 'zz'", "no input has that name"]),
        (["x=@{}", "y=1"], {"x": (0, 4)}, ["no samples"]),
        (["x=@{}", "y=1"], {"x": (2, 2, 2, 4)}, ["[2,2,2,4]", "[?,?,4]", "the first axis"]),
        (["x=@{}", "y=1"], {"x": (3, 5)}, ["Expected shape [?,4], got [1,5]"]),
        (["x=@{}"], {"x": (3, 4)}, ["An input has no value: y"]),
        (["x=@{}", "@{}"], {"x": (3, 4)}, ["given twice"]),
    ],
)
def test_what_can_not_be_taken_is_said(
    tmp_path: Path, texts: list[str], arrays: dict[str, tuple[int, ...]], words: list[str]
) -> None:
    file = npz(tmp_path / "r.npz", **{name: np.zeros(shape, np.float32) for name, shape in arrays.items()})
    with pytest.raises(InputError) as caught:
        parse_samples([text.format(file) for text in texts], slots(x=(None, 4), y=(None,)))
    told = f"{caught.value.where} {caught.value.message} {caught.value.hint}"
    assert all(word in told for word in words), told


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "r.npz").write_bytes(b"PK\3\4 and no more")
    np.savez(tmp_path / "p.npz", x=np.array([{}], dtype=object))
    for name, word in (("r", "can't be read"), ("p", "pickled"), ("gone", "No such file")):
        with pytest.raises(InputError, match=word):
            parse_samples([f"@{tmp_path / name}.npz"], slots(x=(None, 4)))
