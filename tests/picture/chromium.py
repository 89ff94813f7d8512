"""A headless Chromium that is driven over two pipes (the DevTools protocol), without a package or a port."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LIMIT = 60.0
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium() -> str | None:
    """The Chromium that is installed, or the one that `CHROMIUM` names."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in _NAMES if (found := shutil.which(name))), None)


class Page:
    """One page of the browser: what it is asked, and what it complained about."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._rest = b""
        self._ids = itertools.count(1)
        self._session: str | None = None
        self.log: list[dict[str, Any]] = []
        """Exceptions, messages of the console and of the security policy, and requests by address."""
        self.requests: list[str] = []
        self.blocked: list[str] = []
        """Why requests were not made: `csp`."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        while True:
            answer = self._message()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer)

    def wait_for(self, method: str) -> None:
        while (answer := self._message()).get("method") != method:
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        method = event.get("method", "")
        if method == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        elif method == "Network.loadingFailed" and "blockedReason" in event["params"]:
            self.blocked.append(event["params"]["blockedReason"])
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.log.append(event["params"])
        elif method == "Page.javascriptDialogOpening":
            self.log.append(event["params"])
            self.send("Page.handleJavaScriptDialog", accept=True)

    def _message(self) -> dict[str, Any]:
        end = time.monotonic() + LIMIT
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"Chromium has said nothing for {LIMIT:g} s"
            data = os.read(self._read, 1 << 20)
            assert data, "Chromium has ended"
            self._rest += data
        one, _, self._rest = self._rest.partition(b"\0")
        return json.loads(one)

    def open(self, path: Path, *, size: tuple[int, int] = (1280, 800), dark: bool = False) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=1,
            mobile=False,
        )
        self.dark(dark)
        self.log.clear()
        self.requests.clear()
        self.blocked.clear()
        self.send("Page.navigate", url=path.resolve().as_uri())
        self.wait_for("Page.loadEventFired")
        self.frame()
        self.frame()  # what has its size only in the first

    def dark(self, on: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def run(self, script: str) -> Any:
        """The value of an expression; of a promise, what it gives."""
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def frame(self) -> None:
        """Wait until what was asked for is painted: the page paints in the next frame, before this is answered."""
        self.run("new Promise(done => requestAnimationFrame(() => done(1)))")

    def press(self, key: str, *, text: str = "", shift: bool = False) -> None:
        text = text or (key if len(key) == 1 else "\r" if key == "Enter" else "")
        more = {"text": text} if text else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=8 if shift else 0, **more)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=8 if shift else 0)
        self.frame()

    def write(self, text: str) -> None:
        self.send("Input.insertText", text=text)
        self.frame()

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)
        self.frame()

    def drag(self, points: Sequence[tuple[float, float]]) -> None:
        self.mouse("mousePressed", *points[0], button="left", clickCount=1)
        for point in points[1:]:
            self.mouse("mouseMoved", *point, button="left", buttons=1)
        self.mouse("mouseReleased", *points[-1], button="left", clickCount=1)
        self.frame()

    def picture(self) -> bytes:
        """The page as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Page]:
    """Start a Chromium and give its page; it is ended with all its processes.

    Args:
        program: the executable.
        profile: an empty folder for what it keeps.
    """
    to_read, write = os.pipe()
    read, to_write = os.pipe()

    def wire() -> None:  # the browser reads from 3 and writes to 4
        one, other = os.dup(to_read), os.dup(to_write)
        low = [os.dup(one) for _ in range(6)]  # so that neither is 3 or 4 itself
        high = os.dup(one), os.dup(other)
        for fd in low:
            os.close(fd)
        os.dup2(high[0], 3)
        os.dup2(high[1], 4)

    options = [
        "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions",
        "--force-color-profile=srgb", f"--user-data-dir={profile}",
        # No processes in reserve and no pages to go back to: starting and keeping them takes a third of the time.
        "--renderer-process-limit=1", "--disable-features=SpareRendererForSitePerProcess,BackForwardCache",
    ]  # fmt: skip
    child = subprocess.Popen(
        [program, *options, "about:blank"],
        preexec_fn=wire,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(to_read)
    os.close(to_write)
    try:
        yield Page(write, read)
    finally:
        os.close(write)
        os.close(read)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


PROGRAM = chromium()
IN_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="no chromium is installed: apt-get install chromium"),
]
"""The marks of a file of tests in a browser."""
