"""The verdict on a merged model, and what it rests on: the proof that is kept beside the model."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from workbench.names import count, show
from workbench.runtime.chain import Sample
from workbench.runtime.comparison.compare import Comparison, dtype_name
from workbench.runtime.comparison.verdict import LOADER_NAMES, LoaderStatus, Verdict

_MOST_DESCRIBED = 16
_ABSOLUTE = re.compile(r"(?<![\w.:/])(?:/[\w.@+~-]+){2,}/?|\b[A-Za-z]:\\[^\s'\",;]+")


EXCERPT = 10
"""Values of an output that are kept beside its verdict."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A few values of an output and of its reference, in row-major order.

    Attributes:
        start: the position of the first.
        reference: what the sources gave.
        result: what the result gave.
        total: how many values the result has.
    """

    start: int
    reference: tuple[Any, ...]
    result: tuple[Any, ...]
    total: int

    @classmethod
    def of(cls, reference: Any, result: Any, where: tuple[int, ...] | None) -> Excerpt:
        """Return the first values, or those around an index that lies behind them.

        Args:
            reference: an array.
            result: an array.
            where: an index of both, or None.
        """
        start = 0
        if where is not None and reference.shape == result.shape:
            at = 0
            for place, size in zip(where, reference.shape, strict=True):
                at = at * size + place
            start = 0 if at < EXCERPT else at - EXCERPT // 2
        ends = slice(start, start + EXCERPT)
        left, right = (tuple(array.reshape(-1)[ends].tolist()) for array in (reference, result))
        return cls(start, left, right, int(result.size))


@dataclass(frozen=True, slots=True)
class OutputCheck:
    """One output in one loader, at the sample where it is worst.

    Attributes:
        output: its slot.
        loader: `v1` or `v2`.
        sample: number of the sample, from 0.
        comparison: the differences.
        values: some of its values, or None.
    """

    output: str
    loader: str
    sample: int
    comparison: Comparison
    values: Excerpt | None = None

    def as_json(self) -> dict[str, Any]:
        """For the proof: plain numbers; a NaN never gets here."""
        found = asdict(self.comparison)
        found["shape"] = list(self.comparison.shape)
        found["where"] = list(self.comparison.where) if self.comparison.where is not None else None
        return {"output": self.output, "loader": LOADER_NAMES[self.loader], "sample": self.sample, **found}


@dataclass(frozen=True, slots=True)
class LoaderCheck:
    """One loader.

    Attributes:
        loader: `v1` or `v2`.
        status: `skipped` if it can't load or run one of the sources alone, `failed` if only the result fails.
        reason: why, for all but `equal`.
        seconds: that it took on the result.
    """

    loader: str
    status: LoaderStatus
    reason: str | None = None
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """`v1 Session` or `tf.saved_model.load`."""
        return LOADER_NAMES[self.loader]


@dataclass(frozen=True, slots=True)
class Verification:
    """What running the merged model against its parts has shown.

    Attributes:
        verdict: as told in the README; only `verified` is published.
        reason: one or two sentences, safe to print.
        hint: the next move, or None.
        loaders: each loader that was tried or skipped.
        outputs: every output in every loader that ran.
        samples: the inputs it was run on, those that were given first.
        given: how many of them were given.
        how_made: slot to how its values were made; empty for given ones.
        notes: what a reader of the verdict should know besides.
        versions: of TensorFlow, Python and numpy in the child.
        tolerance: the one given, or None for the usual one of each dtype.
        seconds: by what they were spent on.
    """

    verdict: Verdict
    reason: str
    hint: str | None = None
    loaders: tuple[LoaderCheck, ...] = ()
    outputs: tuple[OutputCheck, ...] = ()
    samples: tuple[Sample, ...] = ()
    given: int = 0
    how_made: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    tolerance: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        ran = f"; {count(len(self.samples), 'sample')}" if self.samples else ""
        loaders = "".join(f"; {one.name} {one.status}" for one in self.loaders)
        return f"<Verification {self.verdict}: {show(self.reason)}{ran}{loaders}>"

    @property
    def ok(self) -> bool:
        """Whether the model may be published."""
        return self.verdict == "verified"

    @property
    def max_abs(self) -> float:
        """The largest absolute difference over all outputs and loaders; 0 where there were no numbers."""
        return max((check.comparison.max_abs or 0.0 for check in self.outputs), default=0.0)

    def as_json(self) -> dict[str, Any]:
        """The proof, `assets.extra/workbench-proof.json`: no absolute paths, the inputs by digest only."""
        return {
            "schema_version": 1,
            "verdict": self.verdict,
            "reason": without_paths(self.reason),
            "tolerance": self.tolerance,
            "loaders": [
                {
                    "loader": check.name,
                    "status": check.status,
                    "reason": without_paths(check.reason) if check.reason else None,
                    "seconds": round(check.seconds, 3),
                }
                for check in self.loaders
            ],
            "outputs": [check.as_json() for check in self.outputs],
            "inputs": {
                "sha256": digest(self.samples),
                "count": len(self.samples),
                "given": self.given,
                "samples": [describe(sample) for sample in self.samples[:_MOST_DESCRIBED]],
                "made": dict(self.how_made),
            },
            "notes": [without_paths(note) for note in self.notes],
            "versions": dict(self.versions),
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def not_run(reason: str, hint: str | None = None) -> Verification:
    """The verdict for what could not even be tried."""
    return Verification("not run", reason, hint)


def describe(sample: Sample) -> dict[str, dict[str, Any]]:
    """For each value its dtype and shape."""
    return {slot: {"dtype": dtype_name(array), "shape": list(array.shape)} for slot, array in sample.items()}


def digest(samples: Sequence[Sample]) -> str:
    """SHA-256 over names, dtypes, shapes and values, in the order of the samples and sorted by slot."""
    found = hashlib.sha256()
    for sample in samples:
        for slot in sorted(sample):
            array = sample[slot]
            found.update(f"{slot}\0{dtype_name(array)}\0{array.shape}\0".encode("utf-8", "surrogateescape"))
            for part in _bytes(array):
                found.update(len(part).to_bytes(8, "little") + part)
    return found.hexdigest()


def _bytes(array: Any) -> Iterable[bytes]:
    if array.dtype.kind in "OSU":
        return [item if isinstance(item, bytes) else str(item).encode() for item in array.ravel().tolist()]
    return [array.tobytes()]


def without_paths(text: str) -> str:
    """`text` with absolute paths cut to their last part: a proof travels to other machines."""
    return _ABSOLUTE.sub(lambda match: "…" + os.sep + re.split(r"[/\\]", match[0].rstrip("/\\"))[-1], text)
