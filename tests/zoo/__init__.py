"""Makers of real SavedModels for tests, by name.

`ZOO[name](folder)` makes one and returns what is known about it, an `Example`. `names("tf1", "table")` lists
the makers of all these kinds. Importing this package does not import TensorFlow; making a model does.

To add one: write `def name(folder) -> Example` under `@maker(kinds…)` in the module it belongs to; its facts
are checked by `test_zoo.py`.
"""

from __future__ import annotations

from tests.zoo import (  # noqa: F401 (importing one registers its makers)
    big,
    danger,
    keras_models,
    tables,
    v1,
    v1_flow,
    v1_state,
    v2,
    v2_signatures,
)
from tests.zoo.example import KINDS, ZOO, Example, Maker, Ragged, Sparse, names

__all__ = ["KINDS", "ZOO", "Example", "Maker", "Ragged", "Sparse", "names"]
