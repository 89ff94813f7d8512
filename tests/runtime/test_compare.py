"""When two results are the same, and what is said when they are not. No TensorFlow."""

from __future__ import annotations

import json
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.runtime.child_process import codec
from workbench.runtime.comparison.compare import compare, compare_form, is_discrete, movement, tolerance_of
from workbench.runtime.comparison.verification import OutputCheck, Verification, digest, without_paths

NAN, INF = float("nan"), float("inf")
INFINITE = float("inf")
LARGEST = float(np.finfo(np.float64).max)


def floats(*values: float, dtype: Any = np.float32) -> Any:
    return np.array(values, dtype=dtype)


def strings(*values: bytes) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float64, 1e-9),
        (np.float32, 1e-5),
        (np.float16, 1e-2),
        (ml_dtypes.bfloat16, 1e-2),
        (ml_dtypes.float8_e5m2, 0.125),
        (np.complex64, 1e-5),
        (np.int32, 0),
        (np.bool_, 0),
        (ml_dtypes.int4, 0),
        (object, 0),
    ],
)
def test_the_tolerance_is_the_dtypes(dtype: Any, expected: float) -> None:
    assert tolerance_of(np.dtype(dtype)) == expected
    assert tolerance_of(np.dtype(dtype), 0.5) == (0.5 if expected else 0)
    assert is_discrete(np.zeros(1, dtype)) == (not expected)


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int32, np.complex64, np.bool_]),
        hnp.array_shapes(max_dims=2, max_side=3),
    )
)
@pytest.mark.filterwarnings("error")
def test_everything_equals_itself(array: Any) -> None:
    found = compare(array, array.copy())
    assert found.equal
    assert not found.max_abs
    assert movement(array, array.copy()) == "still"


@pytest.mark.parametrize(
    ("dtype", "rtol"),
    [(np.float64, 1e-9), (np.float32, 1e-5), (np.float16, 1e-2), (ml_dtypes.bfloat16, 1e-2)],
)
def test_the_edge_of_the_tolerance(dtype: Any, rtol: float) -> None:
    # the largest value sets the floor: 2 * rtol for itself, a little over rtol for what is near zero
    expected = floats(1, 0, dtype=dtype)
    assert compare(expected, floats(1 + 1.5 * rtol, 0, dtype=dtype)).equal
    assert not compare(expected, floats(1 + 8 * rtol, 0, dtype=dtype)).equal
    assert compare(expected, floats(1, 0.9 * rtol, dtype=dtype)).equal
    assert not compare(expected, floats(1, 1.2 * rtol, dtype=dtype)).equal


@pytest.mark.filterwarnings("error")  # of overflows
@pytest.mark.parametrize("tolerance", [None, 0.0, 0.3])
@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ((LARGEST,), (-LARGEST,)),
        ((LARGEST,), (0.0,)),
        ((1.0, LARGEST), (1.0, 0.3 * LARGEST)),
        ((complex(LARGEST, LARGEST),), (complex(-LARGEST, LARGEST),)),
        ((1e-320,), (1.0,)),  # its share of the reference is more than a float64 holds
    ],
)
def test_a_difference_of_the_largest_numbers_is_reported(
    expected: tuple[complex, ...], got: tuple[complex, ...], tolerance: float | None
) -> None:
    left, right = np.array(expected), np.array(got)
    for found in (compare(left, right, tolerance), compare(right, left, tolerance)):
        assert not found.equal
        assert found.where == (len(expected) - 1,)
        json.dumps(OutputCheck("y", "v1", 0, found).as_json(), allow_nan=False)
    assert movement(left, right, tolerance) == "value"
    assert compare(left, left.copy(), tolerance).equal


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("tolerance", [None, 0.3])
@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (INFINITE, -INFINITE),
        (complex(INFINITE, 1), complex(-INFINITE, 1)),
        (complex(1, INFINITE), complex(1, -INFINITE)),
        (complex(INFINITE, 0), complex(0, INFINITE)),
        (complex(INFINITE, 0), complex(INFINITE, INFINITE)),
    ],
)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_infinities_of_other_signs_differ(
    expected: complex, got: complex, tolerance: float | None, shape: tuple[int, ...]
) -> None:
    left, right = np.full(shape, expected), np.full(shape, got)
    found = compare(left, right, tolerance)
    assert not found.equal and found.where == (0,) * len(shape)
    assert "infinity of the other sign" in str(found.reason)
    assert compare(left, left.copy(), tolerance).equal


