"""Commit of an edit: one model changed in place of a copy, proven against the original. All or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.disk.atomic.stage import Stage
from workbench.errors import PlanError
from workbench.publishing.publish import Progress, Proving, Report, Trial, Work, check_bundle, publish
from workbench.surgery.edit import Edit
from workbench.surgery.recipe import RECIPE

if TYPE_CHECKING:
    from workbench.model import MetaGraph
    from workbench.runtime.chain import Stage as ChainStage
    from workbench.runtime.child_process.child import Child

__all__ = ["commit_edit"]


def commit_edit(
    edit: Edit,
    target: str | Path,
    *,
    serving: bool = False,
    verify: bool = True,
    proving: Proving | None = None,
    child: Child | None = None,
    progress: Progress | None = None,
) -> Report:
    """Writes an edited model, proves it against the original, and publishes it: all or nothing.

    Each signature in `edit.references` is run, and all of them must be equal.

    Args:
        edit: the edit; it must not change any more.
        target: as for `commit`.
        serving: as for `commit`.
        verify: run the result against the original.
        proving: as for `commit`; given inputs are for the first of the signatures.
        child: as for `commit`.
        progress: as for `commit`.

    Raises:
        PlanError: a finding of the edit is an error.
        TargetExists, CannotWrite, MissingFile, DamagedFile: nothing was left behind.
    """
    edit.examine()
    if edit.blocked:
        raise PlanError("The model can't be changed like this.", edit.findings)
    return publish(work(edit, proving, progress), target, serving=serving, verify=verify, child=child)


def work(edit: Edit, proving: Proving | None = None, progress: Progress | None = None) -> Work:
    """An edit as something that can be proven and published."""
    return _CommitEdit(edit, proving or Proving(), progress)


class _CommitEdit(Work):
    """An edit on its way to disk."""

    def __init__(self, edit: Edit, proving: Proving, progress: Progress | None) -> None:
        super().__init__(proving, progress, edit.findings)
        self.edit = edit
        self._nbytes = edit.nbytes()

    @property
    def meta(self) -> MetaGraph:
        """The edited MetaGraph."""
        return self.edit.meta

    @property
    def nbytes(self) -> int:
        """Bytes to be written."""
        return self._nbytes

    def proven(self) -> Sequence[str]:
        """Every signature with a reference."""
        return tuple(self.edit.references)

    def stages(self) -> Iterator[tuple[ChainStage, MetaGraph]]:
        """The original, for each signature."""
        from workbench.publishing import reference as prove

        for key in self.proven():
            for stage in prove.edit_chain(self.edit, key).stages:
                yield stage, self.edit.references[key].opened or self.edit.original

    def trial(self, child: Child, key: str) -> Trial:
        """The original under the keys of the result, and inputs for both."""
        from workbench.publishing import reference as prove
        from workbench.runtime.comparison.verify import Verifier
        from workbench.runtime.inputs.make_inputs import sample_source

        options = self.proving
        signature = self.meta.signatures[key]
        given = self.given(self.meta, signature) if key == next(iter(self.edit.references)) else ()
        assets = {asset.tensor: asset.path for asset in self.meta.assets if asset.path is not None}
        groups = prove.edit_groups(self.edit, key)
        verifier = Verifier(
            child,
            prove.edit_chain(self.edit, key, self.copies.of),
            sample_source(self.meta, signature, given, seed=options.seed, assets=assets, groups=groups),
            tolerance=options.tolerance,
            depends=prove.edit_depends(self.edit, key),
            time_limit=options.time_limit,
        )
        return Trial(signature, verifier)

    def places(self) -> Sequence[Path]:
        """Where the original is."""
        return (self.edit.model.place,)

    def check(self) -> None:
        """Looks at the checkpoint and the assets.

        Raises:
            DamagedFile, MissingFile: something is not what it should be.
        """
        self.edit.files()
        bundle = self.edit.model.bundle
        if bundle is not None and self.edit.checkpoint != "drop":
            check_bundle(bundle, str(self.edit.model.path))

    def write(self, stage: Stage) -> None:
        """Everything but the proof."""
        edit = self.edit
        stage.need(self.nbytes)
        stage.write("saved_model.pb", edit.serialize())
        if edit.checkpoint == "join":
            from workbench.disk.checkpoint.bundle_write import JoinPart, join

            out = stage.folder / "variables" / "variables"
            bundle = edit.model.bundle
            part = edit.part or (JoinPart(bundle) if bundle is not None else None)
            join(
                [part] if part is not None else [],
                out,
                extra=edit.tensors,
                progress=lambda done, total: self.progress("write", f"variables {done}/{total}"),
            )
        for copied in edit.files():
            stage.copy(copied.path, copied.relative)
        stage.write(f"assets.extra/{RECIPE}", edit.recipe())
