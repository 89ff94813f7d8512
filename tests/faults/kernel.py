"""Faults at system calls, injected by the kernel: a process is watched, and each call of it that could change a disk
waits until its watcher says what is to become of it.

Nothing of the watched program is replaced. It runs in a fork under a seccomp filter whose listener is here
(`SECCOMP_RET_USER_NOTIF`, seccomp_unotify(2)), so calls from Python, from C libraries and through ctypes are met alike,
and a new place that writes is met without being told. Linux on x86-64 only.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import io
import os
import platform
import select
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from tests.forking.commands import as_a_program
from tests.timing import HANG

PACKAGE = str(Path(__file__).resolve().parents[2] / "workbench") + "/"
WHY_NOT = (
    None
    if sys.platform == "linux" and platform.machine() == "x86_64"
    else "the numbers of system calls are those of Linux on x86-64"
)
NUMBERS = {
    "write": 1, "open": 2, "pwrite64": 18, "writev": 20, "sendfile": 40, "fsync": 74, "fdatasync": 75, "truncate": 76,
    "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87, "symlink": 88,
    "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "utime": 132, "mknod": 133, "sync": 162,
    "setxattr": 188, "utimes": 235, "openat": 257, "mkdirat": 258, "mknodat": 259, "fchownat": 260, "unlinkat": 263,
    "renameat": 264, "linkat": 265, "symlinkat": 266, "fchmodat": 268, "splice": 275, "sync_file_range": 277,
    "utimensat": 280, "fallocate": 285, "pwritev": 296, "syncfs": 306, "renameat2": 316, "copy_file_range": 326,
    "pwritev2": 328, "openat2": 437,
}  # fmt: skip
"""Calls that change a file system or wait for a disk; of `open` and `openat` only those that may write."""
_NAMES = {number: name for name, number in NUMBERS.items()}
_DESCRIPTOR = {  # which argument is the descriptor that is changed
    "write": 0, "pwrite64": 0, "writev": 0, "pwritev": 0, "pwritev2": 0, "sendfile": 0, "copy_file_range": 2,
    "splice": 2, "fsync": 0, "fdatasync": 0, "ftruncate": 0, "fchmod": 0, "fchown": 0, "fallocate": 0,
    "sync_file_range": 0, "syncfs": 0,
}  # fmt: skip
_AT = {name: 1 for name in NUMBERS if name.endswith(("at", "at2"))}
_AT |= {"creat": 0, "symlink": 1, "symlinkat": 2}  # of a link, where it is made
_FLAGS = {"open": 1, "openat": 2}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_SECCOMP, _RECEIVE, _SEND, _CONTINUE = 317, 0xC0502100, 0xC0182101, 1
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that waits.

    Attributes:
        number: how many of its kind of interest came before it in this process.
        name: of the call.
        path: of the file or folder it changes; of a rename the old one.
        stack: lines of `workbench` it comes from, innermost first, each `file.py:line`; empty unless asked for.
    """

    number: int
    name: str
    path: str
    stack: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """What becomes of a call: a signal is sent to the process before it, it fails with an error, or is done.

    Attributes:
        signal: sent first; None for none.
        error: the call fails with this and does nothing; None to let it be done.
    """

    signal: int | None = None
    error: int | None = None


@dataclass(slots=True)
class Ended:
    """How a watched process ended.

    Attributes:
        code: exit code, or minus the signal.
        out: its stdout.
        err: its stderr.
        calls: those of interest, in order.
        left: whether a process of its session was still there.
    """

    code: int
    out: str
    err: str
    calls: list[Call] = field(default_factory=list)
    left: bool = False


Decide = Callable[[Call], Act | None]


