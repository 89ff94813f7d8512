"""All or nothing: what a stage publishes, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.sampling import plainly
from workbench.disk import files
from workbench.disk.atomic import temporary
from workbench.disk.atomic.stage import Stage
from workbench.errors import CannotWrite, MissingFile, TargetExists

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_descriptor_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd"))
    yield
    left = {
        name
        for name in os.listdir("/proc/self/fd")
        if name not in before and Path(f"/proc/self/fd/{name}").exists()
    }
    if "interrupt" in request.node.name:  # between a call that opens and the line that takes note of it
        for name in left:
            os.close(int(name))
    else:
        assert not left


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def make(target: Path, **options: Any) -> Path:
    with Stage(target, **options) as stage:
        stage.write("saved_model.pb", b"model")
        stage.write("assets/img/vocab.txt", b"a b c")
        return stage.publish()


# what is published


def test_published_whole(tmp_path: Path) -> None:
    target = tmp_path / "merged"
    assert make(target) == target
    assert names(tmp_path) == [
        "merged",
        "merged/assets",
        "merged/assets/img",
        "merged/assets/img/vocab.txt",
        "merged/saved_model.pb",
    ]
    assert (target / "assets/img/vocab.txt").read_bytes() == b"a b c"


def test_nothing_is_seen_before_it_is_published(tmp_path: Path) -> None:
    with Stage(tmp_path / "merged") as stage:
        stage.write("saved_model.pb", b"model")
        assert stage.folder.parent == tmp_path
        assert stage.folder.name.startswith(".merged.workbench-")
        assert sorted(os.listdir(tmp_path)) == [stage.folder.name, stage.folder.name + ".lock"]
        stage.publish()
        assert os.listdir(tmp_path) == ["merged"]


def test_left_without_publishing(tmp_path: Path) -> None:
    with Stage(tmp_path / "merged") as stage:
        stage.write("saved_model.pb", b"model")
    assert names(tmp_path) == []


def test_an_error_inside_leaves_nothing_and_comes_out(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Stage(tmp_path / "new" / "er" / "merged") as stage:
        stage.write("a/b/c", b"")
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_relative_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with Stage("out/merged") as stage:
        os.chdir("elsewhere")  # the target is where it was when the stage was made
        assert stage.publish() == Path("out/merged")
    assert names(tmp_path) == ["elsewhere", "out", "out/merged"]


def test_modes_follow_the_umask(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    source.chmod(0o400)
    for mask in (0o022, 0o027, 0o002):
        before = os.umask(mask)
        try:
            target = tmp_path / f"new{mask}" / "merged"
            with Stage(target) as stage:
                stage.write("deep/file", b"")
                stage.copy(source, "copy")
                stage.publish()
        finally:
            os.umask(before)
        for folder in (target.parent, target, target / "deep"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o777 & ~mask
        for file in (target / "deep/file", target / "copy"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask


def test_long_names(tmp_path: Path) -> None:
    target = tmp_path / ("ä" * 127)  # 254 bytes: no room for anything beside it
    assert make(target) == target
    with pytest.raises(CannotWrite, match="File name too long"):
        make(tmp_path / ("x" * 300))
    assert os.listdir(tmp_path) == [target.name]


def test_all_is_synced_before_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    sync, move = files.sync, files.move_to_new

    def logged_sync(descriptor: int) -> None:
        log.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    def logged_move(source: Path, target: Path) -> None:
        log.append("move")
        move(source, target)

    monkeypatch.setattr(files, "sync", logged_sync)
    monkeypatch.setattr(files, "move_to_new", logged_move)
    target = tmp_path / "new" / "merged"
    with Stage(target) as stage:
        temporary = str(stage.folder)
        stage.write("variables/x", b"x")
        (stage.folder / "by_hand").write_bytes(b"y")
        stage.publish()
    before, after = log[: log.index("move")], log[log.index("move") + 1 :]
    for inside in ("", "/variables", "/variables/x", "/by_hand"):
        assert temporary + inside in before
    assert {str(tmp_path / "new"), str(tmp_path)} <= set(after)


# what is refused


@pytest.mark.parametrize("kind", ["folder", "full folder", "file", "link", "dangling link"])
@pytest.mark.parametrize("when", ["entering", "publishing"])
def test_what_is_there_is_never_replaced(kind: str, when: str, tmp_path: Path) -> None:
    target = tmp_path / "merged"

    def occupy() -> None:
        if "folder" in kind:
            target.mkdir()
        if kind == "full folder":
            (target / "x").write_bytes(b"kept")
        if kind == "file":
            target.write_bytes(b"kept")
        if "link" in kind:
            target.symlink_to(tmp_path if kind == "link" else "nowhere")

    if when == "entering":
        occupy()
    with pytest.raises(TargetExists) as caught, Stage(target) as stage:
        assert when == "publishing"
        stage.write("saved_model.pb", b"model")
        occupy()
        stage.publish()
    assert caught.value.hint and str(target) in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["merged"]
    if kind == "full folder":
        assert names(target) == ["x"]
    if kind == "folder":
        assert names(target) == []
    if "link" in kind:
        assert target.is_symlink()


@pytest.mark.parametrize("target", ["/proc/merged", "/proc/new/merged", "/dev/null/merged", "/sys/merged"])
def test_a_place_where_nothing_can_be_made(target: str) -> None:
    with pytest.raises(CannotWrite) as caught, Stage(target):
        pytest.fail("it was entered")
    assert caught.value.where == target


def test_parent_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotWrite, match="Not a directory"):
        make(tmp_path / "file" / "deep" / "merged")
    assert names(tmp_path) == ["file"]


def test_strange_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for there in (".", "..", "/", ""):
        with pytest.raises(TargetExists):
            make(Path(there))
    with pytest.raises(CannotWrite, match="zero byte"):
        make(Path("a\0b"))
    with pytest.raises(TargetExists):
        make(Path("new/.."))
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", ".", "a\0b"])
def test_names_that_leave_the_result(name: str, tmp_path: Path) -> None:
    with Stage(tmp_path / "merged") as stage:
        with pytest.raises(CannotWrite, match="does not stay inside"):
            stage.write(name, b"")
        with pytest.raises(CannotWrite, match="does not stay inside"):
            stage.copy(ROOT / "pyproject.toml", name)
    assert names(tmp_path) == []


def test_two_files_of_one_name(tmp_path: Path) -> None:
    with Stage(tmp_path / "merged") as stage:
        stage.write("a/b", b"1")
        with pytest.raises(CannotWrite, match="File exists"):
            stage.write("a/b", b"2")
        with pytest.raises(CannotWrite):
            stage.write("a/b/c", b"3")


def test_copy_of_what_is_not_there_or_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with Stage(tmp_path / "merged") as stage:
        with pytest.raises(MissingFile, match="no such file"):
            stage.copy(tmp_path / "absent", "x")
        for what in (tmp_path / "pipe", tmp_path):
            with pytest.raises(files.DamagedFile, match="not a regular file"):
                stage.copy(what, "x")


def test_need_compares_with_what_is_free(tmp_path: Path) -> None:
    with Stage(tmp_path / "merged") as stage:
        stage.need(1)
        with pytest.raises(CannotWrite, match="1152921504606846976 bytes are needed and"):
            stage.need(1 << 60)


# serving


def test_serving_takes_the_next_number(tmp_path: Path) -> None:
    base = tmp_path / "models"
    assert make(base, serving=True) == base / "1"
    for other in ("7", "0003", "x9", "99999999999999999999", ".8", "½"):
        (base / other).mkdir()
    assert make(base, serving=True) == base / "8"
    (base / "9").write_bytes(b"a file takes a number, too")
    assert make(base, serving=True) == base / "10"
    assert (base / "10" / "saved_model.pb").read_bytes() == b"model"


def test_serving_on_a_race_takes_the_number_after(tmp_path: Path) -> None:
    with Stage(tmp_path, serving=True) as first, Stage(tmp_path, serving=True) as second:
        first.write("a", b"1")
        second.write("a", b"2")
        assert second.publish() == tmp_path / "1"
        assert first.publish() == tmp_path / "2"
    assert names(tmp_path) == ["1", "1/a", "2", "2/a"]


def test_serving_when_the_number_is_taken_between_looking_and_renaming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = files.move_to_new

    def late(source: Path, target: Path) -> None:
        if target.name == "1":
            target.mkdir()
        move(source, target)

    monkeypatch.setattr(files, "move_to_new", late)
    assert make(tmp_path, serving=True) == tmp_path / "2"
    assert sorted(os.listdir(tmp_path)) == ["1", "2"]


def test_serving_base_is_made_and_taken_back(tmp_path: Path) -> None:
    with Stage(tmp_path / "a" / "models", serving=True):
        assert (tmp_path / "a" / "models").is_dir()
    assert names(tmp_path) == []


def test_serving_base_that_others_use_is_not_taken_back(tmp_path: Path) -> None:
    base = tmp_path / "models"
    with Stage(base, serving=True):
        make(base, serving=True)
    assert sorted(os.listdir(base)) == ["1"]


def test_serving_base_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "models").symlink_to("real")
    assert make(tmp_path / "models", serving=True) == tmp_path / "models" / "1"
    assert (tmp_path / "real" / "1").is_dir()


def test_serving_refuses_a_file_and_a_model(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("file", "dangling"):
        with pytest.raises(TargetExists, match="not a folder"):
            make(tmp_path / name, serving=True)
    make(tmp_path / "model")
    with pytest.raises(TargetExists, match="is a SavedModel itself"):
        make(tmp_path / "model", serving=True)


def test_serving_after_the_highest_number(tmp_path: Path) -> None:
    (tmp_path / str(2**63 - 1)).mkdir()
    with pytest.raises(CannotWrite, match="no number after it"):
        make(tmp_path, serving=True)
    assert len(os.listdir(tmp_path)) == 1


# others at work, and the dead


def test_two_on_one_target(tmp_path: Path) -> None:
    target = tmp_path / "merged"
    with Stage(target) as loser:
        loser.write("who", b"loser")
        with Stage(target) as winner:
            winner.write("who", b"winner")
            winner.publish()
        with pytest.raises(TargetExists):
            loser.publish()
    assert names(tmp_path) == ["merged", "merged/who"]
    assert (target / "who").read_bytes() == b"winner"


DYING = """
import os, signal, sys
from workbench.disk.atomic.stage import Stage
with Stage(sys.argv[1]) as stage:
    stage.write("variables/variables.index", b"half")
    print(stage.folder, flush=True)
    if sys.argv[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def start(target: Path, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DYING, str(target), how]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_the_dead_are_removed_and_the_living_are_not(tmp_path: Path) -> None:
    dead = start(tmp_path / "merged", "kill")
    assert dead.wait() == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 2
    living = start(tmp_path / "other", "wait")
    assert living.stdout is not None and dead.stdout is not None and living.stdin is not None
    alive, gone = Path(living.stdout.readline().strip()), Path(dead.stdout.readline().strip())
    for path in (".merged.workbench-12345678", ".x.workbench-1234567g", ".x.workbench-12345678.lock.txt"):
        (tmp_path / path).mkdir()  # no lock, or no name of ours: not ours
    (tmp_path / ".y.workbench-12345678.lock").mkdir()
    try:
        make(tmp_path / "third")
        assert alive.is_dir() and alive.with_name(alive.name + ".lock").exists()
        assert not gone.exists() and not gone.with_name(gone.name + ".lock").exists()
    finally:
        living.communicate("")
        dead.stdout.close()
        assert dead.stdin is not None
        dead.stdin.close()
    assert sorted(os.listdir(tmp_path)) == sorted(
        [
            ".merged.workbench-12345678",
            ".x.workbench-12345678.lock.txt",
            ".x.workbench-1234567g",
            ".y.workbench-12345678.lock",
            "third",
        ]
    )


def test_a_lock_without_its_folder_is_removed_too(tmp_path: Path) -> None:
    (tmp_path / ".merged.workbench-12345678.lock").write_bytes(b"")
    make(tmp_path / "merged")
    assert os.listdir(tmp_path) == ["merged"]


def test_a_dead_temporary_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_bytes(b"kept")
    (tmp_path / ".merged.workbench-12345678").symlink_to("precious")
    (tmp_path / ".merged.workbench-12345678.lock").write_bytes(b"")
    make(tmp_path / "merged")
    assert (tmp_path / "precious" / "file").read_bytes() == b"kept"


def test_a_lock_taken_away_before_it_was_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_new = files.open_new
    stolen: list[Path] = []

    def meddle(path: Path) -> int:
        descriptor = open_new(path)
        if path.name.endswith(".lock") and not stolen:
            stolen.append(path)
            make(tmp_path / "other")  # sees a lock that nobody holds
        return descriptor

    monkeypatch.setattr(files, "open_new", meddle)
    with Stage(tmp_path / "merged") as stage:
        assert stolen and stage.folder.with_name(stage.folder.name + ".lock") != stolen[0]
        make(tmp_path / "third")
        assert stage.folder.is_dir()
        stage.publish()
    assert sorted(os.listdir(tmp_path)) == ["merged", "other", "third"]


def test_where_nothing_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / ".merged.workbench-12345678.lock").write_bytes(b"")
    make(tmp_path / "merged")
    assert sorted(os.listdir(tmp_path)) == [".merged.workbench-12345678.lock", "merged"]


