"""Commits to which the kernel does something bad at one call: a part of what `python -m tests.faults` runs whole."""

from __future__ import annotations

import errno
import gc
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.faults import places
from tests.faults.commits import COMMITS, SAMPLES, TWO, make_models, tree
from tests.faults.kernel import WHY_NOT, Act, Call, watch, watch_here
from tests.faults.points import FAULTS, MORE_FAULTS, Bench, Fault, Point, preload, program
from tests.surgery.tiny import Tiny
from workbench.disk.checkpoint.bundle import Bundle
from workbench.errors import CannotWrite
from workbench.publishing.commit import commit
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import apply
from workbench.surgery.plan import Plan

pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")


FEW = [
    commit
    for commit in COMMITS
    if commit.name in ("merge, serving", "merge, a recipe saved", "merge, a dead one's leftovers")
]
"""What the plain run injects faults into: both formats, both ways to publish, a file beside, something to clean up."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("faults")
    bench = Bench(folder, make_models(folder / "models"))
    preload(FEW, bench.models, folder)
    return bench


@pytest.fixture(scope="module")
def points(bench: Bench) -> list[Point]:
    """Of all commits."""
    preload(COMMITS, bench.models, bench.folder)
    gc.freeze()  # so that the forks share what is here
    return bench.points(COMMITS)


@pytest.fixture(scope="module")
def few_points(bench: Bench) -> list[Point]:
    gc.freeze()
    return bench.points(FEW)


def first_of_each_site(points: list[Point]) -> list[Point]:
    found: dict[tuple[str, ...], Point] = {}
    for point in points:
        found.setdefault(point.site, point)
    return list(found.values())


@pytest.mark.exhaustive
def test_there_are_300(points: list[Point]) -> None:
    """In 80 places, by the calls that lead to them: commands that are made from fields share theirs."""
    assert len(points) >= 300
    assert len(first_of_each_site(points)) >= 80
    assert {point.commit.name for point in points} == {commit.name for commit in COMMITS}


@pytest.mark.exhaustive
def test_every_place_that_changes_a_disk_is_a_point(points: list[Point]) -> None:
    """Those in the code of a commit, found in its source; so a new one is met, or this fails."""
    met = {line for point in points for line in point.call.stack}
    assert {place for place in places.of_commits() if place not in met} == set()


def test_no_place_changes_a_disk_unknown_to_us() -> None:
    assert places.elsewhere() == places.KNOWN_ELSEWHERE


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_site(bench: Bench, points: list[Point], fault: Fault) -> None:
    bench.failures.clear()
    bench.try_all(first_of_each_site(points), [fault])
    assert not bench.failures, "\n".join(bench.failures)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_some_sites(bench: Bench, few_points: list[Point], fault: Fault) -> None:
    """Another part of the sites for each."""
    bench.failures.clear()
    sites = first_of_each_site(few_points)
    assert len(sites) >= 35 and {point.commit.name for point in few_points} == {commit.name for commit in FEW}
    bench.try_all(sites[FAULTS.index(fault) :: 4 * len(FAULTS)], [fault])
    assert not bench.failures, "\n".join(bench.failures)


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", MORE_FAULTS, ids=lambda fault: fault.name)
def test_more_faults_at_some(bench: Bench, points: list[Point], fault: Fault) -> None:
    """Another part of the sites for each."""
    bench.failures.clear()
    start = MORE_FAULTS.index(fault)
    bench.try_all(first_of_each_site(points)[start :: 2 * len(MORE_FAULTS)], [fault])
    assert not bench.failures, "\n".join(bench.failures)


@pytest.mark.exhaustive
def test_killed_while_it_cleans_up(bench: Bench, points: list[Point]) -> None:
    """An error, and at the first or second call of what undoes it the end."""
    chosen = [point for point in first_of_each_site(points) if point.call.name == "fsync"][::3]
    killed_later = 0
    for point, later in ((point, later) for point in chosen for later in (1, 2)):

        def decide(call: Call, number: int = point.call.number, later: int = later) -> Act | None:
            if call.number == number:
                return Act(error=errno.EIO)
            return Act(signal.SIGKILL) if call.number == number + later else None

        place = bench.folder / "place"
        point.commit.prepare(place)
        words = point.commit.command(bench.models, place)
        ended = watch(lambda words=words: program(words, bench.state), decide)  # type: ignore[misc]
        if ended.code != -signal.SIGKILL:  # a single file is undone by one call
            assert later == 2 and ended.code == 3
            assert not [name for name in tree(place) if ".workbench-" in name]
        killed_later += later == 2 and ended.code == -signal.SIGKILL
        assert point.commit.target not in tree(place)
        assert watch(lambda words=words: program(words, bench.state), lambda call: None).code == 0  # type: ignore[misc]
        assert not [name for name in tree(place) if ".workbench-" in name]
        shutil.rmtree(place)
    assert killed_later


@pytest.mark.exhaustive
def test_what_commits_killed_at_twenty_moments_left_is_removed_by_the_next(
    bench: Bench, points: list[Point], tmp_path: Path
) -> None:
    """What each leaves is laid aside, and all of it is there when the next one comes."""
    commit = COMMITS[0]
    own = [point.call.number for point in points if point.commit is commit]
    moments = own[:: max(1, len(own) // 20)][:20]
    assert len(moments) == 20
    place, aside = tmp_path / "place", tmp_path / "aside"
    aside.mkdir()
    left = 0
    for number in moments:
        commit.prepare(place)
        ended = watch(
            lambda: program(commit.command(bench.models, place), bench.state),
            lambda call, number=number: Act(signal.SIGKILL) if call.number == number else None,  # type: ignore[misc]
        )
        assert ended.code == -signal.SIGKILL
        hidden = [path for path in place.iterdir() if path.name.startswith(".")]
        left += bool(hidden)
        for path in hidden:
            path.rename(aside / path.name)
        shutil.rmtree(place)
    assert left >= 10
    commit.prepare(place)
    for path in aside.iterdir():
        path.rename(place / path.name)
    ended = watch(lambda: program(commit.command(bench.models, place), bench.state), lambda call: None)
    assert ended.code == 0, ended.err
    assert [path.name for path in place.iterdir()] == [commit.target]


@pytest.mark.exhaustive
def test_a_crowd_in_one_serving_folder_of_which_half_is_killed(bench: Bench, tmp_path: Path) -> None:
    """Versions that are there are whole, none twice; and who comes after the dead removes what they left."""
    base = tmp_path / "base"
    words = [word.format(m=SAMPLES, o=tmp_path) for word in f"{TWO} --serving -o {{o}}/base".split()]
    chance = random.Random(5)
    published, killed = 0, 0
    for _ in range(3):
        crowd: list[tuple[int, int]] = []  # pid, the call it is killed at
        for number in range(6):
            victim = chance.randrange(5, 30) if number % 2 else -1
            pid = os.fork()
            if pid == 0:
                ended = watch(
                    lambda: program(["merge", *words, "--json"], bench.state),
                    lambda call, victim=victim: Act(signal.SIGKILL) if call.number == victim else None,  # type: ignore[misc]
                )
                os._exit(0 if ended.code == 0 else 9 if ended.code == -signal.SIGKILL else 1)
            crowd.append((pid, victim))
        for pid, victim in crowd:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            assert code == 0 if victim < 0 else code in (0, 9)
            published += code == 0
            killed += code == 9
    assert killed >= 5
    names = [name for name in os.listdir(base) if not name.startswith(".")]
    assert published <= len(names) <= published + killed  # killed after the rename: it is there, and whole
    whole = tree(base / "1")
    for name in names:
        assert tree(base / name) == whole
        assert not Bundle.open(base / name / "variables" / "variables").verify()
    assert watch(lambda: program(["merge", *words], bench.state), lambda call: None).code == 0
    assert not [name for name in os.listdir(base) if name.startswith(".")]


SMALL_DISK = """
mount -t tmpfs -o size=$1 none $2 || exit 77
shift 2
"$@"
code=$?
ls -A $0
exit $code
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("size", ["4k", "16k", "48k", "128k"])
def test_a_small_disk(size: str, tmp_path: Path) -> None:
    """A real one: a tmpfs of that size in a mount namespace of its own. The plain run has one among bad inputs."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["merge", SAMPLES / "image_base64", SAMPLES / "digits", "--wire", "pixels=myInput", "--no-verify"]
    command = [sys.executable, "-m", "workbench", *map(str, words), "-o", str(disk / "out"), "--json"]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", SMALL_DISK, str(disk), size, str(disk), *command],
        capture_output=True,
        text=True,
        cwd=SAMPLES.parent,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this user can't mount a tmpfs")
    line, *left = done.stdout.splitlines()
    if size == "128k":
        assert done.returncode == 0 and left == ["out"]
        return
    assert done.returncode == 3 and left == []
    error = json.loads(line)["error"]
    assert error["code"] == "cannot-write" and "space" in (error["message"] + error["hint"])


# -- proven ones


@pytest.mark.exhaustive
@pytest.mark.needs_tf
def test_each_call_of_a_proven_commit(child: Child, tmp_path: Path) -> None:
    """Of a wire that ends inside a call, whose source with its calls opened is a private copy, not beside the target.

    The calls that an unproven commit makes as well are left to the tests above.
    """
    twice = (
        Tiny(tmp_path / "twice").placeholder("x", shape=(None, 10)).node("y", "AddV2", "x", "x", T="float32")
    )
    shape = ("float32", (None, 10))
    models = {
        "digits": SAMPLES / "digits_tf2",
        "twice": twice.signature(x_in=("x:0", *shape), y_out=("y:0", *shape)).save(),
    }
    before = {name: tree(path) for name, path in models.items()}
    draft = apply(Plan.join(**models, wires=[INSIDE]))
    (tmp_path / "base").mkdir()

    def committed(decide: object) -> tuple[object, BaseException | None, list[Call]]:
        return watch_here(
            lambda: commit(draft, tmp_path / "base" / "out", child=child, proving=Proving()),
            decide,  # type: ignore[arg-type]
        )

    report, problem, calls = committed(lambda call: None)
    assert problem is None and getattr(report, "verdict", "") == "verified", (problem, report)
    whole = tree(tmp_path / "base" / "out")
    shutil.rmtree(tmp_path / "base" / "out")
    own = [call for call in calls if call.path.endswith("-proof.json")]
    by_name = defaultdict(list)
    for call in own:
        by_name[call.name].append(call.number)
    assert {"openat", "write", "fsync"} <= by_name.keys()
    for call in own:
        number = errno.ENOSPC if call.number % 2 else errno.EIO
        report, problem, _ = committed(
            lambda other, at=call.number, number=number: Act(error=number) if other.number == at else None
        )
        assert isinstance(problem, CannotWrite), (call, report, problem)
        assert os.strerror(number) in str(problem) and os.listdir(tmp_path / "base") == [], call
    report, problem, _ = committed(lambda call: None)
    found = tree(tmp_path / "base" / "out")
    assert problem is None and found.keys() == whole.keys()
    assert [name for name in found if found[name] != whole[name]] in ([], [PROOF])
    assert {name: tree(path) for name, path in models.items()} == before


INSIDE = "StatefulPartitionedCall::StatefulPartitionedCall::add=x"
PROOF = "assets.extra/workbench-proof.json"
