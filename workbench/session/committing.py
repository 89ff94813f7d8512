"""Commits from a face that must not wait."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from workbench.errors import Cancelled, TargetExists
from workbench.names import show
from workbench.session.lists.places import expand
from workbench.session.options import CommitOptions
from workbench.session.running.jobs import Jobs
from workbench.state import remember_recipe

if TYPE_CHECKING:
    from workbench.publishing.report import Report
    from workbench.publishing.running import Progress
    from workbench.surgery.draft import Draft

_CANCELLED = "The commit was cancelled and left nothing behind."


class Committer(Jobs):
    """Commits drafts, one at a time."""

    def commit(self, draft: Draft, target: str, options: CommitOptions, progress: Progress) -> Report:
        """Commit and wait for the report; for a thread.

        Raises:
            Cancelled: `cancel` was called; nothing was left behind.
            WorkbenchError: as `commit` raises, and for values that do not fit their inputs.
        """
        from workbench.publishing.commit import commit

        with self.job("commit", _CANCELLED, progress) as told:
            told("check", "checking target and inputs")
            path = expand(target)
            if os.path.lexists(path) and not options.serving:  # said before TensorFlow is waited for
                raise TargetExists(
                    "The target already exists and is not overwritten.",
                    where=show(str(path)),
                    hint="Choose another name.",
                )
            report = commit(
                draft,
                path,
                serving=options.serving,
                verify=options.verify,
                proving=options.proving(draft),
                child=self.child(options) if options.verify else None,
                progress=told,
            )
        if self._cancelled.is_set() and not report.published:
            raise Cancelled(_CANCELLED)
        if report.published:
            remember_recipe(draft.recipe, [source.path for source in draft.plan.sources])
        return report
