"""Where the sample models are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SAMPLES: Mapping[str, str] = {
    "image_base64": "decodes a picture from base64 text into 784 pixels",
    "digits": "reads a handwritten digit from 784 pixels",
    "image_base64_tf2": "image_base64 as a TF2 model: its graph is in functions",
    "digits_tf2": "digits as a TF2 model: its variables are captured",
    "image_bytes_batch": "decodes a batch of PNG or JPEG files, for Serving",
}
"""What the sample models to begin with do; those of the story first."""
STORY = ("image_base64", "digits")
"""The sample models of the story: the output of the first is connected to the input of the second."""


def sample_models() -> Path:
    """Return the folder of the sample models, in a checkout or an installed copy."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_sample_models"
    return installed if installed.is_dir() else package.parent / "sample_models"


SAMPLE_CLASSES = {"digits": tuple("0123456789"), "digits_tf2": tuple("0123456789")}
"""The names of the classes of the sample models that are classifiers."""
