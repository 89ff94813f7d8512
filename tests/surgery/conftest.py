"""Models by name: of the zoo, of `models.py`, or a sample model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.surgery.models import MODELS
from tests.surgery.tools import Models
from tests.zoo import ZOO, Example
from workbench.surgery.plan import Source


@pytest.fixture(scope="session")
def models(
    zoo: Callable[[str], Example], sample_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Models:
    """`models("v1_simple_save")`, `models("v1_signatures#embed")` (a signature), `models("v1_tag_sets[serve,gpu]")`
    (a tag set): a source; made when first asked for.
    """
    made: dict[str, Path] = {}

    def get(text: str) -> Source:
        name, _, signature = text.partition("#")
        name, bracket, tags_text = name.partition("[")
        if name in ZOO:
            example = zoo(name)
            tags = example.tags if example.path.is_dir() else None
            if bracket:
                tags = tuple(tags_text.rstrip("]").split(","))
            return Source(name, example.path, tags, signature or example.signature)
        if name not in made:
            committed = sample_models / name
            made[name] = committed if committed.is_dir() else make(name)
        return Source(name, made[name], None, signature or None)

    def make(name: str) -> Path:
        return MODELS[name](tmp_path_factory.mktemp(name, numbered=False))

    return get
