"""Random small models with marks in functions and nodes, put where loaders look. A number makes the model.

A mark is a WriteFile of a file of its own, at a node `w3` (or a ReadFile of a secret): what fires and what the walk
reports are compared one by one.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.fuzz.walk_graphs import Files, Graph
from tests.fuzz.walk_marks import Making, Mutant
from tests.fuzz.walk_objects import Objects
from tests.fuzz.walk_odd import Odd

FAMILIES: dict[str, type[Making]] = {"objects": Objects, "odd": Odd, "graph": Graph, "paths": Files}


def make(folder: Path, seed: int, number: int, *, marked: bool = True) -> Mutant:
    """Writes mutant `number`; without marks, the clean model it would be."""
    rng = random.Random(f"{seed} walk {number}")
    family = rng.choices(list(FAMILIES), [5, 5, 4, 3])[0]
    return FAMILIES[family](folder, rng, marked).write()
