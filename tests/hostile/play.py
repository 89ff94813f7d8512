"""Loads and calls models in one long-lived process that has TensorFlow, and reports which marks appeared when.

Started as `python -m tests.hostile.play`: a JSON object a line on stdin, one a line on the descriptor 3. With
`--unoptimised` grappler is off, which takes most of the time of small graphs.

- in: `{"path", "loader": "v1" | "v2" | "TFSMLayer" | "hub", "tags": [tag], "marks": [file], "seconds": limit}`
- out: `{"fired": {phase: [mark]}, "errors": {phase: text}, "outputs": {phase: text}}`. Phases are `load`,
  `call KEY` for each signature, `call NAME` for callables, and `delete`; `load` has no error if the model loads.

Marks are deleted as soon as they are seen, so that each is told once a phase.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from typing import Any

tf: Any = None
np: Any = None


class Slow(BaseException):
    """The time of a job is up."""


class Player:
    """One job."""

    config: Any = None

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.fired: dict[str, list[str]] = {}
        self.errors: dict[str, str] = {}
        self.outputs: dict[str, str] = {}

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What raises inside is an answer; what was written inside is this phase's."""
        try:
            yield
        except Exception as error:
            self.errors[name] = f"{type(error).__name__}: {error}"[:400]
        finally:
            for mark in self.job["marks"]:
                if os.path.exists(mark):
                    self.fired.setdefault(name, []).append(mark)
                    if os.path.isdir(mark):
                        shutil.rmtree(mark)
                    else:
                        os.remove(mark)

    def play(self) -> dict[str, Any]:
        """Loads, calls all signatures, lets it go."""
        try:
            getattr(self, self.job["loader"].lower())()
        except Slow:
            self.errors["time"] = "slow"
        with self.phase("delete"):
            gc.collect()
        return {"fired": self.fired, "errors": self.errors, "outputs": self.outputs}

    def v1(self) -> None:
        """A v1 Session."""
        graph = tf.Graph()
        config = self.config or tf.compat.v1.ConfigProto(allow_soft_placement=True)
        with graph.as_default(), tf.compat.v1.Session(graph=graph, config=config) as session:
            with self.phase("load"):
                meta = tf.compat.v1.saved_model.load(session, self.job["tags"], self.job["path"])
            if "load" in self.errors:
                return
            for key, signature in meta.signature_def.items():
                if key in ("__saved_model_init_op", "__saved_model_train_op"):
                    continue
                with self.phase(f"call {key}"):
                    feeds = {info.name: value(info.dtype) for info in signature.inputs.values()}
                    fetches = {name: tensors(info) for name, info in signature.outputs.items()}
                    self.outputs[f"call {key}"] = repr(session.run(fetches, feeds))[:2000]

    def v2(self) -> None:
        """`tf.saved_model.load`, and its signatures."""
        loaded = None
        with self.phase("load"):
            loaded = tf.saved_model.load(self.job["path"], tags=self.job["tags"])
        if loaded is None:
            return
        self.signatures(loaded)

    def signatures(self, loaded: Any) -> None:
        """Calls each signature of what was loaded."""
        functions: dict[str, Any] = {}
        with self.phase("signatures"):
            functions = dict(loaded.signatures)
        for key, function in functions.items():
            with self.phase(f"call {key}"):
                if hasattr(function, "structured_input_signature"):
                    specs = function.structured_input_signature[1]
                    feeds = {name: tf.constant(value(one.dtype)) for name, one in specs.items()}
                else:
                    feeds = {"x": tf.constant([1.0])}
                found = tf.nest.map_structure(
                    lambda one: one.numpy(), function(**feeds), expand_composites=True
                )
                self.outputs[f"call {key}"] = repr(found)[:2000]

    def hub(self) -> None:
        """As `hub.KerasLayer` does: the callable, and the losses one by one."""
        loaded = None
        with self.phase("load"):
            loaded = tf.saved_model.load(self.job["path"], tags=self.job["tags"])
        if loaded is None:
            return
        if callable(loaded):
            with self.phase("call __call__"):
                loaded(tf.constant([1.0]))
        for loss in getattr(loaded, "regularization_losses", ()):
            with self.phase("call regularization_losses"):
                loss()

    def tfsmlayer(self) -> None:
        """`keras.layers.TFSMLayer`."""
        import keras

        layer = None
        with self.phase("load"):
            layer = keras.layers.TFSMLayer(self.job["path"], call_endpoint="serving_default")
        if layer is not None:
            with self.phase("call serving_default"):
                layer(tf.constant([1.0]))


def tensors(info: Any) -> Any:
    """The name of a tensor, or those of the parts of a sparse one."""
    if info.WhichOneof("encoding") != "coo_sparse":
        return info.name
    parts = info.coo_sparse
    return [parts.values_tensor_name, parts.indices_tensor_name, parts.dense_shape_tensor_name]


def value(dtype: Any) -> Any:
    """What is fed: one element of a dtype."""
    kind = tf.as_dtype(dtype)
    return np.array([b"1"], object) if kind == tf.string else np.ones([1], kind.as_numpy_dtype)


def _slow(*_: object) -> None:
    raise Slow


def main() -> None:
    """Answers until stdin ends."""
    global tf, np
    answers = os.fdopen(3, "w", buffering=1)
    import numpy
    import tensorflow

    tf, np = tensorflow, numpy
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    if "--unoptimised" in sys.argv:
        tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
        Player.config = tensorflow.compat.v1.ConfigProto(allow_soft_placement=True)
        Player.config.graph_options.rewrite_options.disable_meta_optimizer = True
        Player.config.graph_options.optimizer_options.opt_level = -1
    gc.collect()
    gc.freeze()  # else each collection goes through all of TensorFlow
    signal.signal(signal.SIGALRM, _slow)
    for line in sys.stdin:
        job = json.loads(line)
        signal.alarm(int(job.get("seconds", 20)))
        player = Player(job)
        try:
            answer = player.play()
        except Slow:
            answer = {"fired": player.fired, "errors": {**player.errors, "time": "slow"}, "outputs": {}}
        finally:
            signal.alarm(0)
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
