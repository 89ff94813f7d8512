"""A fault point is one call of one commit; what must hold after a fault at it, whatever the fault.

The sources are as they were. The target is not there, or whole: the same bytes as of a commit nothing has happened to.
No process is left and nothing else lies about, unless the process was killed, or said that it could not remove it. What
went wrong is said in words, with the exit code for it. The next commit succeeds and removes what a dead one left (it is
run only where something is left: anywhere else it would be the undisturbed one again).
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.faults.commits import LITTER, Commit, tree
from tests.faults.kernel import Act, Call, Ended, watch
from workbench.__main__ import main

ALLOCATING = frozenset(
    {"write", "pwrite64", "writev", "sendfile", "copy_file_range", "mkdir", "mkdirat", "open", "openat", "creat",
     "fsync", "symlink", "symlinkat", "rename", "renameat2", "link", "linkat", "fallocate"}
)  # fmt: skip
"""What a full disk refuses."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at a call.

    Attributes:
        name: what it is called.
        act: what happens.
        lasting: at all calls after it as well, too.
        of: only at these calls, if lasting.
        times: how many calls at most, if lasting.
    """

    name: str
    act: Act
    lasting: bool = False
    of: frozenset[str] | None = None
    times: int = 10**9

    @property
    def kills(self) -> bool:
        """Whether the process has no chance to clean up."""
        return self.act.signal == signal.SIGKILL

    def at(self, number: int, call: Call) -> Act | None:
        """What becomes of a call, if the fault is that of call `number`."""
        if call.number == number:
            return self.act
        if (
            self.lasting
            and number < call.number < number + self.times
            and (self.of is None or call.name in self.of)
        ):
            return self.act
        return None


KILL = Fault("kill", Act(signal.SIGKILL))
EIO = Fault("EIO", Act(error=errno.EIO))
ENOSPC = Fault("ENOSPC", Act(error=errno.ENOSPC))
SIGINT = Fault("SIGINT", Act(signal.SIGINT))
FAULTS = (KILL, EIO, ENOSPC, SIGINT)
"""Those that every point must stand."""

MORE_FAULTS = (
    Fault("SIGTERM", Act(signal.SIGTERM)),
    Fault("a disk that is full from here on", Act(error=errno.ENOSPC), lasting=True, of=ALLOCATING),
    Fault("a disk that is dead from here on", Act(error=errno.EIO), lasting=True),
    Fault("a read-only disk from here on", Act(error=errno.EROFS), lasting=True),
    Fault("SIGINT at ten calls from here on", Act(signal.SIGINT), lasting=True, times=10),
)
_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}


@dataclass(frozen=True, slots=True)
class Point:
    """One call of one commit."""

    commit: Commit
    call: Call

    @property
    def site(self) -> tuple[str, ...]:
        """Where it is in the code: the call, and the lines of `workbench` it comes from."""
        return (self.call.name, *self.call.stack)

    def __str__(self) -> str:
        where = " ← ".join(self.call.stack[:3])
        return f"{self.commit.name}, call {self.call.number}: {self.call.name} {self.call.path} ({where})"


@dataclass(slots=True)
class Bench:
    """Runs commits with faults, each in a folder of its own below `folder`.

    Attributes:
        folder: where.
        models: the sources.
        failures: what did not hold.
        runs: commits run with a fault.
    """

    folder: Path
    models: Path
    failures: list[str] = field(default_factory=list)
    runs: int = 0
    _whole: dict[str, dict[str, bytes | str]] = field(default_factory=dict)
    _sources: dict[str, bytes | str] = field(default_factory=dict)

    def points(self, commits: Sequence[Commit]) -> list[Point]:
        """All fault points of these commits, each run once undisturbed, and noted what it gives."""
        self._sources = tree(self.models)
        found = []
        for commit in commits:
            place = self._place(commit)
            ended = self._run(commit, place, stacks=True)
            assert ended.code == (3 if commit.fails else 0), (commit.name, ended.err)
            before = {name for name, _ in commit.before}
            left = [
                name for name in tree(place) if ".workbench-" in name or (commit.fails and name not in before)
            ]
            assert not left, (commit.name, left)
            if commit.fails:
                assert self._run(replace(commit, refused={}), place).code == 0
            self._whole[commit.name] = tree(place)
            found += [Point(commit, call) for call in ended.calls if commit.error(call, place) is None]
            shutil.rmtree(place)
            shutil.rmtree(self.state, ignore_errors=True)
        return found

    def try_all(self, points: Sequence[Point], faults: Sequence[Fault]) -> None:
        """Injects each fault at each point, and notes what does not hold."""
        for point in points:
            for fault in faults:
                self.try_one(point, fault)

    def try_one(self, point: Point, fault: Fault) -> None:
        """Injects a fault at a point, and notes what does not hold."""
        self.runs += 1
        place = self._place(point.commit)
        ended = self._run(point.commit, place, lambda call: fault.at(point.call.number, call))
        problems = list(self._after(point.commit, fault, place, ended))
        if fault.kills or any(".workbench-" in name for name in tree(place)):
            problems += self._next(point.commit, place)
        elif len(tree(self.state)) > 2 and not point.commit.littered:
            problems.append(f"left behind: {sorted(tree(self.state))}")
        self.failures += [f"{fault.name} at {point}: {problem}" for problem in problems]
        shutil.rmtree(place)
        shutil.rmtree(self.state, ignore_errors=True)

    def _place(self, commit: Commit) -> Path:
        place = self.folder / "place"
        commit.prepare(place)
        if commit.littered:
            (self.state / "workbench").mkdir(parents=True)
            (self.state / "workbench" / "sources.json.999999999").write_bytes(b"half")
        return place

    def _run(
        self,
        commit: Commit,
        place: Path,
        decide: Callable[[Call], Act | None] = lambda call: None,
        *,
        stacks: bool = False,
    ) -> Ended:
        def decided(call: Call) -> Act | None:
            refused = commit.error(call, place)
            return Act(error=refused) if refused else decide(call)

        words = commit.command(self.models, place)
        return watch(lambda: program(words, self.state), decided, stacks=stacks)

    @property
    def state(self) -> Path:
        """Where the command line keeps what it remembers."""
        return self.folder / "state"

    def _after(self, commit: Commit, fault: Fault, place: Path, ended: Ended) -> Iterator[str]:
        if ended.left:
            yield "a process is left"
        if "Traceback" in ended.err or "Exception ignored" in ended.err:
            yield f"a traceback: {ended.err}"
        if tree(self.models) != self._sources:
            yield "the sources have changed"
        expected, found = self._whole[commit.name], tree(place)
        published = commit.target in found
        told = "could not be removed" in ended.err
        wrong = _wrong(expected, found, commit.target)
        if published and wrong:
            yield f"the target is not whole: {wrong}"
        for name in commit.beside:
            if name in found and found[name] not in (expected[name], dict(commit.before).get(name)):
                yield f"{name} is not whole"
        if ended.code == 0:
            if not published:
                yield "it says it is done, and there is no target"
        elif fault.act.error is not None or (commit.fails and ended.code == 3):
            if ended.code != 3 or not ended.err.strip():
                yield f"exit code {ended.code}, said {ended.err!r}"
            if published and not told:
                yield "it failed, and the target is there"
        elif ended.code != _CODES[signal.Signals(fault.act.signal or 0)]:
            yield f"exit code {ended.code}, said {ended.err!r}"
        left = [name for name in found if name not in expected and not name.startswith(LITTER)]
        if not published:  # nor the folders above it
            left += [name for name in found if commit.target.startswith(f"{name}/")]
        if left and not fault.kills and not told:
            yield f"left behind with exit code {ended.code}: {left}; said {ended.err!r}"

    def _next(self, commit: Commit, place: Path) -> Iterator[str]:
        """Commits again, to new names where the target, or a file beside it, is there already."""
        again = replace(commit, refused={}) if commit.fails else commit
        if commit.target in tree(place) and not commit.target[-1].isdigit():
            words, target = commit.words.replace("/out", "/again"), commit.target.replace("out", "again")
            again = replace(again, words=words, target=target)
        for name in commit.beside:
            if name in tree(place) and "--overwrite" not in again.words:
                again = replace(again, words=again.words.replace(name, f"again-{name}"))
        ended = self._run(again, place)
        found = tree(place)
        if ended.code != 0:
            yield f"the next commit fails: {ended.err}"
        elif left := [
            name
            for name in (*found, *tree(self.state))
            if ".workbench-" in name
            or (name not in ("workbench", "workbench/sources.json") and name not in found)
        ]:
            yield f"the next commit leaves {left}"
        if again.target not in found:
            yield "the next commit makes no target"


def _wrong(expected: dict[str, bytes | str], found: dict[str, bytes | str], target: str) -> list[str]:
    """What of the target is not as expected."""
    names = {name for name in expected.keys() | found.keys() if name.startswith(f"{target}/")}
    return sorted(name for name in names if expected.get(name) != found.get(name))


def program(words: Sequence[str], state: Path) -> int:
    """The command line, as a program of its own."""
    os.environ["XDG_STATE_HOME"] = str(state)
    sys.argv = ["workbench", *words]
    main()
    return 0


def preload(commits: Sequence[Commit], models: Path, folder: Path) -> None:
    """Imports all that these commits need, so that each fork of this process has it."""
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    from workbench.cli.main import main as run

    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(folder / "preloaded")
    for number, commit in enumerate(commits):
        place = folder / f"preload{number}"
        commit.prepare(place)
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
            code = run(commit.command(models, place))
        assert code == 0, (commit.name, said.getvalue())
        shutil.rmtree(place)
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before
