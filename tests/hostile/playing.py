"""Starts and restarts the process of `tests.hostile.play`, and asks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of loading and calling a model.

    Attributes:
        fired: the marks that appeared, by phase.
        errors: what TensorFlow said, by phase.
        outputs: the results of each call, as text.
    """

    fired: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def loads(self) -> bool:
        """Whether loading raised nothing."""
        return "load" not in self.errors and "process" not in self.errors


class Players:
    """A process that plays models, started anew when it dies. A context manager."""

    def __init__(self, nice: int = 0, *words: str) -> None:
        self._nice, self._words = nice, words
        self._process: subprocess.Popen[str] | None = None
        self._answers: Any = None

    def __enter__(self) -> Players:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._answers.close()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        source, sink = os.pipe()
        command = f"exec {sys.executable} -m tests.hostile.play {' '.join(self._words)} 3>&{sink}"
        variables = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(
            ["bash", "-c", f"renice -n {self._nice} $$ >/dev/null; {command}"],
            cwd=ROOT,
            env=variables,
            pass_fds=[sink],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        os.close(sink)
        self._answers = os.fdopen(source)
        return self._process

    def play(
        self,
        path: Path,
        loader: str,
        marks: Iterable[Path] = (),
        tags: Iterable[str] = ("serve",),
        seconds: int = 20,
    ) -> Played:
        """Loads a model, calls its signatures, deletes it."""
        process = self._process or self._start()
        assert process.stdin is not None
        job = {
            "path": str(path),
            "loader": loader,
            "marks": [str(mark) for mark in marks],
            "tags": list(tags),
            "seconds": seconds,
        }
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.stop()
            seen = [mark for mark in job["marks"] if os.path.exists(mark)]
            return Played({"load": seen} if seen else {}, {"process": "died"})
        return Played(**json.loads(line))
