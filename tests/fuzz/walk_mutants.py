"""Random small models with marks in functions and nodes, put where loaders look. A number makes the model.

A mark is a WriteFile of a file of its own, at a node `w3` (or a ReadFile of a secret): what fires and what the walk
reports are compared one by one.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.fuzz.walk_graphs import Files, Graph
from tests.fuzz.walk_marks import Mutant
from tests.fuzz.walk_objects import Objects


def make(folder: Path, seed: int, number: int, *, marked: bool = True) -> Mutant:
    """Writes mutant `number`; without marks, the clean model it would be."""
    rng = random.Random(f"{seed} walk {number}")
    family = rng.choices(["objects", "graph", "paths"], [6, 3, 2])[0]
    return {"objects": Objects, "graph": Graph, "paths": Files}[family](folder, rng, marked).write()