def test_a_fork_does_not_remove_what_its_parent_makes(tmp_path: Path) -> None:
    script = """
import os, sys
from workbench.disk.atomic.stage import Stage
with Stage(sys.argv[1]) as stage:
    stage.write("x", b"")
    if os.fork() == 0:
        sys.exit()  # leaves the block and runs what is registered for the end
    os.wait()
    stage.publish()
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "merged")], cwd=ROOT, check=True)
    assert names(tmp_path) == ["merged", "merged/x"]


# file systems that can't, disks that are full


def without_noreplace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_rename_noreplace", lambda source, target: False)


def test_without_renameat2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_noreplace(monkeypatch)
    make(tmp_path / "merged")
    assert sorted(os.listdir(tmp_path)) == ["merged"]
    for kind in ("folder", "full folder", "file", "link", "dangling link"):
        folder = tmp_path / kind
        folder.mkdir()
        test_what_is_there_is_never_replaced(kind, "publishing", folder)


def test_without_renameat2_and_somebody_puts_something_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_noreplace(monkeypatch)
    move = files.move

    def late(source: Path, target: Path) -> None:
        target.mkdir()
        (target / "theirs").write_bytes(b"kept")
        move(source, target)

    monkeypatch.setattr(files, "move", late)
    with pytest.raises(TargetExists):
        make(tmp_path / "merged")
    assert names(tmp_path) == ["merged", "merged/theirs"]


def test_full_disk(tmp_path: Path) -> None:
    script = """
