"""Whether running a result or its sources needs the user's consent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from workbench.findings import Action, Hint
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model import MetaGraph
    from workbench.runtime.chain import Stage as ChainStage
    from workbench.runtime.child_process.child import Child

ALLOW = Hint("If you trust it, ", Action("allow-unsafe"))


def unsafe(
    meta: MetaGraph,
    keys: Sequence[str],
    stages: Iterable[tuple[ChainStage, MetaGraph]],
    child: Child | None = None,
    *,
    allowed: bool = False,
) -> str | None:
    """Return why running a result and its sources needs consent, or None.

    Args:
        meta: the MetaGraph of the result.
        keys: its signatures that are run.
        stages: the sources that are run, each with the MetaGraph it loads.
        child: the process they are run in, started. Only what its TensorFlow may do besides is looked for: nothing,
            where the walk knows its loaders.
        allowed: the user's word was given.

    Raises:
        WorkbenchError: an asset of one of them lies outside the model; nobody's word is enough for that.
    """
    from workbench.checks.unsafe import unsafe_message, unsafe_ops
    from workbench.model.assets import check_inside
    from workbench.publishing import reference
    from workbench.runtime.child_process.unread_version import told_of, unread_version

    stages = list(stages)
    for loaded in (meta, *(loaded for _, loaded in stages)):
        check_inside(loaded.assets)
    version = unread_version(child) if child is not None else None
    if allowed or (child is not None and version is None):
        return None
    told = unsafe_message(unsafe_ops(meta, keys, tensorflow=version))
    for stage, loaded in stages if not told else ():
        told = unsafe_message(
            reference.stage_unsafe_ops(stage, loaded, version), f"The source {show(stage.name)}"
        )
        if told:
            break
    return f"{told}{told_of(version)}" if told else None
