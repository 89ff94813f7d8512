"""`--serve`: the page and the websocket let in only who brings the token."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

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
        process.wait(20)


def test_only_the_token_lets_in(address: str) -> None:
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
                    message = await asyncio.wait_for(socket.receive(), 30)
                    assert message.type == aiohttp.WSMsgType.BINARY or message.type == aiohttp.WSMsgType.TEXT
                    drawn += message.data if isinstance(message.data, bytes) else message.data.encode()
                await socket.send_str(json.dumps(["stdin", "q"]))

    asyncio.run(story())


def test_a_port_that_is_taken() -> None:
    with listen() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} can't be listened on"):
            listen(port)
