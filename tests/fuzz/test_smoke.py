"""A few hundred inputs of each target at every run of the tests; a campaign is `python -m tests.fuzz`."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import limits
from tests.fuzz.campaign import State, make, workplace
from tests.fuzz.targets import TARGETS, Target
from workbench.disk import schema
from workbench.errors import WorkbenchError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("shards", "20"),  # the cheapest to start
        *(pytest.param(name, "400", marks=pytest.mark.exhaustive) for name in TARGETS),
    ],
)
def test_changed_seeds(name: str, inputs: str, tmp_path: Path) -> None:
    """In a process of its own: it limits its address space and has a timer that raises."""
    words = [sys.executable, "-m", "tests.fuzz", name, "--alone", "--seed", "1", "--folder", str(tmp_path)]
    done = subprocess.run([*words, "--inputs", inputs], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{name}: {inputs} inputs" in done.stdout


@pytest.mark.parametrize("name", TARGETS)
@given(seed=st.integers(0, 2**64))
@settings(print_blob=False, max_examples=settings().max_examples // 3)
def test_only_our_errors(name: str, seed: int, places: dict[str, Path]) -> None:
    """The same without limits, led by hypothesis: HYPOTHESIS_PROFILE=long looks for something new each time."""
    target = TARGETS[name]
    try:
        target.run(target.make(random.Random(seed)), places[name])
    except WorkbenchError as problem:
        assert problem.message


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for name, target in TARGETS.items():
        found[name] = tmp_path_factory.mktemp(name)
        target.prepare(found[name])
    return found


@pytest.mark.parametrize("name", TARGETS)
def test_unchanged_seeds_are_read(name: str) -> None:
    """Most: a few go, by their checksum, where such a file does not belong."""
    target = TARGETS[name]
    seeds = target.seeds()[: 10 if name == "pbtxt" else 40]
    read = 0
    with workplace(target) as place:
        for data in seeds:
            with suppress(WorkbenchError):
                target.run(str(parsed(data)).encode() if name == "pbtxt" else data, place)
                read += 1
    assert read > len(seeds) / 2


def parsed(data: bytes) -> Any:
    return schema.SavedModel.FromString(data) if data[:1] == b"\x08" else schema.GraphDef.FromString(data)


def test_an_input_is_known_by_its_number() -> None:
    target = TARGETS["index"]
    assert make(target, 0, 5) == make(target, 0, 5) != make(target, 0, 6)


class Bad(Target):
    """Fails on every third input, is slow on every fourth."""

    name = "bad"

    def seeds(self) -> list[bytes]:
        return [b"seed"]

    def change(self, data: bytes, rng: random.Random) -> bytes:
        return bytes([rng.randrange(12)])

    def prepare(self, folder: Path) -> None:
        pass

    def run(self, data: bytes, folder: Path) -> None:
        if data[0] % 3 == 0:
            raise KeyError(data)
        if data[0] % 4 == 1:
            raise WorkbenchError("as it should be")
        if data[0] == 2:
            raise MemoryError


@pytest.mark.exhaustive
def test_failures_are_kept_and_counted(tmp_path: Path) -> None:
    """A campaign goes on where it was, and tells failures apart by kind and place."""
    script = (
        "import sys; from pathlib import Path; from tests.fuzz.test_smoke import Bad; "
        "from tests.fuzz.campaign import run; run(Bad(), Path(sys.argv[1]), 0, int(sys.argv[2]))"
    )
    for inputs in ("40", "100"):
        subprocess.run([sys.executable, "-c", script, str(tmp_path), inputs], cwd=ROOT, check=True)
        assert State.read(tmp_path, 0).done == int(inputs)
    state = State.read(tmp_path, 0)
    assert {key.split()[0] for key in state.failures} == {"KeyError", "MemoryError"}
    assert sum(found["times"] for found in state.failures.values()) > 20
    assert state.outcomes["WorkbenchError"] > 5 and sum(state.outcomes.values()) == 100
    for found in state.failures.values():
        assert (tmp_path / found["file"]).is_file()
        assert "Traceback" in (tmp_path / found["file"]).with_suffix(".txt").read_text()


def test_limits() -> None:
    assert limits.seconds(2_000_000, text=False) == pytest.approx(1.2)
    assert limits.seconds(2_000_000, text=True) == pytest.approx(3)
    assert limits.memory(1 << 20) == 400 << 20
