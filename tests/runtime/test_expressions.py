"""Values as NumPy expressions and as saved_model_cli writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.disk import dtypes
from workbench.errors import InputError
from workbench.runtime.component_tensors import ComponentTensor
from workbench.runtime.inputs.written.expressions import evaluate
from workbench.runtime.inputs.written.saved_model_cli import parse_examples, parse_expressions, parse_files


def component(name: str = "x", dtype: int = dtypes.FLOAT, shape: Any = (None, 2)) -> ComponentTensor:
    return ComponentTensor(name, name, f"{name}:0", dtype, shape, shape)


X = {"x": component(), "n": component("n", dtypes.INT32, None), "s": component("s", dtypes.STRING, None)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("np.ones((1,2))", np.ones((1, 2))),
        ("np.ones((2,3), dtype=np.float32) * 2 - 1", np.ones((2, 3), np.float32)),
        ("np.zeros(3, np.int32)", np.zeros(3, np.int32)),
        ("numpy.full((2,), 7)", np.full(2, 7)),
        ("np.arange(6).reshape(2,3)[:, 1:]", np.arange(6).reshape(2, 3)[:, 1:]),
        ("np.arange(6)[np.newaxis, ::2]", np.arange(6)[np.newaxis, ::2]),
        ("np.arange(1, 2, 0.25)", np.arange(1, 2, 0.25)),
        ("np.linspace(0, 1, 5).astype('float32')", np.linspace(0, 1, 5).astype("float32")),
        ("np.array([[1,2],[3,4]]).T", np.array([[1, 3], [2, 4]])),
        ("[[0.5] * 3] * 2", [[0.5] * 3] * 2),
        ("[1, -2.5, 3e2, True]", [1, -2.5, 300.0, True]),
        ("-np.pi", -np.pi),
        ("np.float32(0.5)", np.float32(0.5)),
        ("[1, 2] / np.array(4)", np.array([0.25, 0.5])),
        ("['a', b'b']", ["a", b"b"]),
        ("2 ** 10 % 7", 2),
    ],
)
def test_what_is_understood(text: str, expected: Any) -> None:
    np.testing.assert_array_equal(evaluate(text, "x"), expected)
    assert np.asarray(evaluate(text, "x")).dtype == np.asarray(expected).dtype


def test_random_numbers_are_the_same_each_time() -> None:
    one = evaluate("np.random.rand(2, 3)", "x")
    assert one.shape == (2, 3) and np.array_equal(one, evaluate("np.random.rand(2, 3)", "x"))
    assert not np.array_equal(one, evaluate("np.random.random((2, 3), seed=1)", "x"))
    drawn = evaluate("np.random.default_rng(5).integers(0, 10, size=(4,))", "x")
    assert drawn.tolist() == np.random.default_rng(5).integers(0, 10, size=(4,)).tolist()
    twice = evaluate("np.random.rand(3) - np.random.rand(3)", "x")
    assert np.all(twice != 0)
    assert evaluate("np.random.normal(10, 0.1, (50,))", "x").mean() == pytest.approx(10, abs=0.2)
    assert evaluate("np.random.randint(3, 5, (50,))", "x").min() == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("np.ones((10**9, 10**9))", "1,000,000,000,000,000,000 elements; 33,554,432 are the most"),
        ("np.ones((1<<40,))", "not understood"),
        ("[0] * 10**9", "elements"),
        ("np.arange(10**12)", "elements"),
        ("np.linspace(0, 1, 10**12)", "elements"),
        ("np.eye(100000)", "elements"),
        ("np.random.rand(10**6, 10**6)", "elements"),
        ("np.random.normal(0, 1, 10**12)", "elements"),
        ("np.ones((6000,1)) * np.ones((1,6000))", "elements"),
        ("9**9**9", "too large a number"),
        ("np.ones(3, 'S1000000000')", "not a dtype of numbers"),
        ("np.ones(3).astype('S1000000000')", "not a dtype of numbers"),
        ("np.array([1], dtype='O')", "not a dtype of numbers"),
        ("np.load('x.npy')", "np.load is not one of the functions"),
        ("np.random.bytes(3)", "np.random.bytes is not one of the functions"),
        ("__import__('os').system('true')", "not understood"),
        ("np.__loader__", "not understood"),
        ("np.ones(3).tofile('x')", "not understood"),
        ("(lambda: 1)()", "not understood"),
        ("[x for x in (1,)]", "not understood"),
        ("open('x')", "not understood"),
        ("x", "not understood"),
        ("np.ones(*[3])", "not understood"),
        ("np.array([1], like=3)", "'like' is not understood"),
        ("np.ones((1,", "is not an expression"),
        ("1 / 0", "can't be evaluated: division by zero"),
        ("np.arange(4).reshape(3)", "can't be evaluated"),
        ("[1] + 2", "mixes lists and numbers"),
        ("(" * 500 + "1" + ")" * 500, "is not an expression"),
        ("-" * 50_000 + "1", ""),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        evaluate(text, "x")
    assert told in str(caught.value.message) and caught.value.where == "x"


def test_expressions_by_input() -> None:
    found = parse_expressions(["x=np.ones((1,2)); n=[1,2];", "s=['a;b', 'c']"], X)
    assert found["x"].dtype == np.float32 and found["n"].tolist() == [1, 2]
    assert found["s"].tolist() == [b"a;b", b"c"]
    with pytest.raises(InputError, match="twice"):
        parse_expressions(["x=np.ones((1,2))", "x=np.zeros((1,2))"], X)
    with pytest.raises(InputError, match="no such input"):
        parse_expressions(["y=1"], X)
    with pytest.raises(InputError, match="Expected shape"):
        parse_expressions(["x=np.ones((1,3))"], X)
    with pytest.raises(InputError, match="can't be cast without loss"):
        parse_expressions(["n=[0.5]"], X)


def test_files(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((1, 2), np.float32))
    np.savez(tmp_path / "n.npz", a=np.array([1]), b=np.array([2]))
    found = parse_files([f"x={tmp_path / 'x.npy'};n={tmp_path / 'n.npz'}[b]"], X)
    assert found["x"].shape == (1, 2) and found["n"].tolist() == [2]
    (tmp_path / "x.pkl").write_bytes(b"\x80\x04N.")
    with pytest.raises(InputError, match="Pickles are not read"):
        parse_files([f"x={tmp_path / 'x.pkl'}"], X)


def test_examples() -> None:
    text = 's=[{"age": [22.0, 1], "education": ["BS"], "n": [-1, True]}, {}]'
    first, second = parse_examples([text], X)["s"].tolist()
    assert second == b"\n\x00"
    assert b"education" in first and b"BS" in first


@pytest.mark.needs_tf
def test_examples_are_those_of_tensorflow() -> None:
    import tensorflow as tf

    text = 's=[{"age": [22.0, 1], "education": ["BS", "caf\\u00e9"], "n": [-1, True]}]'
    (data,) = parse_examples([text], X)["s"].tolist()
    feature = tf.train.Example.FromString(data).features.feature
    assert feature["age"].float_list.value[:] == [22.0, 1.0]
    assert feature["education"].bytes_list.value[:] == [b"BS", "café".encode()]
    assert feature["n"].int64_list.value[:] == [-1, 1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("s={'a': [1]}", "Expected a list of dicts"),
        ("s=[{'a': 1}]", "Feature 'a' is 1; expected a list"),
        ("s=[{'a': [1, 'b']}]", "Feature 'a' has"),
        ("s=[{'a': [1e300]}]", "Feature 'a' has"),
        ("s=[{1: [1]}]", "The key 1 of an Example is no text"),
        ("s=[{'a': [open('x')]}]", "Expected a list of dicts"),
    ],
)
def test_examples_that_are_none(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_examples([text], X)
    assert told in str(caught.value.message)
