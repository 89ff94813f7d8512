"""Models by name: of the zoo, of `models.py`, or a sample model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sharing import once
from tests.surgery.models import MODELS
from tests.surgery.tools import Models
from tests.zoo import ZOO, Example
from workbench.surgery.plan import Source


@pytest.fixture(scope="session")
def models(zoo: Callable[[str], Example], sample_models: Path, shared: Path) -> Models:
    """`models("v1_simple_save")`, `models("v1_signatures#embed")` (a signature), `models("v1_tag_sets[serve,gpu]")`
    (a tag set): a source; made when first asked for.
    """

    def get(text: str) -> Source:
        name, _, signature = text.partition("#")
        name, bracket, tags_text = name.partition("[")
        if name in ZOO:
            example = zoo(name)
            tags = example.tags if example.path.is_dir() else None
            if bracket:
                tags = tuple(tags_text.rstrip("]").split(","))
            return Source(name, example.path, tags, signature or example.signature)
        return Source(name, path_of(name), None, signature or None)

    @functools.cache
    def path_of(name: str) -> Path:
        committed = sample_models / name
        return committed if committed.is_dir() else once(shared, name, MODELS[name])

    return get
