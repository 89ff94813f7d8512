"""Adapters on a wire: whether a chain takes the output and fits the input, and what should be known of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.errors import UsageError
from workbench.findings import Finding
from workbench.surgery.resolve.remedies import SCALES

if TYPE_CHECKING:
    from workbench.surgery.adapters.checked import Checked
    from workbench.surgery.resolve.endpoints import Endpoint
    from workbench.surgery.resolve.first_ops import Range


def checked_chain(source: Endpoint, target: Endpoint, through: str, where: str) -> Checked | Finding:
    """Return the chain of a wire with its types, or with the problem it has; a finding if it is none.

    Conversions that follow by necessity and lose nothing are inserted.

    Args:
        source: the output, of the same kind as the input.
        target: the input.
        through: the chain as written.
        where: the wire, for the finding.
    """
    from workbench.surgery.adapters.chain import Chain
    from workbench.surgery.adapters.tensor_type import TensorType

    if source.kind != "dense":
        return Finding(
            "R3-kind", "error", where, f"The output is {source.kind}; adapters take dense tensors.",
            "Wire the component tensors one by one (`node:k`).",
        )  # fmt: skip
    try:
        chain = Chain.parse(through)
    except UsageError as problem:
        return Finding("adapt-chain", "error", where, problem.message, problem.hint)
    have, want = (TensorType.of(one.dtypes[0], one.shapes[0]) for one in (source, target))
    checked = chain.check(have, want, files=True)
    if checked.problem is None and checked.companions:
        message = f"The chain gives {len(checked.companions) + 1} tensors; an input takes one."
        return Finding("adapt-chain", "error", where, message)
    return checked


def adapter_remarks(checked: Checked, where: str) -> Iterator[Finding]:
    """Yield what should be known of a chain that fits.

    Args:
        checked: the chain.
        where: what it belongs to: a wire, or the key of an input or output.
    """
    for step in checked.implied:
        yield Finding(
            "adapt-implied", "info", where,
            f"`{step}` is inserted: it follows by necessity and loses nothing.",
        )  # fmt: skip
    for step in checked.steps:
        if step.adapter.loses is not None:
            yield Finding(
                "adapt-alpha", "info", where, step.adapter.loses,
                "Write alpha=composite to put it on a background.",
            )  # fmt: skip
    for warning in checked.warnings:
        yield Finding("adapt-sizes", "warning", where, warning)


_SETS_RANGE = frozenset({"mean", "std", "scale", "clamp", "one-hot", "parse-number", "argmax", "lookup"})
_SQUASHES = frozenset({"softmax", "sigmoid"})


def range_behind(given: Range | None, checked: Checked) -> tuple[Range | None, bool]:
    """Return the value range behind a chain, and whether the chain was written to set it.

    Args:
        given: the range of the input, or None.
        checked: the chain.
    """
    written = False
    for step in checked.steps:
        name, adapter = step.adapter.NAME, step.adapter
        if name == "decode-image":
            given = "0-255"
        elif name in _SQUASHES:
            given, written = "0-1", True
        elif name in _SETS_RANGE:
            scaled = {(of, text): to for (of, to), text in SCALES.items()}
            given, written = scaled.get((given, str(adapter))) if given is not None else None, True
    return given, written