@pytest.mark.filterwarnings("error")
def test_the_tolerance_of_the_largest_numbers_is_as_of_others() -> None:
    assert compare(floats(LARGEST, dtype=float), floats(LARGEST * (1 - 1e-9), dtype=float)).equal
    assert not compare(floats(LARGEST, dtype=float), floats(LARGEST * (1 - 3e-9), dtype=float)).equal
    for tolerance, equal in ((0.9, False), (1.0, True), (1e300, True)):  # twice the largest, and no more
        assert compare(floats(LARGEST, dtype=float), floats(-LARGEST, dtype=float), tolerance).equal == equal


def test_a_given_tolerance_counts_for_floats_only() -> None:
    assert compare(floats(1.0), floats(1.05), 0.1).equal
    assert not compare(floats(1.0), floats(1.05), 0.01).equal
    assert not compare(floats(1.0), floats(1.0 + 1e-6), 0.0).equal
    assert not compare(np.array([1]), np.array([2]), 10.0).equal


def test_the_worst_place_is_told() -> None:
    found = compare(floats(1, 2, 4).reshape(1, 3), floats(1, 3, 4.5).reshape(1, 3))
    assert not found.equal
    assert found.max_abs == 1
    assert found.max_rel == 0.5
    assert found.where == (0, 1)
    assert "2 of 3 values" in str(found.reason)
    assert "[0,1] 3.0, expected 2.0" in str(found.reason)


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        (floats(1), floats(1, dtype=np.float64), "dtype float64, expected float32"),
        (floats(1, 2), floats(1), "shape [1], expected [2]"),
        (floats(1), floats(1).reshape(1, 1), "shape [1,1], expected [1]"),
        (floats(1, NAN), floats(NAN, 1), "2 of 2 values: NaN got in one only, first at [0]"),
        (floats(1, NAN), floats(1, 2), "NaN expected in one only, first at [1]"),
        (floats(1), floats(INF), "infinity got in one only"),
        (floats(INF), floats(NAN), "NaN got"),
        (floats(INF, 1), floats(-INF, 1), "infinity of the other sign, first at [0]"),
        (np.array([1, 2]), np.array([1, 3]), "1 of 2 values differ, first at [1] 3, expected 2"),
        (np.array([True]), np.array([False]), "1 of 1 values differ"),
        (strings(b"a", b"b"), strings(b"a", b"c"), "first at [1] b'c', expected b'b'"),
        (np.array(1), np.array(2), "first 2, expected 1"),
        (np.array(2**62), np.array(2**62 + 1), "1 of 1"),
    ],
)
def test_what_differs_is_told(expected: Any, got: Any, words: str) -> None:
    found = compare(expected, got)
    assert not found.equal
    assert words in str(found.reason)
    json.dumps(OutputCheck("y", "v1", 0, found).as_json(), allow_nan=False)


@pytest.mark.parametrize("array", [floats(NAN, 1), floats(INF, -INF), floats(), np.zeros((0, 3)), strings()])
def test_the_same_odd_values_are_equal(array: Any) -> None:
    assert compare(array, array.copy()).equal


def test_strings_are_exact_whatever_their_container() -> None:
    assert compare(strings(b"\xff\x00"), strings(b"\xff\x00")).equal
    assert not compare(strings(b"a"), strings(b"a\x00")).equal


def test_wide_integers_are_compared_exactly() -> None:
    assert not compare(np.array([2**53], np.uint64), np.array([2**53 + 1], np.uint64)).equal


def test_movement_is_in_value_or_in_size_only() -> None:
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert movement(rows, rows[:2]) == movement(rows[:2], rows) == "size"
    assert movement(rows, rows[1:]) == "value"
    assert movement(rows, rows[:0]) == movement(rows[:0], rows) == "size"
    assert movement(rows[:0], rows[:0]) == "still"
    assert movement(rows, rows[0]) == "value"
    assert movement(strings(b"a"), strings(b"b")) == "value"
    assert movement(strings(b"a"), strings(b"a", b"b")) == "size"


def test_what_the_tolerance_would_forgive_is_no_movement() -> None:
    assert movement(floats(1.0), floats(1.0 + 1e-6)) == "still"
    assert movement(floats(1.0), floats(1.001)) == "value"
    assert movement(floats(1.0), floats(1.001), 0.1) == "still"
    assert movement(floats(NAN), floats(NAN)) == "still"
    assert movement(floats(NAN), floats(1.0)) == "value"
    assert movement(floats(0.0), floats(1e-30)) == "value"


