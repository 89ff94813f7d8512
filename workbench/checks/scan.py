"""`workbench.scan`: what a model does besides computing."""

from __future__ import annotations

import os
from collections.abc import Iterable

from workbench.checks import unsafe
from workbench.checks.unsafe import Danger
from workbench.model import Model, as_model


def scan(
    model: Model | str | os.PathLike[str], tags: str | Iterable[str] | None = None
) -> tuple[Danger, ...]:
    """Return the ops of a model that do more than compute: files, the network, the process, Python.

    Each node of a function is listed once, reached or not; those with an `excuse` need no permission and come last.

    Args:
        model: an opened model, or what `open_model` takes.
        tags: tag set of the MetaGraph; None for the one of the opened model, else the obvious one.

    Raises:
        UnknownName: there is no such tag set, or none was given and there is no obvious one.
        WrongType: the model is neither opened nor a path.
        DiskError: the model can't be read.
    """
    return tuple(unsafe.scan(as_model(model, tags).meta))
