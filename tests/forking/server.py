"""An interpreter that has imported TensorFlow and forks a process for each program it is asked to run.

Standalone: `python -u server.py SOCKET MODULE …`, on Linux. SOCKET is the number of a SOCK_SEQPACKET socket. The
server imports the modules and runs nothing of theirs, so a fork has what a fresh interpreter has after its imports: no
context of TensorFlow's, no threads of it, no models.

Its first packet is a JSON object of the environment variables that the imports set. A request is one packet of JSON,
`{"script" or "code", "words", "environment", "folder", "descriptors"}`, with file descriptors: the pipe for news, then
those that the program gets under the numbers in `descriptors`. The news are two lines: the pid, once the process leads
a session of its own, and the exit status as `subprocess` gives it. The server ends with its socket; what it forked is
killed then by the kernel, where it asked for that.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import selectors
import socket
import sys
import types
from typing import Any

LARGEST = 1 << 20
DESCRIPTORS = 16


def serve(link: socket.socket) -> dict[str, Any] | None:
    """Fork for each request until the socket ends (None); in a fork, return its request."""
    waiting = selectors.DefaultSelector()
    waiting.register(link, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is link:
                packet, received, _, _ = socket.recv_fds(link, LARGEST, DESCRIPTORS)
                if not packet:
                    return None
                request = json.loads(packet)
                news, *passed = received
                pid = os.fork()
                if not pid:
                    forget(link, waiting)
                    become(request, news, passed)
                    return request
                for descriptor in passed:
                    os.close(descriptor)
                waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, news))
            else:
                pid, news = key.data
                waiting.unregister(key.fileobj)
                os.close(key.fd)
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                tell(news, status)
                os.close(news)


def forget(link: socket.socket, waiting: selectors.BaseSelector) -> None:
    """Close what the server has and a fork may not: its socket, and what it keeps of other forks."""
    for key in list(waiting.get_map().values()):
        if key.fileobj is not link:
            os.close(key.fd)
            os.close(key.data[1])
    waiting.close()
    link.close()


def tell(news: int, number: int) -> None:
    """Write one line of news; nobody need listen any more."""
    with contextlib.suppress(BrokenPipeError):
        os.write(news, b"%d\n" % number)


def become(request: dict[str, Any], news: int, passed: list[int]) -> None:
    """Make this fork what a started process is: session, descriptors, folder, environment, arguments."""
    os.setsid()
    above = max([news, *passed, *request["descriptors"]]) + 1
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above) for descriptor in passed]
    news_moved = fcntl.fcntl(news, fcntl.F_DUPFD_CLOEXEC, above)
    for descriptor in (news, *passed):
        os.close(descriptor)
    for descriptor, number in zip(moved, request["descriptors"], strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    if "numpy" in sys.modules:  # else all forks had the same seed; `random` sees to that itself
        sys.modules["numpy"].random.seed()
    tell(news_moved, os.getpid())
    os.close(news_moved)


def run(request: dict[str, Any]) -> None:
    """Run the program as `__main__`, as the interpreter would."""
    main = types.ModuleType("__main__")
    if "script" in request:
        script = request["script"]
        main.__file__ = script
        sys.path[0] = os.path.dirname(script)
        with open(script, "rb") as file:
            code = compile(file.read(), script, "exec")
    else:
        script = "-c"
        sys.path[0] = ""
        code = compile(request["code"], "<string>", "exec")
    main.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = main
    words = [str(os.getppid()) if word is None else word for word in request["words"]]
    sys.argv[:] = [script, *words]
    exec(code, main.__dict__)


def start() -> None:
    """Import the modules, then serve."""
    link = socket.socket(fileno=int(sys.argv[1]))
    before = dict(os.environ)
    gc.disable()  # importing makes no garbage
    for name in sys.argv[2:]:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
    link.send(json.dumps({name: os.environ[name] for name in os.environ if name not in before}).encode())
    request = serve(link)
    if request is not None:
        run(request)


if __name__ == "__main__":
    start()
