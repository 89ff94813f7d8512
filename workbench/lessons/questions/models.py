"""The models of a walk: opened from the student's folder, and run by commands where values are asked for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.disk.arrays import read_npz
from workbench.errors import ExecutionFailed, TensorFlowMissing
from workbench.explaining.view import View
from workbench.lessons.running import Runner, has_tensorflow
from workbench.model import open_model

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Models:
    """Opens models of a folder by name, and gets values of their tensors.

    Args:
        folder: where they are.
        runner: what runs commands.
    """

    def __init__(self, folder: Path, runner: Runner) -> None:
        self.folder = folder
        self.runner = runner
        self._views: dict[str, tuple[int, View]] = {}
        self._arrays: dict[tuple[object, ...], Any] = {}

    def view(self, name: str) -> View:
        """Return a model as explanations look at it; one that was made anew is opened again.

        Raises:
            WorkbenchError: it can't be opened.
        """
        path = self.folder / name
        stamp = path.stat().st_mtime_ns if path.exists() else 0
        known = self._views.get(name)
        if known is None or known[0] != stamp:
            known = self._views[name] = stamp, View(open_model(path).meta)
        return known[1]

    def output(self, model: str, key: str, inputs: Mapping[str, str]) -> Array:
        """Return an output of the default signature for inputs as `run` takes them.

        Raises:
            TensorFlowMissing: nothing can be run.
            ExecutionFailed: the command failed; the message is its own.
        """
        return self._run(["run", model], inputs, key)

    def tensor(self, model: str, address: str, inputs: Mapping[str, str]) -> Array:
        """Return the value of a tensor on the way, `CALL::node:0`.

        Raises: as for `output`.
        """
        return self._run(["probe", model, address], inputs, address)

    def _run(self, words: list[str], inputs: Mapping[str, str], key: str) -> Array:
        stamp = self._stamp(words[1])
        known = (*words, *sorted(inputs.items()), key, stamp)
        if known not in self._arrays:
            if not has_tensorflow():
                raise TensorFlowMissing("Values are computed by TensorFlow, which is not installed.")
            given = [word for name, value in inputs.items() for word in ("--input", f"{name}={value}")]
            with tempfile.TemporaryDirectory(prefix="workbench-learn-") as folder:
                file = os.path.join(folder, "values.npz")
                ran = self.runner((*words, *given, "--npz", file), self.folder)
                if ran.exit:
                    raise ExecutionFailed(
                        f"workbench {words[0]} {words[1]} failed: {ran.errors.strip() or ran.output}"
                    )
                for name, array in read_npz(file, every=True).items():
                    self._arrays[(*known[:-2], name, stamp)] = array
        found: Array = self._arrays[known]
        return found

    def _stamp(self, model: str) -> int:
        file = self.folder / model / "saved_model.pb"
        return file.stat().st_mtime_ns if file.exists() else 0