import resource, sys
from workbench.disk.atomic.stage import Stage
from workbench.errors import CannotWrite
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with Stage(sys.argv[1]) as stage:
        stage.write("small", bytes(1000))
        if sys.argv[2] == "copy":
            stage.copy(sys.argv[3], "big")
        else:
            stage.write("big", bytes(200_000))
except CannotWrite as problem:
    print(problem)
"""
    (tmp_path / "source").write_bytes(bytes(200_000))
    for how in ("write", "copy"):
        command = [
            sys.executable,
            "-c",
            script,
            str(tmp_path / "new" / "merged"),
            how,
            str(tmp_path / "source"),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert "File too large" in done.stdout and "big" in done.stdout
        assert names(tmp_path) == ["source"]


FAILING = ["sync", "make_folder", "move_to_new", "open_new", "write_all"]


@pytest.mark.parametrize("serving", [False, True])
@pytest.mark.parametrize("call", FAILING)
def test_a_failing_call_at_any_time_leaves_nothing(
    call: str, serving: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call the disk can fail in fails once, at its first time, its second, … until all go through."""
    original = getattr(files, call)
    for number in range(100):
        calls = 0

        def fail_once(*arguments: Any, number: int = number) -> Any:
            nonlocal calls
            calls += 1
            if calls == number + 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return original(*arguments)

        monkeypatch.setattr(files, call, fail_once)
        try:
            final = make(tmp_path / "new" / "merged", serving=serving)
        except CannotWrite as problem:
            assert "No space left" in str(problem) and problem.hint
            assert names(tmp_path) == [], number
        else:
            assert (final / "assets/img/vocab.txt").exists()
            break
    assert number > 0, f"{call} was never called"


