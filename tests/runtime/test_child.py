"""The child process: it answers, it ends in every case, and what went wrong is told."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.forking.client import FORKING
from tests.runtime.models import placeholder, save
from tests.timing import HANG, ends, wait_for
from tests.zoo.example import tf
from workbench.errors import ChildDied, ChildTimeout, ExecutionFailed, TensorFlowMissing, UsageError
from workbench.runtime.chain import ModelRef
from workbench.runtime.child_process import codec, process
from workbench.runtime.child_process.child import Child

pytestmark = pytest.mark.fresh_tensorflow
ROOT = Path(__file__).resolve().parents[2]


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has), or does so before the stubs would by themselves."""
    deadline = time.monotonic() + HANG
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def stub(folder: Path, body: str, name: str = "python") -> Path:
    """An interpreter of sorts: a Python program that is called as the child would be."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{textwrap.dedent(body)}")
    path.chmod(0o755)
    return path


def run_job(model: ModelRef, **values: Any) -> dict[str, Any]:
    def port(key: str) -> dict[str, Any]:
        return {"kind": "dense", "tensors": [f"{key}:0"], "slots": [key]}

    return {
        "job": "run",
        "loader": "v1",
        "model": model.as_json(),
        "signature": "serving_default",
        "inputs": {key: port(key) for key in values},
        "outputs": {"y": port("y")},
        "sample": {key: codec.encode(np.asarray(value)) for key, value in values.items()},
    }


@pytest.fixture(scope="module")
def _own_child() -> Iterator[Child]:
    child = Child()
    thread = threading.Thread(target=lambda: child.start().ready())
    thread.start()
    thread.join()
    yield child
    child.close()
    assert not child.alive


@pytest.fixture
def child(_own_child: Child) -> Child:
    """Not that of all tests, which may be a fork; started by a thread that has ended since. No test ends it."""
    return _own_child


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """A child that is to be ended. It may be a fork: how it was started is not asked."""
    monkeypatch.setattr(FORKING, "on", True)
    with Child() as child:
        child.ready()
        yield child


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    def build(v1: Any) -> Any:
        x = placeholder("float32", [None])
        return {"x": x}, {"y": tf.identity(2 * x, "y")}

    return save(tmp_path_factory.mktemp("models") / "double", build)


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """Runs for ever where x is positive."""

    def build(v1: Any) -> Any:
        x = placeholder("float32", [])
        return {"x": x}, {"y": tf.identity(tf.while_loop(lambda y: y > 0, lambda y: y * 1.0, [x])[0], "y")}

    return save(tmp_path_factory.mktemp("models") / "endless", build)


# ---------------------------------------------------------------- the script, without TensorFlow


FOLDER = process.SCRIPT.parent
AT_START = ("start", "process", "pipe", "errors")
"""What is imported before TensorFlow."""


@pytest.mark.parametrize("script", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_the_scripts_are_valid_for_old_pythons_and_stand_alone(script: str) -> None:
    tree = ast.parse((FOLDER / f"{script}.py").read_text(), feature_version=(3, 8))
    first = {id(node) for node in tree.body}
    imported, late = set(), set()
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1
            names = [f".{node.module}" if node.level else str(node.module)]
        (imported if id(node) in first else late).update(name.partition(".")[0] for name in names)
    libraries = (imported | late) - set(sys.stdlib_module_names) - {""}
    assert libraries <= {"numpy", "tensorflow"}
    assert script != "recording" or libraries == {"numpy"}, "the program imports it, too"
    if script in AT_START:
        assert imported <= {*sys.stdlib_module_names, ""}, "nothing slow before the pipe is watched"


def test_only_these_are_imported_before_tensorflow() -> None:
    inner = {
        str(node.module)
        for name in AT_START
        for node in ast.parse((FOLDER / f"{name}.py").read_text()).body
        if isinstance(node, ast.ImportFrom) and node.level
    }
    assert inner <= {*AT_START}


def test_an_interpreter_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("no program")
    for path in (tmp_path / "nothing", tmp_path, plain):
        with pytest.raises(UsageError) as caught, Child(path):
            raise AssertionError("it was started")
        assert str(path) in str(caught.value)
        assert "python=PATH" in str(caught.value)


def test_an_interpreter_without_tensorflow_is_told_so(tmp_path: Path) -> None:
    bare = stub(tmp_path, f"os.execv({sys.executable!r}, [{sys.executable!r}, '-I', '-S', *sys.argv[1:]])")
    with Child(bare) as child:
        for _ in range(2):  # it stays that way
            with pytest.raises(TensorFlowMissing) as caught:
                child.ready()
        assert "No module named 'tensorflow'" in str(caught.value)
        assert "python=PATH" in str(caught.value)
        assert not child.alive
        with pytest.raises(TensorFlowMissing):
            child.request({"job": "load_check"})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise AttributeError('half an install')", ["AttributeError", "half an install"]),
        ("__version__ = '1.15.0'", ["1.15.0", "2.0 or later"]),
        ("", ["without a version"]),
    ],
)
def test_a_broken_or_old_tensorflow_counts_as_none(tmp_path: Path, body: str, words: list[str]) -> None:
    (tmp_path / "tensorflow.py").write_text(body)
    bare = stub(
        tmp_path,
        f"""
        os.environ["PYTHONPATH"] = {str(tmp_path)!r}
        os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])
        """,
    )
    with Child(bare) as child, pytest.raises(TensorFlowMissing) as caught:
        child.ready()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('some last words', file=sys.stderr); sys.exit(7)", ["exit status 7", "some last words"]),
        ("import signal; os.kill(os.getpid(), signal.SIGSEGV)", ["SIGSEGV"]),
        (
            "os.write(int(sys.argv[4]), b'garbage \\x1b[31m\\n'); time.sleep(3600)",
            ["garbage", "not the protocol"],
        ),
        ("os.write(int(sys.argv[4]), b'[1]\\n'); time.sleep(3600)", ["not the protocol"]),
        ('os.write(int(sys.argv[4]), b\'{"event": "party"}\\n\'); time.sleep(3600)', ["not the protocol"]),
        ('os.write(int(sys.argv[4]), b\'{"event": "rea\')', ["not the protocol"]),
        ("os.close(int(sys.argv[4])); os.close(int(sys.argv[3])); time.sleep(3600)", ["closed its pipe"]),
    ],
)
def test_a_start_that_fails_in_any_other_way_is_a_death(
    tmp_path: Path, body: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if words == ["closed its pipe"]:  # only then it is waited for in vain
        monkeypatch.setattr(process, "_END_LIMIT", 0.1)
    with pytest.raises(ChildDied) as caught, Child(stub(tmp_path, body)) as child:
        pid = child.pid
        child.ready()
    for word in words:
        assert word in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert pid is None or gone(pid)  # None: it had ended before it was asked


def test_a_start_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    for limit in (0.1, 0.5, 5, 50):  # a busy machine may need longer until the stub says anything
        child = Child(stub(tmp_path, "print('half way', flush=True); time.sleep(3600)"), start_limit=limit)
        with pytest.raises(ChildTimeout) as caught, child:
            pid = child.pid
            child.ready()
        assert pid is not None and gone(pid)
        assert f"{limit} s" in str(caught.value)
        if "half way" in str(caught.value):
            return
    raise AssertionError(str(caught.value))


def test_the_log_is_bounded_and_never_holds_the_child(tmp_path: Path) -> None:
    body = """
    for number in range(20000):
        print("a line of log that says nothing", number)
    sys.stdout.flush()
    os.write(int(sys.argv[4]), b'{"event": "ready", "versions": {}}\\n')
    while os.read(int(sys.argv[3]), 1 << 20):
        pass
    """
    with Child(stub(tmp_path, body)) as child:
        child.ready()
        wait_for(lambda: "19999" in child.log_tail(), "the last line of the log")
        assert len(child.log_tail()) < 32_768


def test_a_child_that_reads_nothing_holds_nobody(tmp_path: Path) -> None:
    body = """
    os.write(int(sys.argv[4]), b'{"event": "ready", "versions": {}}\\n')
    time.sleep(3600)
    """
    with Child(stub(tmp_path, body), time_limit=0.1) as child, pytest.raises(ChildTimeout):
        child.request({"job": "run", "data": "x" * 1_000_000})


# ---------------------------------------------------------------- with TensorFlow


@pytest.mark.needs_tf
def test_one_child_does_many_jobs(child: Child, double: ModelRef) -> None:
    assert set(child.ready()) == {"tensorflow", "python", "numpy"}
    said: list[str] = []
    pid = child.pid
    for number in range(5):
        answer = child.request(run_job(double, x=np.full(3, number, np.float32)), on_progress=said.append)
        assert codec.decode(answer["outputs"]["y"]).tolist() == [2 * number] * 3
    assert child.pid == pid
    assert "running it" in said


@pytest.mark.needs_tf
def test_it_lives_apart(child: Child) -> None:
    child.ready()
    pid = child.pid
    assert pid is not None
    assert os.getsid(pid) == os.getpgid(pid) == pid
    assert "CUDA_VISIBLE_DEVICES=-1" in Path(f"/proc/{pid}/environ").read_text()
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert [line.split()[4] for line in limits.splitlines() if line.startswith("Max core file size")] == ["0"]


@pytest.mark.needs_tf
def test_what_tensorflow_raises_is_an_answer(child: Child, double: ModelRef, tmp_path: Path) -> None:
    with pytest.raises(ExecutionFailed) as caught:
        child.request(run_job(double, x=np.zeros((2, 2), np.float32)))
    assert caught.value.phase == "run"
    assert "Cannot feed value of shape (2, 2)" in str(caught.value)
    with pytest.raises(ExecutionFailed) as caught:
        child.request(run_job(ModelRef(tmp_path / "nothing"), x=np.float32(0)))
    assert caught.value.phase == "load"
    with pytest.raises(ExecutionFailed) as caught:
        child.request(run_job(ModelRef(double.path, ("train",)), x=np.float32(0)))
    assert "train" in str(caught.value)
    assert "Traceback" not in str(caught.value) and 'File "' not in str(caught.value)
    assert child.alive


@pytest.mark.needs_tf
def test_a_message_is_tensorflows_own_and_short(child: Child, tmp_path: Path) -> None:
    class Module(tf.Module):  # type: ignore[name-defined,misc]
        @tf.function(input_signature=[tf.TensorSpec([None], "float32", name="x")])
        def serve(self, x: Any) -> Any:
            return {"y": tf.reshape(x, [2, 2])}

    module = Module()
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.serve)
    job = run_job(ModelRef(tmp_path / "m"), x=np.zeros(3, np.float32))
    with pytest.raises(ExecutionFailed) as caught:
        child.request({**job, "loader": "v2"})
    message = str(caught.value)
    assert message.startswith("InvalidArgumentError: ")
    assert "3 values" in message and "requested shape has 4" in message
    assert "Detected at" not in message and "{{" not in message and "\n" not in message
    assert len(message) < 400


@pytest.mark.needs_tf
def test_a_job_that_never_ends_is_ended(forked: Child, endless: ModelRef) -> None:
    pid = forked.pid
    with ends(), pytest.raises(ChildTimeout) as caught:
        forked.request(run_job(endless, x=np.float32(1)), time_limit=1)
    assert "running it" in str(caught.value) and "time_limit" in str(caught.value)
    assert pid is not None and gone(pid)


@pytest.mark.needs_tf
@pytest.mark.parametrize(("number", "name"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGSEGV, "SIGSEGV")])
def test_a_child_killed_in_a_job_is_told(forked: Child, endless: ModelRef, number: int, name: str) -> None:
    pid = forked.pid
    assert pid is not None

    def kill(text: str) -> None:
        if text == "running it":
            threading.Timer(0.2, os.kill, (pid, number)).start()

    with pytest.raises(ChildDied) as caught:
        forked.request(run_job(endless, x=np.float32(1)), on_progress=kill)
    assert name in str(caught.value) and "running it" in str(caught.value)
    assert ("memory" in str(caught.value)) == (name == "SIGKILL")
    assert gone(pid)
    with pytest.raises(ChildDied):
        forked.request(run_job(endless, x=np.float32(0)))


@pytest.mark.needs_tf
def test_a_stopped_child_is_ended_in_time(forked: Child, double: ModelRef) -> None:
    pid = forked.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ChildTimeout):
        forked.request(run_job(double, x=np.zeros(1_000_000, np.float32)), time_limit=1)
    assert gone(pid)
    assert forked.start().request(run_job(double, x=np.float32([1])))
    assert forked.pid != pid


@pytest.mark.needs_tf
def test_what_a_model_prints_is_log_not_protocol(child: Child, tmp_path: Path) -> None:
    def build(v1: Any) -> Any:
        x = placeholder("float32", [None])
        noise = tf.print('{"id": 1, "answer": {}}', x, output_stream=sys.stdout)
        more = tf.print("to stderr", output_stream=sys.stderr)
        with tf.control_dependencies([noise, more]):
            return {"x": x}, {"y": tf.identity(x, "y")}

    model = save(tmp_path / "m", build)
    answer = child.request(run_job(model, x=np.float32([1, 2])))
    assert codec.decode(answer["outputs"]["y"]).tolist() == [1, 2]
    assert "to stderr" in child.log_tail()


@pytest.mark.needs_tf
def test_a_model_that_floods_the_log_is_run(child: Child, tmp_path: Path) -> None:
    def build(v1: Any) -> Any:
        x = placeholder("float32", [])

        def body(i: Any) -> Any:
            with tf.control_dependencies([tf.print("line of noise " * 50, output_stream=sys.stdout)]):
                return i + 1

        return {"x": x}, {"y": tf.identity(tf.while_loop(lambda i: i < x, body, [tf.constant(0.0)])[0], "y")}

    model = save(tmp_path / "m", build)
    answer = child.request(run_job(model, x=np.float32(3000)))  # 2 MB of log
    assert codec.decode(answer["outputs"]["y"]) == 3000


@pytest.mark.needs_tf
def test_modules_and_op_libraries_are_loaded_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FORKING, "on", True)  # how it is started is not asked here
    (tmp_path / "fake.so").write_text("no library")
    with (
        Child(imports=["json", "no_such_module_anywhere"]) as child,
        pytest.raises(ExecutionFailed) as caught,
    ):
        child.ready()
    assert "no_such_module_anywhere" in str(caught.value)
    with Child(op_libraries=[tmp_path / "fake.so"]) as child, pytest.raises(ExecutionFailed) as caught:
        child.ready()
    assert "fake.so" in str(caught.value)


@pytest.mark.needs_tf
def test_a_system_that_can_not_pass_descriptors_uses_stdin_and_stdout(
    monkeypatch: pytest.MonkeyPatch, double: ModelRef
) -> None:
    monkeypatch.setattr(process, "_PASS_DESCRIPTORS", False)
    with Child(imports=["this"]) as child:  # which prints
        answer = child.request(run_job(double, x=np.float32([3])))
        pid = child.pid
        assert codec.decode(answer["outputs"]["y"]).tolist() == [6]
        assert "Namespaces are one honking great idea" in child.log_tail()
    assert pid is not None and gone(pid)


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Any]:
    """Runs a parent of its own in a program, returns its process once it printed the child's pid."""
    running: list[subprocess.Popen[str]] = []

    def run(body: str) -> tuple[subprocess.Popen[str], int]:
        path = tmp_path / "parent.py"
        path.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{textwrap.dedent(body)}")
        parent = subprocess.Popen(
            [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(parent)
        assert parent.stdout is not None
        return parent, int(parent.stdout.readline())

    yield run
    for parent in running:
        parent.kill()
        parent.communicate()


PARENT = """
from workbench.runtime.child_process.child import Child
from workbench.runtime.chain import ModelRef
from tests.runtime.test_child import run_job
import numpy, time, pathlib
child = Child().start()
{before}
print(child.pid, flush=True)
child.request(run_job(ModelRef(pathlib.Path({path!r})), x=numpy.float32(1)))
"""


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    ("before", "number"),
    [
        pytest.param("", signal.SIGKILL, id="importing-killed"),
        pytest.param("", signal.SIGTERM, id="importing-ended", marks=pytest.mark.exhaustive),
        pytest.param("child.ready()", signal.SIGKILL, id="running-killed", marks=pytest.mark.exhaustive),
        pytest.param("child.ready()", signal.SIGTERM, id="running-ended", marks=pytest.mark.exhaustive),
    ],
)
def test_it_dies_with_its_parent(script: Any, endless: ModelRef, number: int, before: str) -> None:
    parent, pid = script(PARENT.format(path=str(endless.path), before=before))
    time.sleep(0.5)
    assert psutil.pid_exists(pid)
    parent.send_signal(number)
    parent.wait(HANG)
    assert gone(pid)


@pytest.mark.needs_tf
def test_it_dies_with_its_parent_though_tensorflow_holds_the_interpreter(script: Any, tmp_path: Path) -> None:
    sign = tmp_path / "sleeping"
    (tmp_path / "holder.py").write_text(
        f"import ctypes\nopen({str(sign)!r}, 'w').close()\nctypes.PyDLL(None).sleep(3600)\n"  # PyDLL keeps the lock
    )
    body = f"""
    import os
    from workbench.runtime.child_process.child import Child
    os.environ["PYTHONPATH"] = {str(tmp_path)!r}
    child = Child(imports=["holder"]).start()
    print(child.pid, flush=True)
    child.ready()
    """
    parent, pid = script(body)
    wait_for(sign.exists, "the module that holds the interpreter")
    time.sleep(0.2)
    parent.kill()
    assert gone(pid)


@pytest.mark.needs_tf
def test_ctrl_c_ends_it_at_once_and_reaches_the_caller(script: Any, endless: ModelRef) -> None:
    parent, pid = script(PARENT.format(path=str(endless.path), before="child.ready()"))
    time.sleep(1)
    parent.send_signal(signal.SIGINT)
    _, errors = parent.communicate(timeout=HANG)
    assert "KeyboardInterrupt" in errors
    assert parent.returncode == -signal.SIGINT
    assert gone(pid)


@pytest.mark.needs_tf
def test_it_outlives_the_thread_that_started_it(child: Child, double: ModelRef) -> None:
    assert child.request(run_job(double, x=np.float32([1])))


def test_closing_leaves_no_process_thread_or_descriptor(tmp_path: Path) -> None:
    body = """
    os.write(int(sys.argv[4]), b'{"event": "ready", "versions": {}}\\n')
    while os.read(int(sys.argv[3]), 1 << 20):
        pass
    """
    python = stub(tmp_path, body)
    before = (threading.active_count(), len(os.listdir("/proc/self/fd")))
    for _ in range(3):
        with Child(python) as child:
            child.ready()
            pid = child.pid
        assert pid is not None and gone(pid)
    wait_for(lambda: threading.active_count() <= before[0], "the end of its threads")
    assert len(os.listdir("/proc/self/fd")) <= before[1]