def watch(
    work: Callable[[], int], decide: Decide, *, stacks: bool = False, time_limit: float = HANG
) -> Ended:
    """Runs `work` in a fork and asks `decide` at each call that may change a disk.

    Writes to stdout, stderr, pipes and sockets are let through unasked, as are those of processes it starts.

    Args:
        work: gives the exit code.
        decide: None lets the call be done.
        stacks: tell where in `workbench` each call comes from, by a helping thread in the fork.
        time_limit: seconds after which it is killed; `TimeoutError` then.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _be_watched(work, theirs, out.fileno(), err.fileno(), stacks)
        theirs.close()
        listener = -1
        try:
            _, (listener,), _, _ = socket.recv_fds(ours, 1, 1)
            watcher = _Watcher(pid, listener, decide, ours if stacks else None)
            status = watcher.run(time.monotonic() + time_limit)
        except BaseException:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        finally:
            if listener >= 0:
                os.close(listener)
        code = os.waitstatus_to_exitcode(status)
        return Ended(code, _text(out), _text(err), watcher.calls, _some_left(pid))


def watch_here(work: Callable[[], Any], decide: Decide) -> tuple[Any, BaseException | None, list[Call]]:
    """Runs `work` on a thread of this process under the filter: what it gives, what it raised, its calls.

    For work that needs what a fork does not have, as other threads. Faults are errors only: a signal would meet all of
    this process.
    """
    ready, done = socket.socketpair()
    given: list[Any] = [None, None]

    def on_thread() -> None:
        try:
            done.send(struct.pack("i", _filter()))
            given[0] = work()
        except BaseException as problem:
            given[1] = problem
        finally:
            done.close()  # what is filtered ends here, and with it the listener

    thread = threading.Thread(target=on_thread)
    with ready:
        thread.start()
        (listener,) = struct.unpack("i", ready.recv(4))
        watcher = _Watcher(os.getpid(), listener, decide, None)
        try:
            poll = select.poll()
            poll.register(listener, select.POLLIN)
            poll.register(ready, select.POLLIN)
            while thread.is_alive():
                for descriptor, event in poll.poll(100):
                    if descriptor == listener and event & select.POLLIN:
                        watcher.answer()
        finally:
            os.close(listener)
            thread.join()
    return given[0], given[1], watcher.calls


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode(errors="replace"))


def _some_left(session: int) -> bool:
    """Whether a process of a session is still there a moment after its leader has ended."""
    for _ in range(100):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.02)
    os.killpg(session, signal.SIGKILL)
    return True


# -- the watcher


class _Watcher:
    def __init__(self, pid: int, listener: int, decide: Decide, helper: socket.socket | None) -> None:
        self.pid = pid
        self.listener = listener
        self.decide = decide
        self.helper = helper
        self.calls: list[Call] = []

    def run(self, deadline: float) -> int:
        """Answers until the process has ended; its wait status."""
        ended = os.pidfd_open(self.pid)
        try:
            poll = select.poll()
            poll.register(ended, select.POLLIN)
            poll.register(self.listener, select.POLLIN)
            while True:
                ready = {descriptor for descriptor, event in poll.poll(1000) if event & select.POLLIN}
                if self.listener in ready:
                    self.answer()
                elif ended in ready:
                    return os.waitpid(self.pid, 0)[1]
                elif time.monotonic() > deadline:
                    raise TimeoutError(f"it did not end; it came to {self.calls[-1:]}")
        finally:
            os.close(ended)

    def answer(self) -> None:
        """Answers one call."""
        request = bytearray(80)
        try:
            fcntl.ioctl(self.listener, _RECEIVE, request)
        except FileNotFoundError:  # it was killed, or a signal came, while it waited
            return
        ticket, thread, _, number = struct.unpack_from("QIIi", request)
        arguments = struct.unpack_from("6Q", request, 32)
        call = self._call(thread, _NAMES[number], arguments)
        act = None
        if call is not None:
            self.calls.append(call)
            act = self.decide(call)
        if act is not None and act.signal is not None:
            os.kill(self.pid, act.signal)
        error = act.error if act is not None else None
        answer = struct.pack("QqiI", ticket, 0, -error if error else 0, 0 if error else _CONTINUE)
        with suppress(FileNotFoundError):
            fcntl.ioctl(self.listener, _SEND, bytearray(answer))

    def _call(self, thread: int, name: str, arguments: tuple[int, ...]) -> Call | None:
        """A call of interest, or None."""
        if not os.path.exists(f"/proc/{self.pid}/task/{thread}"):
            return None  # another process, which it has started
        if name in _DESCRIPTOR:
            descriptor = arguments[_DESCRIPTOR[name]] & 0xFFFFFFFF
            path = os.readlink(f"/proc/{self.pid}/fd/{descriptor}") if descriptor > 2 else ""
            if not path.startswith("/") or path in ("/dev/null", "/dev/tty"):
                return None
        else:
            path = self._path(arguments, _AT.get(name, 0))
        return Call(len(self.calls), name, path, self._stack(thread) if self.helper is not None else ())

    def _path(self, arguments: tuple[int, ...], at: int) -> str:
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            text = _zero_ended(memory, arguments[at])
        folder = arguments[0] & 0xFFFFFFFF
        if at and not text.startswith("/"):
            where = "cwd" if folder == 0xFFFFFF9C else f"fd/{folder}"
            return os.path.join(os.readlink(f"/proc/{self.pid}/{where}"), text)
        return text

    def _stack(self, thread: int) -> tuple[str, ...]:
        assert self.helper is not None
        self.helper.send(struct.pack("I", thread))
        return tuple(self.helper.recv(1 << 16).decode().split())


def _zero_ended(memory: Any, address: int) -> str:
    data = b""
    while b"\0" not in data and len(data) < 8192:
        memory.seek(address + len(data))
        data += memory.read(256 - (address + len(data)) % 256)  # never over the end of a page
    return data.partition(b"\0")[0].decode(errors="surrogateescape")


# -- the watched


def _be_watched(work: Callable[[], int], ours: socket.socket, out: int, err: int, stacks: bool) -> NoReturn:
    """The life of the fork, from after `fork` to `_exit`."""
    code = 70
    try:
        os.setsid()
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), write_through=True)  # type: ignore[arg-type]
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), write_through=True)  # type: ignore[arg-type]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        atexit._clear()
        listener = _filter()
        socket.send_fds(ours, [b"x"], [listener])
        os.close(listener)
        if stacks:
            threading.Thread(target=_tell_stacks, args=(ours,), daemon=True).start()
        code = as_a_program(work)
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    os._exit(code)


def _tell_stacks(line: socket.socket) -> None:
    while request := line.recv(4):
        (native,) = struct.unpack("I", request)
        names = {each.native_id: each.ident for each in threading.enumerate()}
        names[os.getpid()] = threading.main_thread().ident  # what it has after a fork is its parent's
        frame = sys._current_frames().get(names.get(native) or 0)
        found = []
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(PACKAGE):
                found.append(f"{os.path.relpath(file, PACKAGE)}:{frame.f_lineno}")
            frame = frame.f_back
        line.send((" ".join(found) or "-").encode())


def _filter() -> int:
    """Puts this process under the filter; the listener."""
    program = [(0x20, 0, 0, 0)]  # load the number
    for name, number in NUMBERS.items():
        if name in _FLAGS:  # load the flags' low half; notify if one of them is set
            body = [(0x20, 0, 0, 16 + 8 * _FLAGS[name]), (0x45, 0, 1, _WRITING)]
            program += [(0x15, 0, 4, number), *body, (0x06, 0, 0, _NOTIFY), (0x06, 0, 0, _ALLOW)]
        else:
            program += [(0x15, 0, 1, number), (0x06, 0, 0, _NOTIFY)]
    program.append((0x06, 0, 0, _ALLOW))
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    libc = ctypes.CDLL(None, use_errno=True)
    given = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(text)))
    no_new_privileges, set_filter, new_listener = 38, 1, 8
    listener = -1
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0:
        listener = libc.syscall(_SECCOMP, set_filter, new_listener, given)
    if listener < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(listener)
