"""Whatever ends a command early: all of the result is there or nothing, and no process is left.

Phases are met as a person sees them: by what `-v` says on stderr. Ctrl-C goes to the whole process group, as a
terminal sends it; the child has a session of its own, so it is the parent that must end it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.cli.tools import DIGITS, IMAGE, WIRE, call, tree
from tests.forking.client import CAN_FORK, FORKING
from tests.forking.commands import Command
from tests.sampling import plainly
from tests.timing import HANG, wait_for
from workbench.disk import dtypes, schema
from workbench.disk.checkpoint import bundle_write
from workbench.disk.checkpoint.bundle import Bundle

Start = Callable[..., "Running"]
SIGNALS = [
    ("group", signal.SIGINT),
    ("parent", signal.SIGINT),
    ("parent", signal.SIGTERM),
    ("group", signal.SIGHUP),  # the terminal is closed
]


def each_signal(plain: tuple[str, signal.Signals]) -> pytest.MarkDecorator:
    """Try each signal; the plain run takes one, another for each phase."""
    names = [f"{number.name} to {whom}" for whom, number in SIGNALS]
    return pytest.mark.parametrize(("whom", "number"), plainly(SIGNALS, plain), ids=names)


CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
MERGE = ("merge", IMAGE, DIGITS, "--wire", WIRE)


class Running:
    """A command in a process of its own, with its talk as it comes."""

    def __init__(self, words: Sequence[str | Path], **environment: str) -> None:
        self.process = Command(
            *words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **environment},
        )
        self.said: list[str] = []
        self.children: list[psutil.Process] = []
        self.held: list[int] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)

    @property
    def err(self) -> str:
        return "".join(self.said)

    def until(self, text: str) -> None:
        """Waits until `text` was said, and notes which processes it has started by then."""
        deadline = time.monotonic() + HANG
        while text not in self.err:
            if self.process.poll() is not None:
                self._reader.join(HANG)
                assert text in self.err, f"it ended before it said {text!r}: {self.err}"
            assert time.monotonic() < deadline, f"it never said {text!r}: {self.err}"
            time.sleep(0.002)
        with suppress(psutil.NoSuchProcess):
            self.children = psutil.Process(self.process.pid).children(recursive=True)

    def hold(self, pipe: Path) -> bool:
        """Open a pipe to write, unless nobody reads it yet; it is closed when all has ended."""
        with suppress(OSError):
            self.held.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(self.held)

    def send(self, whom: str, number: int) -> None:
        if self.process.poll() is not None:
            return  # it was too late
        if whom == "group":
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def end(self) -> int:
        """Waits for its end, and that of all it started; its exit code.

        Python ends itself by SIGINT if that struck while a string was executed (as dataclasses do), whatever the exit
        code; a shell calls both 130.
        """
        code = self.process.wait(HANG)
        _, alive = psutil.wait_procs(self.children, HANG)
        assert not alive, f"left behind: {alive}"
        self._reader.join(HANG)
        assert "Traceback" not in self.err and "Exception ignored" not in self.err, self.err
        return CODES[signal.SIGINT] if code == -signal.SIGINT else code

    def out(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.read()


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Running] = []

    def start(*words: str | Path, **environment: str) -> Running:
        running.append(Running(words, **environment))
        return running[-1]

    yield start
    for each in running:
        for process in (each.process, *each.children):
            if process.poll() is None if isinstance(process, subprocess.Popen) else process.is_running():
                process.kill()
        each.process.communicate()
        for pipe in each.held:
            os.close(pipe)


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits with 64 MB more in their checkpoint: copying it takes a moment."""
    path = tmp_path_factory.mktemp("heavy") / "digits"
    shutil.copytree(DIGITS, path)
    old = Bundle.open(DIGITS / "variables" / "variables")
    tensors = {key: (old.entry(key).dtype, old.entry(key).shape, old.raw(key)) for key in list(old.keys())}
    tensors["slack"] = (dtypes.enum("uint8"), (64 << 20,), bytes(64 << 20))
    shutil.rmtree(path / "variables")
    bundle_write.write(path / "variables" / "variables", tensors)
    return path


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frozen GraphDef, `x` to `y`, both float32 [?,784], that multiplies 0 by 0 for ever before it adds."""
    graph = schema.GraphDef()
    graph.versions.producer = 1395

    def add(name: str, op: str, *inputs: str, kind: str = "T", dtype: str = "float32") -> object:
        node = graph.node.add(name=name, op=op, input=inputs)
        node.attr[kind].type = dtypes.enum(dtype)
        return node

    def const(name: str, dtype: str, **value: object) -> None:
        tensor = add(name, "Const", kind="dtype", dtype=dtype).attr["value"].tensor  # type: ignore[attr-defined]
        tensor.dtype = dtypes.enum(dtype)
        tensor.tensor_shape.SetInParent()
        for field, item in value.items():
            getattr(tensor, field).append(item)

    x = add("x", "Placeholder", kind="dtype")
    for size in (-1, 784):
        x.attr["shape"].shape.dim.add(size=size)  # type: ignore[attr-defined]
    const("zero", "float32", float_val=0.0)
    const("one", "float32", float_val=1.0)
    for name, source, fixed in (("enter", "zero", False), ("limit", "one", True)):
        node = add(name, "Enter", source)
        node.attr["frame_name"].s = b"loop"  # type: ignore[attr-defined]
        node.attr["is_constant"].b = fixed  # type: ignore[attr-defined]
        node.attr["parallel_iterations"].i = 1  # type: ignore[attr-defined]
    add("merge", "Merge", "enter", "next").attr["N"].i = 2  # type: ignore[attr-defined]
    add("less", "Less", "merge", "limit")
    graph.node.add(name="cond", op="LoopCond", input=["less"])
    add("switch", "Switch", "merge", "cond")
    add("step", "Mul", "switch:1", "switch:1")
    add("next", "NextIteration", "step")
    add("exit", "Exit", "switch")
    add("y", "AddV2", "x", "exit")
    path = tmp_path_factory.mktemp("endless") / "endless.pb"
    path.write_bytes(graph.SerializeToString())
    return path


def strike(
    begin: Callable[[Path], Running], folder: Path, whom: str, number: int, times: int = 1
) -> tuple[int, Path]:
    """Begins a command in a folder of its own and sends it a signal; its exit code, and the folder.

    On a busy machine the signal may come when all is done: then once more.
    """
    for attempt in range(10):
        place = folder / f"attempt-{attempt}"
        place.mkdir()
        running = begin(place)
        for again in range(times):
            if again:
                time.sleep(0.005)
            running.send(whom, number)
        code = running.end()
        if code != 0:
            return code, place
    raise AssertionError("ten times the signal was too late")


def nothing_is_left(folder: Path, before: dict[str, str]) -> None:
    assert tree(folder) == before


def the_next_cleans_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A merge to the same target removes what a killed one left, and is whole itself."""
    done = call(capsys, *MERGE, "--no-verify", "-o", folder / "out")
    assert done.code == 0, done.err
    assert [path.name for path in folder.iterdir()] == ["out"]
    assert (folder / "out" / "saved_model.pb").is_file()