# ---------------------------------------------------------------- codec


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.arange(3, dtype=">i4"),
        np.array(True),
        np.zeros((0, 2), np.int64),
        np.array([1 + 2j]),
        np.array([1.5], ml_dtypes.bfloat16),
        np.array([-3], ml_dtypes.int4),
        np.array([0.5], ml_dtypes.float8_e4m3fn),
        strings(b"\xff\x00", b""),
        np.arange(6).reshape(2, 3).T,
        np.array(b"scalar", dtype=object),
    ],
)
def test_arrays_come_back_from_json_as_they_were(array: Any) -> None:
    item = json.loads(json.dumps(codec.encode(array)))
    back = codec.decode(item)
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.tolist() == array.tolist()


def test_big_endian_values_keep_their_meaning() -> None:
    assert codec.decode(codec.encode(np.array([1, 256], ">u2"))).tolist() == [1, 256]


def test_a_broken_array_is_the_childs_fault() -> None:
    from workbench.errors import ChildDied

    good = codec.encode(np.zeros(3))
    for change in ({"dtype": "float99"}, {"shape": [4]}, {"data": "!"}, {"shape": None}):
        with pytest.raises(ChildDied):
            codec.decode({**good, **change})


# ---------------------------------------------------------------- the proof


def test_the_proof_names_no_absolute_path_and_is_plain_json() -> None:
    check = OutputCheck("y", "v2", 1, compare(floats(1.0), floats(NAN)))
    sample = {"x": floats(1, 2), "s": strings(b"a")}
    found = Verification(
        "differs",
        "Source a at /home/me/models/a fails: C:\\Users\\me\\model too, tf/nn/relu:0 stays",
        outputs=(check,),
        samples=(sample,),
        notes=("/job:localhost/replica:0/task:0 stays, /tmp/x/y.z goes",),
    ).as_json()
    text = json.dumps(found, allow_nan=False)
    assert "/home" not in text and "Users" not in text and "/tmp" not in text
    assert "tf/nn/relu:0 stays" in text and "/job:localhost/replica:0/task:0 stays" in text
    assert found["inputs"]["samples"] == [
        {"x": {"dtype": "float32", "shape": [2]}, "s": {"dtype": "string", "shape": [1]}}
    ]
    assert found["outputs"][0]["loader"] == "tf.saved_model.load"


def test_the_inputs_digest_sees_values_names_and_order() -> None:
    one = digest([{"x": floats(1)}])
    assert one == digest([{"x": floats(1)}])
    others = [
        [{"x": floats(2)}],
        [{"y": floats(1)}],
        [{"x": floats(1, dtype=np.float64)}],
        [{"x": floats(1)}] * 2,
    ]
    assert len({one, *map(digest, others)}) == 5
    assert digest([{"a": floats(1), "b": floats(2)}]) == digest([{"b": floats(2), "a": floats(1)}])
    assert digest([{"s": strings(b"ab", b"c")}]) != digest([{"s": strings(b"a", b"bc")}])


def test_paths_are_cut_to_their_last_part() -> None:
    assert without_paths("no file at: '/a/b/model.pb'") == "no file at: '…/model.pb'"
    assert without_paths("scope/a/b is a node") == "scope/a/b is a node"


@pytest.mark.parametrize(
    ("runs", "got", "said"),
    [
        ((np.zeros((2, 3)), np.ones((2, 3))), np.full((2, 3), 9.0), ""),
        ((np.zeros((2, 3)), np.ones((2, 3))), np.zeros((2, 4)), "shape [2,4], expected [2,3]"),
        ((np.zeros((2, 3)), np.ones((5, 3))), np.zeros((9, 3)), ""),
        ((np.zeros((2, 3)), np.ones((5, 3))), np.zeros((9, 4)), "shape"),
        ((np.zeros(2), np.zeros((1, 2))), np.zeros((4, 4)), ""),
        ((np.zeros(2), np.zeros(2)), np.zeros((2, 2)), "shape"),
        ((np.zeros(2), np.ones(2)), np.zeros(2, np.float32), "dtype float32, expected float64"),
    ],
)
def test_of_what_is_random_the_form_is_compared(runs: tuple[Any, ...], got: Any, said: str) -> None:
    found = compare_form(runs, got)
    assert found.equal == (not said) and said in (found.reason or "") and found.form_only
