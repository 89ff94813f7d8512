"""Modules with assets. Importing this imports TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf


class WithAsset(tf.Module):  # type: ignore[misc]
    """Gives the path of its asset, the length of that, and a value."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.asset = tf.saved_model.Asset(str(file))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def f(self, x: Any) -> Any:
        path = self.asset.asset_path
        return {
            "path": tf.fill(tf.shape(x), path),
            "length": x * tf.cast(tf.strings.length(path), tf.float32),
            "y": x * 2,
        }


class WithSiblings(tf.Module):  # type: ignore[misc]
    """Finds an asset by its name, beside the one it is given the path of, as decision forests do."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.done = tf.saved_model.Asset(str(folder / "ab12_done"))
        self.data = tf.saved_model.Asset(str(folder / "ab12_data"))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def f(self, x: Any) -> Any:
        folder = tf.strings.regex_replace(self.done.asset_path, "done$", "")
        return {"y": x * tf.strings.to_number(tf.io.read_file(folder + "data"))}