# --- without TensorFlow -----------------------------------------------------------------------------------------


def reading(start: Start, folder: Path, *more: str) -> Running:
    """A merge that waits for the value of an input: nobody writes into the pipe."""
    pipe = folder / "value"
    os.mkfifo(pipe)
    running = start(*MERGE, "-o", folder / "out", "--input", f"base64_input=@{pipe}", "-v", *more)
    running.until("info R5-scalar image_base64@base64_input")
    wait_for(lambda: running.hold(pipe), "the reader of the pipe")
    # Python acts on no signal between its last look and the system call that waits.
    wait_for(lambda: psutil.Process(running.process.pid).status() == psutil.STATUS_SLEEPING, "its waiting")
    return running


@each_signal(SIGNALS[2])
def test_while_reading(start: Start, tmp_path: Path, whom: str, number: signal.Signals) -> None:
    running = reading(start, tmp_path)
    running.send(whom, number)
    assert running.end() == CODES[number]
    assert [path.name for path in tmp_path.iterdir()] == ["value"]


def test_an_interrupt_with_json_is_one_line(start: Start, tmp_path: Path) -> None:
    running = reading(start, tmp_path, "--json")
    running.send("group", signal.SIGINT)
    assert running.end() == 130
    (line,) = running.out().splitlines()
    assert json.loads(line)["error"]["code"] == "interrupted"


def writing(start: Start, heavy: Path, folder: Path, text: str) -> Running:
    words = ("merge", IMAGE, heavy, "--wire", WIRE, "--no-verify", "-v", "-o", folder / "deep" / "out")
    running = start(*words)
    running.until(text)
    return running


@each_signal(SIGNALS[0])
@pytest.mark.parametrize("text", plainly(["check: ", "writing the result", "variables 1"], "variables 1"))
def test_while_writing(
    start: Start, heavy: Path, tmp_path: Path, whom: str, number: signal.Signals, text: str
) -> None:
    code, place = strike(lambda place: writing(start, heavy, place, text), tmp_path, whom, number)
    assert code == CODES[number]
    assert not list(place.iterdir())  # the folder above the target is taken back, too


