"""`--serve`: the page and the websocket let in only who brings the token."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.timing import HANG
from workbench.errors import UsageError
from workbench.tui.serve import listen

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def address(sample_models: Path, tmp_path: Path) -> Iterator[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "tui", str(sample_models / "digits"), "--serve"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    try:
        assert process.stderr is not None
        found = None
        for line in process.stderr:
            found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)
            if found:
                break
        assert found is not None
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(HANG)


def test_only_the_token_lets_in(address: str) -> None:
    import aiohttp

    base, token = address.split("/?token=")

    async def story() -> None:
        async with aiohttp.ClientSession() as stranger:
            for path in (
                "/",
                "/?token=wrong",
                "/ws",
                "/static/js/textual.js",
                "/download/x",
                f"/ws?token={token}",
            ):
                async with stranger.get(base + path, allow_redirects=False) as answer:
                    assert answer.status == 403, path
            async with stranger.get(base + "/", headers={"Host": "evil.example"}) as answer:
                assert answer.status == 403
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as owner:
            async with owner.get(address) as answer:
                page = await answer.text()
                assert answer.status == 200 and str(answer.url) == base + "/" and token not in page
                assert "https://" not in page.replace("http://www.w3.org", ""), (
                    "it asks nobody else for anything"
                )
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            async with owner.get(base + "/", headers={"Origin": "http://evil.example"}) as answer:
                assert answer.status == 403
            async with owner.ws_connect(base + "/ws?width=120&height=40") as socket:
                drawn = b""
                while b"myOutput" not in drawn:
                    message = await asyncio.wait_for(socket.receive(), HANG)
                    assert message.type == aiohttp.WSMsgType.BINARY or message.type == aiohttp.WSMsgType.TEXT
                    drawn += message.data if isinstance(message.data, bytes) else message.data.encode()
                await socket.send_str(json.dumps(["stdin", "q"]))

    asyncio.run(story())


def test_a_port_that_is_taken() -> None:
    with listen() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Cannot listen on port {port}"):
            listen(port)


NOBODY = 65534


def visit(address: str, state: Path) -> bytes:
    """All that another user of this host gets to see: what it is answered, and what it can read of processes and files.

    Runs in a fork that has become `nobody`; the interpreter need not be one that `nobody` may start.
    """
    port = int(address.split(":")[2].split("/")[0])
    found = []
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
        "Sec-WebSocket-Version": "13",
    }
    for path in ("/", "/?token=", "/?token=guess", "/ws", "/static/js/textual.js", "/download/1", "/nothing"):
        for headers in (
            {},
            upgrade,
            {"Cookie": f"workbench-{port}=guess"},
            {"Origin": f"http://127.0.0.1:{port}"},
        ):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            found.append(f"{answer.status} {answer.getheaders()} ".encode() + answer.read())
            assert answer.status == 403, path
            connection.close()
    readable = [
        *Path("/proc").glob("[0-9]*/cmdline"),
        *Path("/proc").glob("[0-9]*/environ"),
        *state.rglob("*"),
    ]
    for file in (*readable, Path("/proc/net/tcp")):
        with suppress(OSError):
            found.append(file.read_bytes())
    return b"\n".join(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.exhaustive
def test_another_user_of_the_host(address: str, tmp_path: Path) -> None:
    """Loopback is open to all; the session is not, while its owner is in it, nor is its token to be found anywhere."""
    import aiohttp

    base, token = address.split("/?token=")
    root = Path(os.environ.get("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir()))
    for folder in (tmp_path, *tmp_path.parents):  # what other users may enter is not what is tested here
        if folder != root and folder.is_relative_to(root):
            folder.chmod(0o755)

    async def story() -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as owner:
            await owner.get(address)
            async with owner.ws_connect(base + "/ws?width=120&height=40") as socket:
                message = await asyncio.wait_for(socket.receive(), HANG)
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT)
                seen = await asyncio.to_thread(as_nobody, lambda: visit(address, tmp_path))
                assert b"tui" in seen and b"digits" in seen  # it does see the command lines of processes
                assert token.encode() not in seen and b"myOutput" not in seen
                await socket.send_str(json.dumps(["stdin", "q"]))

    asyncio.run(story())


def as_nobody(work: Callable[[], bytes]) -> bytes:
    """What `work` gives in a fork of another user."""
    b"127.0.0.1".decode("idna")  # imports what that user may not read
    ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            data = work()
        except BaseException:
            data = b"failed: " + traceback.format_exc().encode()
        with open(ends[1], "wb") as pipe:
            pipe.write(data)
        os._exit(0)
    os.close(ends[1])
    with open(ends[0], "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    assert not data.startswith(b"failed: "), data.decode()
    return data
