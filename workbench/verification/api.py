"""`workbench.verify`: verify a model on disk again, or compare two models."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING

from workbench.disk.atomic.scratch import Scratch
from workbench.errors import UsageError, expect
from workbench.model import Model, as_model
from workbench.publishing.running import Progress, Proving
from workbench.verification.report import Proof

if TYPE_CHECKING:
    from workbench.runtime.child_process.child import Child


def verify(
    model: Model | str | os.PathLike[str],
    sources: Mapping[str, str | os.PathLike[str]] | None = None,
    *,
    against: Model | str | os.PathLike[str] | None = None,
    signature: str | None = None,
    tags: str | Iterable[str] | None = None,
    proving: Proving | None = None,
    child: Child | None = None,
    progress: Progress | None = None,
) -> Proof:
    """Verify a result against the sources in its recipe, or a model against another.

    Nothing is written.

    Args:
        model: an opened model, or what `open_model` takes.
        sources: where sources of the recipe are, by handle; the others are looked for by their digest.
        against: the model to compare it with, instead of its sources.
        signature: for `against`: the signature in both; None for the obvious one.
        tags: for `against`: the tag set in both; None for the obvious ones.
        proving: inputs, tolerance, interpreter and the like; inputs are for the signature the recipe made.
        child: a running TensorFlow process to use and leave running; None starts one and ends it.
        progress: receives what is being done.

    Raises:
        MissingFile: it has no recipe, or a file of it is gone.
        MissingSource, WrongSource: sources of the recipe are not there, or a given one is another model.
        DamagedFile: its recipe or a checkpoint can't be read.
        WrongType: a model is neither opened nor a path, or `sources` is no mapping.
        UsageError: `sources` together with `against`, or a handle that the recipe does not have.
        WorkbenchError: what is there can't be opened.
    """
    options = proving or Proving()
    expect(sources, (Mapping, NoneType), "The sources", "a dict of handles to paths")
    for place in (sources or {}).values():
        expect(place, (str, os.PathLike), "A source", "a path (text or pathlib.Path)")
    if against is None:
        from workbench.verification.recheck import verify_again
        from workbench.verification.replay import replay

        if signature is not None or tags is not None:
            raise UsageError("The recipe tells the signature and the tag set.", hint="Leave them out.")
        result = as_model(model)
        places = {handle: Path(path) for handle, path in (sources or {}).items()}
        with Scratch() as scratch:
            made = replay(result, places, scratch.folder / "sources")
            return verify_again(result, made, made.work(options, progress), child)
    from workbench.verification.compare import pair, verify_against

    if sources:
        raise UsageError("A comparison with another model needs no sources.", hint="Leave them out.")
    one, other = as_model(model, tags), as_model(against, tags)
    return verify_against(pair(one, other, signature), options, child, progress)