@each_signal(SIGNALS[2])
def test_while_publishing(
    start: Start, heavy: Path, tmp_path: Path, whom: str, number: signal.Signals
) -> None:
    """It may be too late to stop it; then it is whole."""
    running = writing(start, heavy, tmp_path, "publishing")
    running.send(whom, number)
    code = running.end()
    if (tmp_path / "deep").exists():
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
        result = tmp_path / "deep" / "out"
        assert not Bundle.open(result / "variables" / "variables").verify()
        assert (result / "assets.extra" / "workbench.json").is_file()
        # as Python ends it gives signals back to the system: what strikes then can stop nothing any more
        assert code in (0, CODES[number], -number)
    else:
        assert code == CODES[number]


@pytest.mark.exhaustive
def test_leaning_on_ctrl_c(start: Start, heavy: Path, tmp_path: Path) -> None:
    code, place = strike(
        lambda place: writing(start, heavy, place, "variables 1"), tmp_path, "group", signal.SIGINT, 20
    )
    assert code == 130
    assert not list(place.iterdir())


@pytest.mark.parametrize("text", plainly(["writing the result", "variables 1"], "variables 1"))
def test_killed_while_writing(
    start: Start, heavy: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:

    def begin(place: Path) -> Running:
        words = ("merge", IMAGE, heavy, "--wire", WIRE, "--no-verify", "-v", "-o", place / "out")
        running = start(*words)
        running.until(text)
        return running

    code, place = strike(begin, tmp_path, "parent", signal.SIGKILL)
    assert code == -signal.SIGKILL
    left = [path.name for path in place.iterdir()]
    assert left and all(name.startswith(".out.workbench-") for name in left)
    the_next_cleans_up(place, capsys)


def test_two_at_once_on_one_target(start: Start, heavy: Path, tmp_path: Path) -> None:
    """One gets it, the other is told; neither harms the other."""
    words = ("merge", IMAGE, heavy, "--wire", WIRE, "--no-verify", "-v", "-o", tmp_path / "out")
    two = [start(*words), start(*words)]
    codes = sorted(each.end() for each in two)
    assert codes == [0, 3]
    loser = next(each for each in two if each.process.returncode == 3)
    assert "out: The target exists already" in loser.err
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not Bundle.open(tmp_path / "out" / "variables" / "variables").verify()


@pytest.mark.exhaustive
def test_two_versions_at_once(start: Start, heavy: Path, tmp_path: Path) -> None:
    words = ("merge", IMAGE, heavy, "--wire", WIRE, "--no-verify", "-v", "--serving", "-o", tmp_path / "base")
    two = [start(*words), start(*words)]
    assert [each.end() for each in two] == [0, 0]
    assert sorted(path.name for path in (tmp_path / "base").iterdir()) == ["1", "2"]
    said = {each.out().splitlines()[0].split(":")[0] for each in two}
    assert said == {str(tmp_path / "base" / version) for version in "12"}


# --- without a TensorFlow ---------------------------------------------------------------------------------------


@pytest.fixture
def bare_python(tmp_path: Path) -> Path:
    """An interpreter that has nothing installed."""
    path = tmp_path / "bare" / "python"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    path.chmod(0o755)
    return path


def test_an_interpreter_without_tensorflow(
    bare_python: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(tmp_path)
    done = call(capsys, *MERGE, "-o", tmp_path / "out", "--python", bare_python)
    assert done.code == 1
    assert "Not published: not run" in done.out
    assert "TensorFlow can't be imported" in done.out and "--python" in done.out
    assert "writing" not in done.err  # known before anything is copied
    nothing_is_left(tmp_path, before)
    as_data = call(capsys, *MERGE, "-o", tmp_path / "out", "--python", bare_python, "--json")
    (line,) = as_data.out.splitlines()
    found = json.loads(line)
    assert as_data.code == 1
    assert (found["verdict"], found["path"]) == ("not run", None)
    done = call(
        capsys, "run", DIGITS, "--signature", "serving_default", "--input", f"myInput={[[0] * 784]}",
        "--python", bare_python,
    )  # fmt: skip
    assert done.code == 1 and done.out == ""
    assert "TensorFlow can't be imported" in done.err and "pip install tensorflow" in done.err


def test_an_installation_without_tensorflow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """inspect and a merge that runs nothing need none; one that should be run is not."""
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "tensorflow.py").write_text("raise ImportError('not installed here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hide"))  # for the child
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # importing it here fails
    assert call(capsys, "inspect", DIGITS).code == 0
    merged = call(capsys, *MERGE, "--no-verify", "-o", tmp_path / "out")
    assert merged.code == 0 and "unverified" in merged.out
    refused = call(capsys, *MERGE, "-o", tmp_path / "out2")
    assert refused.code == 1
    for words in ("not run", "not installed here", "pip install tensorflow"):
        assert words in refused.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hide", "out"]


# --- with TensorFlow --------------------------------------------------------------------------------------------


def starting(start: Start, endless: Path, folder: Path) -> Running:
    running = start(*MERGE, "-v", "-o", folder / "out")
    running.until("importing TensorFlow")
    return running


