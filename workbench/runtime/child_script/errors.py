"""What TensorFlow says of a model, as an answer."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Iterator

from .pipe import Json

MESSAGE_LIMIT = 1500
SHOWN: Json = {}
"""Paths that models of the current job are loaded from, to those that are shown."""


class Failed(Exception):
    """TensorFlow raised while it loaded, fed or ran a model: an answer, not a bug."""

    def __init__(self, error: Exception, phase: str) -> None:
        super().__init__(str(error))
        self.as_json = {"type": type(error).__name__, "message": short(error), "phase": phase}


@contextlib.contextmanager
def phase(name: str) -> Iterator[None]:
    """Turn everything raised inside into `Failed`: TensorFlow's word on the model."""
    try:
        yield
    except Failed:
        raise
    except Exception as error:
        raise Failed(error, name) from error


def short(error: Exception) -> str:
    """Return TensorFlow's message without stacks, op definitions, internal names."""
    text = str(getattr(error, "message", None) or error) or repr(error)
    for mark in (
        "Original stack trace for",
        "Errors may have originated from",
        "Input Source operations connected",
        "Operation defined at:",
        "Function call stack:",
    ):
        text = text.split(mark)[0]
    kept = []
    in_frame = False
    for line in text.splitlines():
        if re.match(r"\s+File \"", line):
            in_frame = True
            continue
        if in_frame and re.match(r"\s{4}", line):
            continue
        in_frame = False
        noise = r"\s*(Graph execution error:|Detected at node|<stack traces|Node: '.*'$|Traceback \(most)"
        if line.strip() and not re.match(noise, line):
            kept.append(line.rstrip())
    text = "\n".join(kept) or text.strip()
    text = re.sub(r"\{\{function_node [^}]*\}\}\s*", "", text)
    text = re.sub(r"\{\{(node [^}]*)\}\}", r"\1", text)
    text = re.sub(r"\s*\[Op:[^\]]*\]", "", text)
    for path, shown in SHOWN.items():
        text = text.replace(path, shown)
    return text if len(text) <= MESSAGE_LIMIT else text[:MESSAGE_LIMIT] + "…"


def shown_paths(job: Any) -> Json:
    """Return the private path of every model in a job, with the path to show."""
    found: Json = {}
    if isinstance(job, dict):
        path, shown = job.get("path"), job.get("shown")
        if isinstance(path, str) and isinstance(shown, str):
            found[path] = shown
        job = list(job.values())
    for item in job if isinstance(job, list) else ():
        found.update(shown_paths(item))
    return found


def limit_searched_messages() -> None:
    """Limit how much of an error message TensorFlow searches for node names.

    Its search takes time quadratic in the length: minutes for a message that quotes the functions of a model. Only the
    start of a message is shown anyway.
    """
    try:
        from tensorflow.python.framework import error_interpolation

        whole = error_interpolation.parse_message
    except (ImportError, AttributeError):  # of another version
        return
    error_interpolation.parse_message = lambda message: whole(message[: 3 * MESSAGE_LIMIT])
