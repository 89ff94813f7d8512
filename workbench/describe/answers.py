"""Say what a classifier answers: `it is a 3 (0.98)`, or the largest value where nothing names its classes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.describe.values import text_of
from workbench.disk.folder.digests import digest
from workbench.disk.folder.location import find
from workbench.disk.samples import SAMPLE_CLASSES, sample_models
from workbench.errors import WorkbenchError
from workbench.names import show

if TYPE_CHECKING:
    import numpy as np

    from workbench.model import Model

    Array = np.ndarray[Any, Any]

_MOST_ROWS = 4
_MOST_BYTES = 1 << 20  # of a file of class names
_NEAR_ONE = 1e-3
_SHOWN = 0.1  # from which two decimals say enough
_SCORES = re.compile(r"logit|class|score|prob|pred|label", re.IGNORECASE)
_LABELS = re.compile(r"\blabels +@")


class ClassNames:
    """The names of a model's classes, by how many there are.

    Args:
        by_count: the names, by their number.
        answers: whether string outputs are names of classes already, made by the adapter `labels`.
    """

    def __init__(self, by_count: Mapping[int, Sequence[str]] | None = None, *, answers: bool = False) -> None:
        self.by_count = dict(by_count or {})
        self.answers = answers

    @classmethod
    def of(cls, model: Model) -> ClassNames:
        """Return the names that a model has: a text asset with a line a class, or those of the sample models.

        It reads files.
        """
        found: dict[int, Sequence[str]] = {}
        for asset in model.meta.assets:
            if asset.path is None or not asset.nbytes or asset.nbytes > _MOST_BYTES:
                continue
            names = _lines(asset.path.read_bytes())
            if len(names) > 1:
                found[len(names)] = () if len(names) in found else names  # two files: nobody knows which
        recipe = model.origin.recipe if model.origin is not None else None
        for known in _of_samples(model, recipe):
            found.setdefault(len(known), known)
        return cls(found, answers=recipe is not None and _uses_labels(recipe))


def answer_lines(array: Array, names: ClassNames, key: str = "") -> list[str]:
    """Return what an output answers, a line for each of its first rows; nothing if it is not that of a classifier.

    That it is one is known by names of its classes, by rows that add up to 1, or by the name of the output.

    Args:
        array: the value of an output.
        names: of the model's classes.
        key: of the output.
    """
    if array.dtype.kind in "OSU":
        best = array[:, 0] if array.ndim == 2 and array.size else array.reshape(-1)  # the first of `top-k`
        return [_it_is(text_of(one)) for one in best] if names.answers and len(best) <= _MOST_ROWS else []
    if array.dtype.kind not in "fV" or not array.ndim or array.shape[-1] < 2 or not array.size:
        return []
    rows = array.reshape(-1, array.shape[-1]).astype("float64")
    if len(rows) > _MOST_ROWS or (array.ndim > 2 and len(rows) > 1):
        return []
    known = names.by_count.get(rows.shape[1]) or ()
    if not known and not any(map(_is_likely, rows)) and _SCORES.search(key) is None:
        return []
    lines = [_answer(row, known) for row in rows]
    return [f"row {at}: {line}" for at, line in enumerate(lines)] if len(lines) > 1 else lines


def _answer(row: Array, names: Sequence[str]) -> str:
    import numpy as np

    if not np.isfinite(row).all():
        return "not every value is finite, so nothing is the largest"
    best = int(np.argmax(row))
    value = f"{row[best]:.2f}" if _is_likely(row) and row[best] >= _SHOWN else f"{row[best]:.4g}"
    return f"{_it_is(names[best])} ({value})" if names else f"largest: {best} ({value})"


def _is_likely(row: Array) -> bool:
    """Return whether a row is one of probabilities."""
    return bool(row.min() >= 0 and abs(row.sum() - 1) < _NEAR_ONE)


def _it_is(name: str) -> str:
    article = "an" if name[:1].lower() in "aeiou" or name[:1] == "8" or name in ("11", "18") else "a"
    return f"it is {article} {name}"


def _lines(data: bytes) -> list[str]:
    try:
        return [show(line, 60) for line in data.decode("utf-8").splitlines()]
    except UnicodeDecodeError:
        return []


def _of_samples(model: Model, recipe: Mapping[str, Any] | None) -> list[Sequence[str]]:
    """Return the classes of the sample models that a model is, or is made of."""
    listed = recipe.get("sources") if recipe is not None else None
    known = (
        {one.get("digest") for one in listed if isinstance(one, dict)} if isinstance(listed, list) else set()
    )
    if not known and any(name == part for name in SAMPLE_CLASSES for part in model.path.parts):
        known = {model.digest()}
    if not known - {None}:
        return []
    return [names for name, names in SAMPLE_CLASSES.items() if _digest(name) in known]


def _digest(name: str) -> str | None:
    try:
        return digest(find(sample_models() / name))
    except WorkbenchError:
        return None


def _uses_labels(recipe: Mapping[str, Any]) -> bool:
    """Return whether a step of a recipe has the adapter `labels`."""
    return _LABELS.search(json.dumps(recipe.get("steps", ()))) is not None
