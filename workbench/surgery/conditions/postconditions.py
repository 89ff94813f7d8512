"""Postconditions: whether what a plan made can be loaded, before it is written.

An error in it was carried over from a source, which is reported as a finding and stops the commit; or it is a mistake
of this workbench, which is reported as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from workbench.checks import postconditions as sound
from workbench.checks.codes import Found
from workbench.checks.graphs import nodes
from workbench.findings import Action, Finding, Hint
from workbench.graph.body import Bodies
from workbench.model import MetaGraph
from workbench.names import show

if TYPE_CHECKING:
    from workbench.disk.serialized.packed import PackedModel
    from workbench.surgery.imported import ImportedModel
    from workbench.surgery.workspace import Workspace

_HINT = Hint("The source is damaged: ", Action("check-model"))
_NO_OBJECTS = Hint(
    "The source's object graph is damaged. To leave it out, ", Action("choose-format", {"format": "tf1"})
)
_OBJECTS = frozenset({"object-id", "object-function", "object-constant", "capture-count", "capture-kind"})
_TOLD = 5


class UnsoundDraft(Exception):
    """A broken result of sound sources: a bug of this workbench, not of its user.

    Args:
        errors: what is wrong with it.
    """

    def __init__(self, errors: Sequence[Finding]) -> None:
        listed = "\n".join(f"  {finding}" for finding in errors[:_TOLD])
        super().__init__(
            "The result would be broken, and the sources are not. This is a bug of workbench; nothing was written. "
            f"Please report it with the two models or their `inspect`:\n{listed}"
        )
        self.errors = tuple(errors)


def check_join(result: PackedModel, parts: Iterable[ImportedModel]) -> bool:
    """Check a join; return whether the result is sound, and report unsound sources.

    Args:
        result: with one MetaGraph.
        parts: the sources.

    Raises:
        UnsoundDraft: the result has errors that no source has.
    """
    (meta_graph,) = result.message.meta_graphs
    errors = sound.errors(MetaGraph(meta_graph), result.bodies)
    if not errors:
        return True
    codes = {finding.code for finding in errors}
    carried = set()
    for part in parts:
        for finding in sound.errors(part.meta):
            if finding.code in codes and _is_kept(part, finding):
                carried.add(finding.code)
                hint = _NO_OBJECTS if finding.code in _OBJECTS else finding.hint or _HINT
                part.note(finding.code, "error", finding.where, finding.message, hint)
    if not carried:
        raise UnsoundDraft(errors)
    return False


def _is_kept(part: ImportedModel, finding: Finding) -> bool:
    """Return whether a finding is about something of a source that is kept."""
    signature, key, _ = finding.where.partition("#")
    if key:
        return part.chosen is not None and signature == show(part.chosen.key)
    name = finding.where.partition("::")[0]
    gone = name in {show(one) for one in part.meta.nodes.keys() - part.kept.keys()}
    return not gone and name not in {show(one) for one in part.meta.functions.keys() - set(part.functions)}


def _in_bodies(meta: MetaGraph) -> list[Finding]:
    """Return errors of edges in functions, which the quick look leaves out and inlining brings to light."""
    found = Found(None)
    for body in Bodies(meta):
        nodes.check(body, found)
    return [finding for finding in found.findings if finding.severity == "error"]


def check_steps(workspace: Workspace, meta: MetaGraph, before: MetaGraph) -> None:
    """Check a changed model; report as findings what was wrong before the steps.

    Args:
        workspace: gets the findings.
        meta: the result.
        before: the model before the steps.

    Raises:
        UnsoundDraft: the result has errors that were not there before.
    """
    errors = sound.errors(meta)
    if not errors:
        return
    original = {(finding.code, finding.where) for finding in sound.errors(before)}
    new = [finding for finding in errors if (finding.code, finding.where) not in original]
    if new and not original:
        codes = {finding.code for finding in new}
        errors = [finding for finding in _in_bodies(before) if finding.code in codes]
        if not errors:
            raise UnsoundDraft(new)
    for finding in errors:
        workspace.note(finding.code, "error", finding.where, finding.message, finding.hint or _HINT)
