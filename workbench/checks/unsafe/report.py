"""What the walk finds: one op that touches more than tensors, and some of them as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.checks.unsafe.ops import Tier
from workbench.names import show

INIT, RESTORE, LOAD, SAVE, FETCHED = "(init op)", "(restore)", "(load)", "(save)", "(fetched)"
IMPORT, DELETE = "(import)", "(delete)"
SAVERS_OWN = "the saver's own, on the checkpoint it is given"
OTHER_SAVERS = "of a saver that nothing calls"
REPLACED = "calls by name only what the compiler itself replaces"
OWN_ASSET = "reads an asset of the model, and nothing else"


class Danger(NamedTuple):
    """An op that touches more than tensors.

    Attributes:
        op: its op.
        tier: `code`, `process`, `write`, `read`, `network`.
        why: what it does, in words.
        node: its name.
        path: the functions on the way to it, outermost first, `…` for the first of very many; empty for the main graph.
        signatures: keys of the signatures that reach it (and paths of callables, where all is listed). Loading the
            model reaches it by `(import)` (shape inference), `(restore)`, `(init op)` or `(load)` (functions of its
            objects), dropping the loaded model by `(delete)`, the saving half of the saver by `(save)`. Empty if
            nothing that can be called reaches it.
        excuse: why it needs no permission, or None.
    """

    op: str
    tier: Tier
    why: str
    node: str
    path: tuple[str, ...]
    signatures: tuple[str, ...]
    excuse: str | None = None


def unsafe_message(found: Sequence[Danger], who: str = "The model") -> str:
    """Return some unsafe ops as a sentence that names the first three; empty without any."""
    if not found:
        return ""
    by_op: dict[tuple[str, str], list[Danger]] = {}
    for danger in found:
        by_op.setdefault((danger.op, danger.why), []).append(danger)
    listed = []
    for (op, why), places in list(by_op.items())[:3]:
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        listed.append(f"{show(op)} at {show('::'.join((*places[0].path, places[0].node)))}{more} {why}")
    rest = f"; and {len(by_op) - 3} more ops" if len(by_op) > 3 else ""
    return f"{who} reaches ops that do more than compute: {'; '.join(listed)}{rest}."
