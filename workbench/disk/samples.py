"""Where the sample models are."""

from __future__ import annotations

from pathlib import Path


def sample_models() -> Path:
    """Return the folder of the sample models, in a checkout or an installed copy."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_sample_models"
    return installed if installed.is_dir() else package.parent / "sample_models"
