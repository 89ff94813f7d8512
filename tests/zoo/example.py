"""What a maker returns, and how makers are registered."""

from __future__ import annotations

import functools
import gc
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

KINDS = {
    "tf1": "made from a v1 graph; no object graph",
    "tf2": "made by tf.saved_model.save; has an object graph",
    "keras": "made by Keras",
    "graphdef": "a frozen GraphDef, not a SavedModel",
    "chain": "maps float32 [-1,4] `x` to float32 [-1,4] `y`, so that any two can be joined",
    "ref": "has ref variables",
    "partitioned": "has partitioned variables",
    "sharded": "its checkpoint has more than one data file",
    "table": "has lookup tables",
    "asset": "has asset files",
    "flow": "has control flow: branches or loops",
    "flow_v1": "has v1 control flow: Switch, Merge, Enter, Exit, NextIteration",
    "state": "a run changes what the next run gives",
    "random": "two runs from the start differ",
    "danger": "reads or writes files, runs Python or prints",
    "unknown_op": "has an op that TensorFlow does not know",
    "odd": "something about names, dtypes or shapes is unusual",
    "init": "has an init op of its own",
    "slots": "its checkpoint has an optimizer's slots",
    "elsewhere": "its facts hold in a fresh process; the one that made it can do more",
    "big": "many nodes, variables or bytes",
    "slow": "takes more than a few seconds to make",
}


@functools.cache
def _imported() -> Any:
    """Import TensorFlow without looking for garbage in it; what making models leaves is looked for seldom."""
    gc.disable()
    try:
        import tensorflow
    finally:
        gc.enable()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    return tensorflow


class _LazyTensorFlow:
    """TensorFlow, imported at its first use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name not in ("__version__", "__internal__"):
            raise AttributeError(
                name
            )  # pytest asks each object of a module whether it is a test or a fixture
        return getattr(_imported(), name)


tf = _LazyTensorFlow()


class Sparse(NamedTuple):
    """The value of a sparse input: int64 `[n, rank]`, `[n]`, int64 `[rank]`."""

    indices: np.ndarray
    values: np.ndarray
    dense_shape: np.ndarray


class Ragged(NamedTuple):
    """The value of a ragged input of one ragged dimension: flat values, int64 row splits."""

    values: np.ndarray
    row_splits: np.ndarray


Inputs = Callable[[int], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs that are at hand for some batch sizes."""

    at: Mapping[int, Mapping[str, Any]]

    def __call__(self, batch: int) -> dict[str, Any]:
        return dict(self.at[batch])


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A model on disk and the facts that hold for it.

    Facts about nodes are about the MetaGraph with the tags `tags`.
    """

    path: Path
    """The folder, or the file of a GraphDef."""
    tags: tuple[str, ...] = ("serve",)
    """Tag set to use; `()` is the empty tag set and what a GraphDef has."""
    meta_graphs: int = 1
    signature: str | None = "serving_default"
    """The signature to run; None if there is none (then see `callables`) or it is a GraphDef."""
    signatures: tuple[str, ...] = ("serving_default",)
    """All keys, sorted, without `__saved_model_init_op` and `__saved_model_train_op`."""
    callables: tuple[str, ...] = ()
    """Attributes of the loaded object that can be called, sorted (TF2)."""
    inputs: Inputs = field(default=lambda batch: {})
    """Batch size -> value of each input of `signature` (of the first of `callables` if there is none; by
    placeholder for a GraphDef). The same values every time; `Sparse` and `Ragged` where the input is."""
    outputs: tuple[str, ...] = ("y",)
    """Output keys of `signature`, sorted; tensor names for a GraphDef."""
    batches: tuple[int, ...] = (1, 3)
    """Batch sizes that work."""
    variables: int = 0
    """Variable nodes (VarHandleOp, VariableV2, Variable) in the main graph. Each partition counts, and so do
    nodes without a checkpoint key: a TF2 asset's path; the second, `Variable*`, that a Keras save leaves."""
    checkpoint_keys: int | None = None
    """Tensors in the checkpoint's index, a partitioned one counted once; None if there is no checkpoint."""
    shards: int | None = None
    """Data files of the checkpoint; by default 1 if it has one."""
    tables: int = 0
    """Table nodes (HashTableV2, …) in the main graph. Tables made inside functions are not counted."""
    assets: tuple[str, ...] = ()
    """File names in `asset_file_def` or, where that is empty, in collection `saved_model_assets`; sorted."""
    object_graph: bool = False
    runs_v1: bool = True
    """A v1 Session loads and runs it."""
    loads_v2: bool = True
    """`tf.saved_model.load` loads it."""
    runs_v2: bool | None = None
    """The loaded signature runs; by default the same as `loads_v2`."""
    name: str = ""
    kinds: frozenset[str] = frozenset()

    def copy(self, to: Path) -> Example:
        """A copy at the new path `to`, to be changed by a test."""
        if self.path.is_dir():
            shutil.copytree(self.path, to)
        else:
            shutil.copy(self.path, to)
        return replace(self, path=to)

    def sampled(self) -> Example:
        """The same with its inputs as values, for the batches that tests take: it can be pickled."""
        batches = {1, 2, 3, *self.batches}
        return replace(self, inputs=Samples({batch: self.inputs(batch) for batch in batches}))


Make = Callable[[Path], Example]


@dataclass(frozen=True, slots=True)
class Maker:
    """A registered maker; calling it makes the model below a folder that exists and is its own."""

    name: str
    kinds: frozenset[str]
    make: Make

    def __call__(self, folder: Path) -> Example:
        example = self.make(folder)
        return replace(example, name=self.name, kinds=self.kinds)


ZOO: dict[str, Maker] = {}


def maker(*kinds: str) -> Callable[[Make], Make]:
    """Register a maker under its function's name."""
    unknown = set(kinds) - set(KINDS)
    assert not unknown, unknown

    def register(make: Make) -> Make:
        name = make.__name__
        assert name not in ZOO, name
        ZOO[name] = Maker(name, frozenset(kinds), make)
        return make

    return register


def names(*kinds: str, without: tuple[str, ...] = ("slow",)) -> list[str]:
    """Names of the makers that are of all `kinds` and of none of `without`, as ordered in the code."""
    return [name for name, made in ZOO.items() if made.kinds >= set(kinds) and not made.kinds & set(without)]


def numbers(seed: str, shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """Values in [-1, 1) that depend on the text `seed` alone (0 to 99 for whole numbers, both for bool)."""
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    if np.issubdtype(np.dtype(dtype), np.bool_):
        return random.integers(0, 2, shape).astype(bool)
    if np.issubdtype(np.dtype(dtype), np.integer):
        return random.integers(0, 100, shape).astype(dtype)
    if np.issubdtype(np.dtype(dtype), np.complexfloating):
        return (random.uniform(-1, 1, shape) + 1j * random.uniform(-1, 1, shape)).astype(dtype)
    return random.uniform(-1, 1, shape).astype(dtype)


def floats(*keys: str, tail: tuple[int, ...] = (4,)) -> Inputs:
    """Sample inputs: `[batch, *tail]` float32 for each key (`x` if none is given)."""

    def make(batch: int) -> dict[str, Any]:
        return {key: numbers(key, (batch, *tail)) for key in keys or ("x",)}

    return make


def strings(key: str, words: Mapping[int, bytes] | list[bytes]) -> Inputs:
    """Sample inputs: `[batch]` strings that cycle through `words`."""
    cycle = list(words)

    def make(batch: int) -> dict[str, Any]:
        return {key: np.array([cycle[i % len(cycle)] for i in range(batch)], object)}

    return make
