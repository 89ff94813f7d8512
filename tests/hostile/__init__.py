"""Models that would do harm, each with a harmless twin; made by hand, without TensorFlow.

`HOSTILE` has them all by name. Each is shown to do what it does (`test_fires.py`), so that the walk is held to
models that are known to work, not to guesses.
"""

from tests.hostile import assets, calling, graphs, loading, paths
from tests.hostile.registry import HOSTILE, Hostile

__all__ = ["HOSTILE", "Hostile", "assets", "calling", "graphs", "loading", "paths"]