def reference(start: Start, endless: Path, folder: Path) -> Running:
    words = ("merge", endless, DIGITS, "--wire", "y=myInput", "-v", "-o", folder / "out")
    running = start(*words)
    running.until("reference: endless")
    time.sleep(0.3)
    return running


def verifying(start: Start, endless: Path, folder: Path) -> Running:
    running = start(*MERGE, "-v", "-o", folder / "out")
    running.until("result: v1 Session")
    return running


PHASES = [starting, reference, verifying]
each_phase = pytest.mark.parametrize("phase", plainly(PHASES, starting), ids=lambda phase: phase.__name__)


WHILE_RUNNING = [
    (starting, "group", signal.SIGINT),
    (starting, "parent", signal.SIGTERM),
    (reference, "group", signal.SIGINT),
    (reference, "parent", signal.SIGINT),
    (reference, "parent", signal.SIGTERM),
    (verifying, "group", signal.SIGINT),
    (verifying, "parent", signal.SIGTERM),
]


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    ("phase", "whom", "number"),
    plainly(WHILE_RUNNING, WHILE_RUNNING[0], WHILE_RUNNING[1]),
    ids=lambda value: getattr(value, "__name__", None) or getattr(value, "name", value),
)
def test_while_tensorflow_runs(
    start: Start,
    endless: Path,
    tmp_path: Path,
    phase: Callable[..., Running],
    whom: str,
    number: signal.Signals,
) -> None:

    def begin(place: Path) -> Running:
        running = phase(start, endless, place)
        assert running.children
        return running

    code, place = strike(begin, tmp_path, whom, number)
    assert code == CODES[number]
    assert not list(place.iterdir())


@pytest.mark.needs_tf
@each_phase
def test_killed_while_tensorflow_runs(
    start: Start,
    endless: Path,
    tmp_path: Path,
    phase: Callable[..., Running],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody is there to clean up: the child sees that its parent is gone, the next merge removes the folder."""
    code, place = strike(lambda place: phase(start, endless, place), tmp_path, "parent", signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert list(place.iterdir())
    the_next_cleans_up(place, capsys)


@pytest.mark.needs_tf
@pytest.mark.parametrize("phase", plainly([starting, reference], starting), ids=lambda phase: phase.__name__)
def test_the_child_is_killed(
    start: Start, endless: Path, tmp_path: Path, phase: Callable[..., Running]
) -> None:
    """As the kernel does when memory runs out: a verdict, not an error of ours."""
    running = phase(start, endless, tmp_path)
    (child,) = running.children
    child.kill()
    assert running.end() == 1
    said = " ".join(running.out().split())
    assert "Not published: " in said and "was ended by SIGKILL" in said and "memory" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.needs_tf
@pytest.mark.exhaustive
def test_one_death_is_not_held_against_the_result(start: Start, endless: Path, tmp_path: Path) -> None:
    """Each loader gets another process; what is equal there is equal."""
    running = verifying(start, endless, tmp_path)
    (child,) = running.children
    child.kill()
    assert running.end() == 0
    assert "verified" in running.out()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.needs_tf
@pytest.mark.exhaustive
def test_every_child_is_killed_while_verifying(start: Start, endless: Path, tmp_path: Path) -> None:
    running = verifying(start, endless, tmp_path)
    while running.process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for child in running.children:
                child.kill()
        with suppress(psutil.NoSuchProcess):
            running.children = psutil.Process(running.process.pid).children(recursive=True)
        time.sleep(0.02)
    assert running.end() == 1
    said = " ".join(running.out().split())
    assert "Not published: " in said and "was ended by SIGKILL" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.needs_tf
def test_a_model_that_never_ends(endless: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if CAN_FORK:
        FORKING.server()  # it stays for other tests
    before = set(psutil.Process().children(recursive=True))
    words = ("merge", endless, DIGITS, "--wire", "y=myInput", "-o", tmp_path / "out", "--time-limit", "1")
    done = call(capsys, *words)
    assert done.code == 1
    said = " ".join(done.out.split())
    assert "Not published: inconclusive" in said
    assert "did not answer within 1 s" in said and "--time-limit" in said
    assert not list(tmp_path.iterdir())
    assert set(psutil.Process().children(recursive=True)) <= before


@pytest.mark.needs_tf
def test_ctrl_c_in_run(start: Start, endless: Path, tmp_path: Path) -> None:
    values = tmp_path / "x.json"
    values.write_text(json.dumps([[0.5] * 784]))
    running = start("run", endless, "--input", f"x={values.read_text()}", "-v")
    parent = psutil.Process(running.process.pid)
    wait_for(lambda: bool(parent.children()), "the child")
    running.children = parent.children()
    time.sleep(1.0)
    running.send("group", signal.SIGINT)
    assert running.end() == 130
    assert running.out() == ""
