"""Every broken model is broken as it says, and nothing else is."""

from __future__ import annotations

import dataclasses
import hashlib
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forking.client import FORKING
from tests.sampling import every
from tests.zoo import Example
from tests.zoo.broken import BROKEN, Broken, feed
from tests.zoo.run import run_v1
from workbench import errors

Zoo = Callable[[str], Example]
CODES = {each.code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "code")}


ALONE = """
import sys
import tensorflow as tf
with tf.compat.v1.Session() as session:
    meta = tf.compat.v1.saved_model.load(session, ["serve"], sys.argv[1])
    chosen = meta.signature_def["serving_default"]
    session.run(chosen.outputs["y"].name, {chosen.inputs["x"].name: [[1.0] * 4]})
"""


def digest(path: Path) -> str:
    total = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        total.update(str(file.relative_to(path)).encode())
        total.update(file.read_bytes() if file.is_file() else b"")
    return total.hexdigest()


def test_there_is_enough() -> None:
    assert len(BROKEN) >= 35
    assert all(make.__doc__ for make in BROKEN.values())


@pytest.mark.parametrize("name", every(BROKEN, 4))
def test_tensorflow_minds_as_it_says(zoo: Zoo, tmp_path: Path, name: str) -> None:
    broken = BROKEN[name](zoo, tmp_path)
    assert broken.name == name
    assert broken.path.exists() != (name == "no_such_path")
    assert set(broken.codes) <= CODES
    assert broken.codes or broken.stage == "graph"
    if broken.good is None:
        return
    assert digest(broken.path) != digest(broken.good.path)
    example = dataclasses.replace(broken.good, path=broken.path)
    if broken.tensorflow == "runs":
        assert run_v1(example, feed(example))
    elif broken.tensorflow == "fails":
        with pytest.raises(Exception) as caught:
            run_v1(example, feed(example))
        assert not isinstance(caught.value, AssertionError)
    else:
        done = FORKING.program(ALONE, str(broken.path))
        assert -done.returncode in (signal.SIGABRT, signal.SIGSEGV)


def test_the_good_ones_stay_good(zoo: Zoo, tmp_path: Path) -> None:
    made: list[Broken] = []
    before: dict[str, str] = {}
    for index, (name, make) in enumerate(BROKEN.items()):
        folder = tmp_path / str(index)
        folder.mkdir()
        for good in ("v1_simple_save", "v1_hash_table", "v1_sharded", "graphdef_pb"):
            before.setdefault(good, digest(zoo(good).path))
        made.append(make(zoo, folder))
        assert {good: digest(zoo(good).path) for good in before} == before, name
    assert len({broken.path for broken in made}) == len(made)
