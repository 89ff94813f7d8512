"""`KEY=VALUE` and Python values to arrays. No TensorFlow."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import plainly
from workbench.disk import dtypes, schema
from workbench.errors import InputError
from workbench.model import Shape
from workbench.runtime.component_tensors import ComponentTensor
from workbench.runtime.inputs.cast import as_array
from workbench.runtime.inputs.values import complete, parse_inputs, parse_value, split_assignment


def slot(dtype: str, shape: Shape = None, name: str = "x", **more: Any) -> ComponentTensor:
    return ComponentTensor(name, more.pop("key", name), f"{name}:0", dtypes.enum(dtype), shape, shape, **more)


def refused(text: str, dtype: str, shape: Shape = None) -> str:
    with pytest.raises(InputError) as caught:
        parse_value(text, slot(dtype, shape))
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "dtype", "expected"),
    [
        ("3", "int32", np.int32(3)),
        ("3.0", "int64", np.int64(3)),
        ("-1e3", "int16", np.int16(-1000)),
        ("[1, 2]", "float32", np.array([1, 2], np.float32)),
        ("0.1", "float32", np.float32(0.1)),
        ("NaN", "float32", np.float32("nan")),
        ("-Infinity", "float64", -np.inf),
        ("[true, false]", "bool", np.array([True, False])),
        ("[0, 1]", "bool", np.array([False, True])),
        ("255", "uint8", np.uint8(255)),
        ("18446744073709551615", "uint64", np.uint64(2**64 - 1)),
        ("1+2j", "complex64", np.complex64(1 + 2j)),
        ("[1, 2]", "complex128", np.array([1, 2], np.complex128)),
        ("[[], []]", "float32", np.zeros((2, 0), np.float32)),
        ("1e-50", "float32", np.float32(0)),
    ],
)
def test_a_literal_becomes_the_inputs_dtype(text: str, dtype: str, expected: Any) -> None:
    array = parse_value(text, slot(dtype))
    assert array.dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", b"hello"),
        ("", b""),
        ("123", b"123"),
        ("1_000", b"1_000"),
        ("true", b"true"),
        ('"quoted"', b"quoted"),
        ('{"a": 1}', b'{"a": 1}'),
        ("a=b", b"a=b"),
        ("grün", "grün".encode()),
        ('["a", "b"]', [b"a", b"b"]),
        ('[["a"], ["b"]]', [[b"a"], [b"b"]]),
    ],
)
def test_a_string_input_takes_json_strings_and_bare_words(text: str, expected: Any) -> None:
    array = parse_value(text, slot("string"))
    assert array.dtype == object
    assert array.tolist() == expected


@pytest.mark.parametrize(
    ("text", "dtype", "words"),
    [
        ("1.5", "int32", ["1.5", "int32"]),
        ("[1, 2.5]", "int64", ["2.5", "[1]"]),
        ("300", "uint8", ["300", "uint8"]),
        ("-1", "uint8", ["-1"]),
        ("-1", "uint64", ["-1"]),
        ("128", "int8", ["128"]),
        ("9223372036854775808", "int64", ["9223372036854775808"]),
        ("18446744073709551616", "uint64", ["64 bits"]),
        ("16777217", "float32", ["16777217", "without loss"]),
        ("2049", "float16", ["2049"]),
        ("257", "bfloat16", ["257"]),
        ("9007199254740993", "float64", ["9007199254740993"]),
        ("1e39", "float32", ["1e+39", "too large"]),
        ("1e400", "float64", ["1e400", "too large"]),
        ("70000.0", "float16", ["too large"]),
        ("2", "bool", ["2"]),
        ("0.5", "bool", ["0.5"]),
        ("true", "float32", ["bool", "float32"]),
        ("[1, true]", "int32", ["booleans", "numbers"]),
        ('"a"', "float32", ["string"]),
        ("[null]", "float32", ["None"]),
        ("null", "int32", ["None"]),
        ('{"a": 1}', "int32", ["not a value"]),
        ("word", "float32", ["not JSON"]),
        ("[1, 2", "float32", ["not JSON"]),
        ("NaN", "int32", ["nan"]),
        ("[1, [2]]", "float32", ["ragged"]),
        ("[[1, 2], [3]]", "float32", ["ragged", "item 1"]),
        ('["a", 1]', "string", ["strings", "numbers"]),
        ("[1, 2]", "string", ["string"]),
        ("[abc", "string", ["starts like JSON"]),
        ("[" * 2000, "float32", []),
        ("[" * 100 + "]" * 100, "float32", ["nested too deep"]),
        ("1", "resource", ["resource"]),
    ],
)
def test_what_would_lose_something_is_refused(text: str, dtype: str, words: list[str]) -> None:
    message = refused(text, dtype)
    for word in words:
        assert word in message


INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.mark.parametrize("dtype", plainly(INTEGERS, "int8", "int64", "uint64"))
@given(value=st.integers(-(2**66), 2**66))
def test_an_integer_goes_in_whole_or_not_at_all(dtype: str, value: int) -> None:
    info = np.iinfo(dtype)
    if info.min <= value <= info.max:
        assert int(parse_value(str(value), slot(dtype))) == value
    else:
        refused(str(value), dtype)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@given(value=st.integers(-(2**64), 2**64))
def test_an_integer_for_a_float_is_exact_or_refused(dtype: str, value: int) -> None:
    try:
        array = parse_value(str(value), slot(dtype))
    except InputError:
        with np.errstate(over="ignore"):
            nearest = float(np.array(float(value)).astype(dtype))
        assert math.isinf(nearest) or int(nearest) != value or abs(value) >= 2**63
    else:
        assert int(array) == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_float32_is_read_back(value: float) -> None:
    assert float(parse_value(json.dumps(value), slot("float32"))) == value


@pytest.mark.parametrize(
    ("text", "shape", "fits"),
    [
        ("[[1, 2]]", (None, 2), True),
        ("[[1, 2]]", None, True),
        ("1", (), True),
        ("[]", (None,), True),
        ("[1, 2]", (None, 2), False),
        ("[[1, 2, 3]]", (None, 2), False),
        ("[1]", (), False),
        ("1", (None,), False),
    ],
)
def test_unknown_sizes_take_any_and_known_ones_just_theirs(text: str, shape: Shape, fits: bool) -> None:
    if fits:
        parse_value(text, slot("float32", shape))
    else:
        assert "Expected shape" in refused(text, "float32", shape)


def test_a_missing_batch_dimension_is_named() -> None:
    assert "one more pair of brackets" in refused("[1, 2]", "float32", (None, 2))
    assert "leave the outer brackets out" in refused("[1]", "float32", ())


# ---------------------------------------------------------------- files


def test_an_npy_file_is_cast(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.linspace(0, 1, 4).reshape(1, 4))
    array = parse_value(f"@{path}", slot("float32", (None, 4)))
    assert array.dtype == np.float32
    assert array.shape == (1, 4)
    np.save(path, np.array([0.5]))
    assert "0.5 at [0]" in refused(f"@{path}", "int32")
    np.save(path, np.array(["a", "bc"]))
    assert parse_value(f"@{path}", slot("string")).tolist() == [b"a", b"bc"]


def test_a_member_of_an_npz_file_is_chosen_and_offered(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, one=np.int32(1), two=np.int32(2))
    assert int(parse_value(f"@{path}[two]", slot("int32"))) == 2
    assert "[one]" in refused(f"@{path}", "int32")
    message = refused(f"@{path}[three]", "int32")
    assert "three" in message and "[two]" in message
    np.savez(path, only=np.int32(7))
    assert int(parse_value(f"@{path}", slot("int32"))) == 7


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}], dtype=object))
    (tmp_path / "plain.npy").write_bytes(b"\x80\x04K\x01.")
    for text in (f"@{tmp_path}/a.npy", f"@{tmp_path}/a.npz[x]"):
        assert "pickled" in refused(text, "string")
    assert "can't be read" in refused(f"@{tmp_path}/plain.npy", "float32")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.npz[x]", "a.png"])
def test_a_file_that_is_not_there_or_damaged_is_told(tmp_path: Path, name: str) -> None:
    assert "can't be read" in refused(f"@{tmp_path}/{name}", "string")
    if name != "a.png":
        (tmp_path / name.partition("[")[0]).write_bytes(b"PK\x03\x04 nothing")
        assert "can't be read" in refused(f"@{tmp_path}/{name}", "string")


def test_any_other_file_is_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\xff\xfe")
    assert parse_value(f"@{path}", slot("string", ())).item() == b"\x89PNG\xff\xfe"
    assert parse_value(f"@{path}", slot("string", None)).shape == ()
    assert parse_value(f"@{path}", slot("string", (None,))).tolist() == [b"\x89PNG\xff\xfe"]
    assert parse_value(f"base64url:@{path}", slot("string", ())).item() == b"iVBOR__-"
    assert ".npy" in refused(f"@{path}", "float32")
    assert "string" in refused(f"base64url:@{path}", "float32")


# ---------------------------------------------------------------- keys

SLOTS = {
    "pixels": slot("float32", (None, 2), "pixels"),
    "a=b": slot("int32", (), "a=b"),
    "sp.indices": slot("int64", (None, 2), "sp.indices", key="sp"),
    "sp.values": slot("float32", (None,), "sp.values", key="sp"),
    "sp.dense_shape": slot("int64", (2,), "sp.dense_shape", key="sp"),
}


def test_values_go_to_their_keys() -> None:
    found = parse_inputs(["pixels=[[1, 2]]", "a=b=5", "sp.indices=[[0, 1]]"], SLOTS)
    assert set(found) == {"pixels", "a=b", "sp.indices"}
    assert int(found["a=b"]) == 5
    assert found["sp.indices"].dtype == np.int64


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["pixel=1"], ["pixel", "Did you mean pixels?"]),
        (["nothing"], ["KEY=VALUE"]),
        (["=1"], ["no such input"]),
        (["sp=1"], ["sp.indices", "sp.values", "sp.dense_shape"]),
        (["a=b=1", "a=b=2"], ["twice"]),
    ],
)
def test_a_wrong_key_is_told_with_what_there_is(texts: list[str], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse_inputs(texts, SLOTS)
    for word in words:
        assert word in str(caught.value)


def test_an_unprintable_key_is_shown_as_text() -> None:
    with pytest.raises(InputError) as caught:
        split_assignment("\x1b[31mred=1", SLOTS)
    assert "\x1b" not in str(caught.value)


def test_missing_inputs_are_listed_together_and_defaults_used() -> None:
    with pytest.raises(InputError) as caught:
        complete({}, SLOTS)
    assert "5 inputs" in str(caught.value)
    assert "pixels float32 [?,2]" in str(caught.value)
    default = schema.TensorProto(dtype=dtypes.FLOAT, float_val=[2.5])
    default.tensor_shape.SetInParent()
    with_default = {"x": slot("float32", (), default=default)}
    assert float(complete({}, with_default)["x"]) == 2.5
    given_value = np.float32(1)
    assert complete({"x": np.asarray(given_value)}, with_default)["x"] == 1


# ---------------------------------------------------------------- Python values


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        ("text", "string", b"text"),
        (b"\xff", "string", b"\xff"),
        (["a", b"b"], "string", [b"a", b"b"]),
        (np.array(["a", "b"]), "string", [b"a", b"b"]),
        (np.array([b"a\x00b"], dtype=object), "string", [b"a\x00b"]),
        ((1, 2), "float32", [1.0, 2.0]),
        (np.float64(0.1), "float32", float(np.float32(0.1))),
        ([np.int64(1), 2], "int32", [1, 2]),
        (np.array([1, 2], dtype=object), "int32", [1, 2]),
        ([np.array([1, 2]), np.array([3, 4])], "int64", [[1, 2], [3, 4]]),
        (range(2), "int32", None),
        (True, "bool", True),
    ],
)
def test_python_values(value: Any, dtype: str, expected: Any) -> None:
    if expected is None:
        with pytest.raises(InputError):
            as_array(value, slot(dtype))
    else:
        assert as_array(value, slot(dtype)).tolist() == expected


def test_bytes_from_other_encodings_are_no_strings() -> None:
    with pytest.raises(InputError):
        as_array(np.array([1, "a"], dtype=object), slot("string"))
    with pytest.raises(InputError):
        as_array(np.array([1.0]), slot("string"))


def test_ml_dtypes_are_cast() -> None:
    import ml_dtypes

    array = as_array([0.5, 1.5], slot("bfloat16"))
    assert array.dtype == ml_dtypes.bfloat16
    assert array.tolist() == [0.5, 1.5]
    assert as_array(np.array([1.0], ml_dtypes.bfloat16), slot("float32")).tolist() == [1.0]
    assert as_array([7, -8], slot("int4")).tolist() == [7, -8]
    with pytest.raises(InputError):
        as_array([8], slot("int4"))


def test_a_bare_word_for_a_vector_of_strings_is_a_batch_of_one() -> None:
    vector = slot("string", (None,))
    assert parse_value("hello", vector).tolist() == [b"hello"]
    assert parse_value('"hello"', vector).tolist() == [b"hello"]
    assert parse_value('["a","b"]', vector).tolist() == [b"a", b"b"]