def test_what_cannot_be_removed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    remove_tree = files.remove_tree
    monkeypatch.setattr(files, "remove_tree", refuse)
    with (
        pytest.raises(CannotWrite, match="could not be removed: Permission denied"),
        Stage(tmp_path / "merged"),
    ):
        pass
    with pytest.raises(ZeroDivisionError) as caught, Stage(tmp_path / "merged"):
        raise ZeroDivisionError
    assert "could not be removed" in caught.value.__notes__[0]
    assert len(os.listdir(tmp_path)) == 4
    monkeypatch.setattr(files, "remove_tree", remove_tree)
    make(tmp_path / "merged")  # finds them dead
    assert os.listdir(tmp_path) == ["merged"]


# interrupts


@pytest.mark.parametrize(("step", "times"), plainly([(1, 1), (1, 2), (9, 1), (9, 2)], (9, 1), (9, 2)))
@pytest.mark.parametrize("way", ["new", "serving", "fallback"])
def test_an_interrupt_on_any_line_leaves_all_or_nothing(
    way: str, step: int, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C on every line of our code in turn, or on each ninth; also a second one while the first is handled."""
    if way == "fallback":
        without_noreplace(monkeypatch)
    watched = {sys.modules[Stage.__module__].__file__, files.__file__, temporary.__file__}
    complete = 0
    for number in range(0, 3000, step):
        left = number
        strikes = times

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal left, strikes
            if frame.f_code.co_filename not in watched:
                return None
            if event == "line" and strikes:
                left -= 1
                if left < 0:
                    strikes -= 1
                    left = 3
                    raise KeyboardInterrupt
            return trace

        base = tmp_path / str(number)
        base.mkdir()
        stage = Stage(base / "new" / "merged", serving=way == "serving")
        returned = None
        sys.settrace(trace)
        try:
            with stage:
                stage.write("assets/vocab", b"a b c")
                returned = stage.publish()
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        stage.remove()  # what is registered for the end of the process, if the block could not do it
        if returned is not None or stage.published is not None:
            final = base / "new" / "merged" / ("1" if way == "serving" else "")
            assert names(final) == ["assets", "assets/vocab"]
            assert not [name for name in names(base) if "workbench-" in name], number
            complete += 1
        else:
            assert names(base) == [], number
        if strikes == times:
            break
    assert number > 100 and complete
    assert strikes == times, "the last run was not struck"
