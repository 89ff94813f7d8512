"""Slack: how far adapters on the way let an output differ from its reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.runtime.chain import Chain, FromSeveral, FromStage, Taken, Tolerance

if TYPE_CHECKING:
    from workbench.runtime.chain import Sample

_LARGEST_PIXEL = 255
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Slack:
    """What one output may differ by, besides the tolerance of its dtype.

    Attributes:
        absolute: in units of the output.
        relative: as a share of the reference.
    """

    absolute: float = 0.0
    relative: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.absolute or self.relative)


def slack_of(chain: Chain, slot: str, sample: Sample) -> Slack:
    """Return the slack of an output for one sample.

    What adapters after an output allow holds for it as it is. What adapters before a model allow is a share of a
    value there, and is taken as the same share of the output. An output that is computed from several may differ by
    the most that one of them may.

    Args:
        chain: the sources.
        slot: the output.
        sample: the inputs; decoders may differ only if a JPEG file is among them.
    """
    output = chain.outputs[slot]
    jpeg = any(map(_has_jpeg, sample.values()))
    own = _after(output)
    absolute = own.absolute + (own.jpeg if jpeg else 0.0)
    before = [_share(_before(chain, origin.stage), jpeg) for origin in output.origins()]
    return Slack(absolute, own.relative + max(before, default=0.0))


def _share(above: list[Tolerance], jpeg: bool) -> float:
    """Return what adapters above a stage allow together, as a share of a value."""
    pixels = sum(found.absolute + (found.jpeg if jpeg else 0.0) for found in above)
    return sum(found.relative for found in above) + pixels / _LARGEST_PIXEL


def _after(taken: Taken) -> Tolerance:
    """Return what the steps after an output allow; of several values, the most that one of them allows."""
    own = Tolerance() if taken.adapted is None else taken.adapted.tolerance
    values = list(map(_after, taken.values.values())) if isinstance(taken, FromSeveral) else [Tolerance()]
    return Tolerance(
        own.absolute + max(one.absolute for one in values),
        own.relative + max(one.relative for one in values),
        own.jpeg + max(one.jpeg for one in values),
    )


def _before(chain: Chain, stage: int) -> list[Tolerance]:
    """Return what the adapters above a stage allow, each once."""
    found: dict[int, Tolerance] = {}
    seen, todo = {stage}, [stage]
    while todo:
        for feed in chain.stages[todo.pop()].feeds.values():
            if feed.adapted is not None:
                found[id(feed.adapted)] = feed.adapted.tolerance
            if isinstance(feed, FromStage) and feed.stage not in seen:
                seen.add(feed.stage)
                todo.append(feed.stage)
    return list(found.values())


def _has_jpeg(value: Any) -> bool:
    if value.dtype.kind not in "OSU":
        return False
    return any(isinstance(one, bytes) and one.startswith(_JPEG) for one in value.ravel().tolist())
