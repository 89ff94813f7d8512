"""The kept table says what holds: all joins are in it, what fails fails in a source, and a part of it is tried anew."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.forking.client import FORKING
from tests.loaders.__main__ import WORKER, tables, whole_lines
from tests.loaders.pairs import JOINS
from tests.loaders.table import read, show
from tests.loaders.trial import CHAIN, Trial, alike, essence, fine
from tests.loaders.ways import WAYS, possible

# What fails in a result and in no source, with why it stays so.
DTYPES = "float16, bfloat16, int8, strings and bools"
_FLEX = "needs the flex delegate, which this interpreter lacks"
_CAST = "Keras casts all floats to float32 before it calls a layer"
_STAYS = "a step changes the signature; the callables of the object graph stay as they were"
_NO_OBJECTS = "the TF1 format was asked for, which has no callables"
PICTURES, NUMBERS = "adapt: image files into MobileNetV2", "adapt: text numbers"
KNOWN = {
    ("unknown rank", "TFLite"): f"EnsureShape, by which a result checks what can't be proven, {_FLEX}",
    ("unknown rank", "tf2onnx"): "it takes an input of unknown rank for a scalar",
    ("sparse", "TFLite"): f"SparseTensorDenseMatMul {_FLEX}; the source alone takes a sparse tensor",
    ("sparse", "tf2onnx"): "it has no SparseTensorDenseMatMul; the source alone takes a sparse tensor",
    (DTYPES, "TFSMLayer"): _CAST,
    (DTYPES, "hub.KerasLayer"): _CAST,
    (PICTURES, "TFLite"): f"DecodeImage {_FLEX}",
    (PICTURES, "tf2onnx"): "ONNX has no decoder of image files",
    (NUMBERS, "TFLite"): f"AsString {_FLEX}",
    (NUMBERS, "tf2onnx"): "ONNX has no AsString",
    ("expose: inside calls", "__call__"): _STAYS,
    ("expose: inside calls", "hub.KerasLayer"): _STAYS,
    ("clear-devices, a signature renamed", "__call__"): _STAYS,
    ("clear-devices, a signature renamed", "hub.KerasLayer"): _STAYS,
    ("freeze and flatten", "__call__"): _NO_OBJECTS,
    ("freeze and flatten", "hub.KerasLayer"): _NO_OBJECTS,
}
TABLE: dict[str, Any] = read()["joins"]
ROOT = Path(__file__).resolve().parents[2]


def trial(name: str) -> Trial:
    return Trial(**TABLE[name])


def test_every_join_is_in_the_table_in_every_way() -> None:
    assert list(TABLE) == [join.name for join in JOINS]
    assert len(JOINS) >= 40 and sum(join.real for join in JOINS) >= 15
    for name in TABLE:
        assert list(trial(name).ways) == list(WAYS)


@pytest.mark.parametrize("name", TABLE)
def test_what_fails_fails_in_a_source_as_well(name: str) -> None:
    found = trial(name)
    unknown = [way for way in found.defects if (name, way) not in KNOWN]
    assert not unknown, json.dumps({way: (found.ways[way], found.alone[way]) for way in unknown}, indent=1)


def test_what_is_known_is_still_so() -> None:
    assert all(way in trial(name).defects for name, way in KNOWN)


def test_results_load_where_tensorflow_itself_loads_them() -> None:
    """In these ways no result fails at all but for what a source says by its own dtypes and shapes."""
    for way in ("signature", "v1 Session", "tf.train.Checkpoint", "saved again"):
        assert [name for name in TABLE if not fine(trial(name).ways[way])] == []


def test_failures_are_told_apart_but_for_names_and_numbers() -> None:
    assert alike("ValueError: no 'x' of a/b:0 in 3", "ValueError: no 'other' of c/d:1 in 17")
    assert not alike("ValueError: no 'x'", "TypeError: no 'x'")
    assert not alike("ValueError: no 'x'", "equal")
    assert essence("differs: ids has other values") == essence("differs: y has other values")
    assert essence("differs: y has other values") != essence("differs: y has shape (2,) instead of (3,)")


def test_the_table_is_shown() -> None:
    text = show(read())
    assert all(name in text for name in TABLE)
    assert CHAIN in text or "!" in text


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    "names",
    [
        pytest.param([join.name for join in JOINS if join.quick], id="quick", marks=pytest.mark.exhaustive),
        pytest.param([join.name for join in JOINS if not join.quick], id="all", marks=pytest.mark.slow),
    ],
)
def test_tried_anew_it_is_the_same(names: list[str]) -> None:
    """In a process of its own: what some loaders import changes what TensorFlow can load.

    The quick ones need no package of the extra `loaders`; ways that need one are tried where it is installed.
    """
    if len(names) > 10 and importlib.util.find_spec("tf_keras") is None:
        pytest.skip("models of Keras 2 need tf-keras: pip install -e '.[dev,loaders]'")
    same(names, tables(names))


@pytest.mark.needs_tf
def test_a_model_of_each_tensorflow_is_the_same(tmp_path: Path) -> None:
    """Tried in a worker that may be a fork: these crash in no way."""
    names = ["reference variables of TF1", "callables only"]
    code = "from tests.loaders.__main__ import main; main()"
    done = FORKING.program(code, WORKER, str(tmp_path), "{}", *names, folder=ROOT)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in whole_lines(tmp_path / "lines")]
    same(names, {line["name"]: line["trial"] for line in lines if not line["way"]})


def same(names: list[str], tried: dict[str, Any]) -> None:
    found = {name: Trial(**made) for name, made in tried.items()}
    assert list(found) == names
    for name, made in found.items():
        kept = trial(name)
        assert made.format == kept.format
        expected = {way: fine(kept.ways[way]) for way in possible()}
        assert {way: fine(said) for way, said in made.ways.items()} == expected, name
        assert [way for way in made.defects if (name, way) not in KNOWN] == []
