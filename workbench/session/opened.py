"""The models of a session's plan, opened.

They are kept by path and tag set, so that going back opens nothing again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.model import Model, open_model
from workbench.session.history import History
from workbench.session.options import CommitOptions
from workbench.surgery.plan import DEFAULT_SIGNATURE, Plan, Source

if TYPE_CHECKING:
    from workbench.session.running.run import KeptRun


class OpenedModels(History):
    """The plan and its opened models.

    Args:
        plan: to start with.
        commit: commit options to start with.
    """

    def __init__(self, plan: Plan | None = None, commit: CommitOptions | None = None) -> None:
        super().__init__(plan, commit)
        self._opening = threading.RLock()
        self._models: dict[tuple[Path, tuple[str, ...] | None], Model] = {}
        self.runs: dict[Path, KeptRun] = {}
        """The values of the last run of each model, by its path."""
        self.result: tuple[Plan, Path] | None = None
        """The plan that was committed last, and where its result is."""

    @property
    def handles(self) -> tuple[str, ...]:
        """Return the handles of the models, in order."""
        return self.plan.handles

    def source(self, handle: str) -> Source:
        """Return the source with this handle."""
        return next(source for source in self.plan.sources if source.handle == handle)

    def model(self, handle: str) -> Model | None:
        """Return the opened model of a source, or None if it is not open."""
        source = self.source(handle)
        return self._models.get((source.path, source.tags))

    def chosen(self, handle: str) -> str | None:
        """Return the chosen signature or callable of a model, or None."""
        source, model = self.source(handle), self.model(handle)
        if model is None or source.signature is not None:
            return source.signature
        keys = list(model.meta.shown_signatures)
        if not keys:
            from workbench.surgery.resolve.callables import usual_callable

            return usual_callable(model.meta)
        return DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in keys else keys[0] if len(keys) == 1 else None

    @property
    def models(self) -> dict[str, Model]:
        """Return all opened models of the plan, by handle."""
        found = {handle: self.model(handle) for handle in self.handles}
        return {handle: model for handle, model in found.items() if model is not None}

    @property
    def complete(self) -> bool:
        """Return whether every source of the plan is open."""
        return len(self.models) == len(self.plan.sources)

    def run_of(self, handle: str) -> KeptRun | None:
        """Return the values of the last run of a model, or None."""
        return self.runs.get(self.source(handle).path)

    def run_of_result(self) -> KeptRun | None:
        """Return the values of the last run of the plan's result, if it was committed and run."""
        if self.result is None or self.result[0] != self.plan:
            return None
        return self.runs.get(self.result[1])

    # -- opening

    def load(self, path: Path, tags: Iterable[str] | None = None) -> Model:
        """Open a model, once for each path and tag set.

        It reads files; any thread may call it.

        Raises:
            WorkbenchError: it can't be opened.
        """
        key = (path, tuple(tags) if tags is not None else None)
        with self._opening:  # a second thread that wants the same waits for the first
            found = self._models.get(key)
            if found is None:
                found = open_model(path, key[1])
                meta = found.meta  # a choice among several MetaGraphs is asked for now, not at the first look
                _ = (meta.functions, meta.variables, meta.callables, meta.assets)  # for the first list
                self._models[key] = found
        return found

    def drop_opened(self, path: Path) -> None:
        """Forget a model and the values of its run: something else is in its folder now."""
        with self._opening:
            for key in [key for key in self._models if key[0] == path]:
                del self._models[key]
        self.runs.pop(path, None)

    def begin(self) -> threading.Thread:
        """Start to open the plan's models on a thread; `load` raises the errors."""

        def all_of_them() -> None:
            for source in self.plan.sources:
                with suppress(WorkbenchError, OSError):
                    self.load(source.path, source.tags)

        thread = threading.Thread(target=all_of_them, daemon=True)
        thread.start()
        return thread
