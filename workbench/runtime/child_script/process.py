"""The process: it sets up, imports TensorFlow, and does jobs while its parent lives."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import traceback

from .errors import SHOWN, Failed, limit_searched_messages, short, shown_paths
from .pipe import Json, Pipe, guard


def import_tensorflow(setup: Json) -> Json:
    """Import TensorFlow and the modules the models need; return the event to send."""
    gc.disable()  # importing makes no garbage, and looking for it takes a fifth of the time
    try:
        import tensorflow

        version = getattr(tensorflow, "__version__", None)
        if version is None or int(version.split(".")[0]) < 2:
            message = f"it has TensorFlow {version or 'without a version'}; 2.0 or later is needed"
            return {"event": "failed", "kind": "no-tensorflow", "message": message}
        import numpy
    except Exception as error:  # a broken install raises anything
        message = f"{type(error).__name__}: {short(error)}"
        return {"event": "failed", "kind": "no-tensorflow", "message": message}
    gc.freeze()  # what stays: a collection need not go through all of TensorFlow
    gc.enable()
    limit_searched_messages()
    tensorflow.get_logger().setLevel("ERROR")  # the v1 loader is deprecated, as we know
    for name in setup["imports"]:
        try:
            importlib.import_module(name)
        except Exception as error:
            message = f"import {name}: {type(error).__name__}: {short(error)}"
            return {"event": "failed", "kind": "import", "message": message}
    for path in setup["op_libraries"]:
        try:
            tensorflow.load_op_library(path)
        except Exception as error:
            message = f"op library {path}: {short(error)}"
            return {"event": "failed", "kind": "op-library", "message": message}
    versions = {"tensorflow": version, "python": sys.version.split()[0], "numpy": numpy.__version__}
    return {"event": "ready", "versions": versions}


def answer(pipe: Pipe, line: bytes, jobs: Json) -> None:
    """Do one of the jobs; every outcome is an answer."""
    job = json.loads(line.decode("utf-8"))
    pipe.current = job["id"]
    SHOWN.clear()
    SHOWN.update(shown_paths(job))
    try:
        pipe.send({"id": job["id"], "answer": jobs[job["job"]](job, pipe)})
    except Failed as error:
        pipe.send({"id": job["id"], "error": error.as_json})
    except Exception:
        pipe.send({"id": job["id"], "bug": traceback.format_exc()})
    pipe.current = None


def main() -> None:
    """Set up, report that TensorFlow is ready, and do jobs while the parent lives."""
    source, sink, parent = (int(word) for word in sys.argv[1:4])
    guard(parent)
    if sink == 1:  # no descriptors could be passed: move the protocol away from stdin and stdout
        source, sink = os.dup(0), os.dup(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
    pipe = Pipe(source, sink)
    pipe.watch()
    setup = json.loads(pipe.jobs.get().decode("utf-8"))
    pipe.progress("importing TensorFlow")
    event = import_tensorflow(setup)
    pipe.send(event)
    if event["event"] == "failed":
        return
    from .jobs import JOBS  # it needs TensorFlow

    while True:
        answer(pipe, pipe.jobs.get(), JOBS)
