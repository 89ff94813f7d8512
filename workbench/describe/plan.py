"""Say what a draft will write: what is wired, what changes in each model, the files. Every face draws the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.describe.actions import finding_json
from workbench.describe.chains import AdapterText, adapter_texts, adapters_json
from workbench.describe.findings import counts_text, severity_counts
from workbench.describe.signatures import ports_json
from workbench.describe.text import size
from workbench.model import shapes
from workbench.names import count, show
from workbench.surgery.step import print_step, to_json

if TYPE_CHECKING:
    from workbench.findings import Finding
    from workbench.model import Signature
    from workbench.surgery.result import Draft

_DONE = {
    "references": (
        "reference variable becomes a resource variable",
        "reference variables become resource variables",
    ),
    "described": ("variable gets a VariableDef", "variables get a VariableDef"),
    "frozen": ("variable is converted to a constant", "variables are converted to constants"),
}


class WireText(NamedTuple):
    """What a wire connects.

    Attributes:
        source: the output.
        given: its dtype and shape.
        target: the input.
        wanted: its dtype and shape.
        fits: whether they fit.
    """

    source: str
    given: str
    target: str
    wanted: str
    fits: str


class ChainRows(NamedTuple):
    """A chain of adapters.

    Attributes:
        place: where it is: `pixels → image`, `before image`.
        adapters: a row for each.
    """

    place: str
    adapters: tuple[AdapterText, ...]


class SourceChanges(NamedTuple):
    """What becomes of one model.

    Attributes:
        handle: of the model.
        facts: nodes, functions, names; each safe to print.
        renames: (kind of name, `12 renamed`).
    """

    handle: str
    facts: tuple[str, ...]
    renames: tuple[tuple[str, str], ...]


class PlanText(NamedTuple):
    """What a draft will write, as rows.

    Attributes:
        wires: what is connected.
        chains: the adapters on wires and of steps.
        shared: (key of an input of the result, its dtype and shape, an input that it feeds, its dtype and shape).
        steps: what is done besides, as `--step` takes it.
        before: the signature each model is joined by, by handle.
        after: the signature of the result.
        sources: what becomes of each model.
        variables: how many variables the result has, and their bytes.
        conversions: what is done to variables.
        size: bytes of all files.
        files: (name, bytes and what is in it).
        findings: what should be known.
        counted: how many findings of each severity.
    """

    wires: tuple[WireText, ...]
    chains: tuple[ChainRows, ...]
    shared: tuple[tuple[str, str, str, str], ...]
    steps: tuple[str, ...]
    before: tuple[tuple[str, Signature], ...]
    after: Signature
    sources: tuple[SourceChanges, ...]
    variables: str
    conversions: tuple[str, ...]
    size: str
    files: tuple[tuple[str, str], ...]
    findings: Sequence[Finding]
    counted: str


def plan_text(draft: Draft) -> PlanText:
    """Return what a draft will write."""
    return PlanText(
        wires=tuple(
            WireText(
                show(str(link.source)),
                shapes.typed(link.source.dtypes[0], link.source.shapes[0]),
                show(str(link.target)),
                shapes.typed(link.target.dtypes[0], link.target.shapes[0]),
                shapes.FITS[link.fits[0]],
            )
            for link in draft.join.links
        ),
        chains=chain_rows(draft),
        shared=tuple(
            (
                show(one.key),
                shapes.typed(one.dtypes[0], one.shapes[0]),
                show(str(target)),
                shapes.typed(target.dtypes[0], target.shapes[0]),
            )
            for one in draft.join.shared
            for target in one.targets
        ),
        steps=tuple(show(print_step(step), 1000) for step in draft.plan.later_steps),
        before=tuple(
            (handle, part.chosen) for handle, part in draft.parts.items() if part.chosen is not None
        ),
        after=draft.signature,
        sources=tuple(_changes(draft, handle) for handle in draft.parts),
        variables=_variables(draft),
        conversions=_conversions(draft),
        size=size(draft.nbytes),
        files=tuple(file_rows(draft)),
        findings=draft.findings,
        counted=counts_text(severity_counts(draft.findings)),
    )


def chain_rows(draft: Draft) -> tuple[ChainRows, ...]:
    """Return the chains of adapters that a draft has, with what each adapter makes."""
    chains = [
        (f"{show(str(link.source))} → {show(str(link.target))}", link.chain)
        for link in draft.join.links
        if link.chain is not None
    ]
    chains += [(show(place), chain) for place, chain in draft.workspace.chains]
    return tuple(ChainRows(place, adapter_texts(chain)) for place, chain in chains)


def _changes(draft: Draft, handle: str) -> SourceChanges:
    if handle not in draft.logs:
        return _changes_in_place(draft, handle)
    part = draft.parts[handle]
    counts = part.counts
    nodes = f"{count(counts.kept, 'node')} kept, {counts.pruned:,} pruned"
    if counts.added:
        nodes += f", {counts.added:,} added"
    renamed = sorted(draft.logs[handle].counts.items())
    return SourceChanges(
        handle,
        (nodes, count(len(part.functions), "function"), f"all names begin with {handle}/"),
        tuple((str(rule), f"{number:,} renamed") for rule, number in renamed),
    )


def _changes_in_place(draft: Draft, handle: str) -> SourceChanges:
    """What becomes of a model that is changed under its own names."""
    before, after = draft.parts[handle].meta, draft.meta
    counted = (
        (len(before.nodes), len(after.nodes), "node"),
        (len(before.functions), len(after.functions), "function"),
    )
    return SourceChanges(
        handle,
        tuple(
            count(had, noun) if had == has else f"{count(had, noun)} before, {has:,} after the steps"
            for had, has, noun in counted
        ),
        (),
    )


def _variables(draft: Draft) -> str:
    """Return how many variables the result keeps and the bytes of their values."""
    counts = draft.meta.variable_counts
    if not counts.number:
        return "The result has no variables."
    nbytes = sum(kept for _, _, kept, _ in _kept(draft)) if draft.checkpoint.how == "join" else counts.nbytes
    noun = "variable keeps its value" if counts.number == 1 else "variables keep their values"
    return f"{counts.number:,} {noun}: {size(nbytes)}"


def _conversions(draft: Draft) -> tuple[str, ...]:
    found = []
    for name, (one, many) in _DONE.items():
        if number := draft.rewritten.get(name, 0):
            found.append(f"{number:,} {one if number == 1 else many}")
    return tuple(found)


def chains_json(draft: Draft) -> list[dict[str, Any]]:
    """Return the chains that steps put in as data."""
    return [{"place": place, "through": adapters_json(chain)} for place, chain in draft.workspace.chains]


def file_rows(draft: Draft) -> list[tuple[str, str]]:
    """Return a row for each file a draft writes: name, bytes and what is in it."""
    rows = [("saved_model.pb", size(int(draft.proto.ByteSize())))]
    # a checkpoint that is not joined is among the copied files
    for handle, tensors, nbytes, data_files in _kept(draft) if draft.checkpoint.how == "join" else ():
        inside = f"{count(tensors, 'tensor')} in {count(data_files, 'data file')}"
        rows.append((f"variables of {handle}", f"{size(nbytes)}, {inside}"))
    return rows + [(show(copied.relative), size(copied.nbytes)) for copied in draft.files]


def _kept(draft: Draft) -> list[tuple[str, int, int, int]]:
    """Return handle, tensors, bytes and data files of each checkpoint, as far as it is kept."""
    if draft.checkpoint.how != "join":
        return [(handle, len(one.keys()), one.nbytes, one.num_shards) for one, handle in draft.checkpoints]
    found = []
    for part in draft.checkpoint.parts:
        bundle, handle = part.bundle, part.prefix or draft.plan.handles[0]
        if not part.compact:
            found.append((handle, len(bundle.keys()), bundle.nbytes, bundle.num_shards))
            continue
        entries = [bundle.entry(key) for key in bundle if part.new_key(key) is not None]
        shards = {piece.shard for entry in entries for piece in entry.parts()}
        found.append((handle, len(entries), part.nbytes, len(shards)))
    return found


def plan_json(draft: Draft) -> dict[str, Any]:
    """Return the same as data, with the whole map of names."""
    signature = draft.signature
    return {
        "schema_version": 1,
        "wires": [
            {
                "from": str(link.source),
                "to": str(link.target),
                "fits": list(link.fits),
                **({"through": adapters_json(link.chain)} if link.chain is not None else {}),
            }
            for link in draft.join.links
        ],
        "steps": [to_json(step) for step in draft.plan.later_steps],
        "adapters": chains_json(draft),
        "shared": [{"key": one.key, "to": list(map(str, one.targets))} for one in draft.join.shared],
        "before": {
            handle: {"signature": part.chosen.key, **ports_json(part.chosen)}
            for handle, part in draft.parts.items()
            if part.chosen is not None
        },
        "after": {"signature": signature.key, **ports_json(signature)},
        "nodes": {
            handle: {**part.counts._asdict(), "functions": len(part.functions)}
            for handle, part in draft.parts.items()
        },
        "renames": {
            handle: {
                "counts": {str(rule): number for rule, number in sorted(log.counts.items())},
                "names": {str(rule): names for rule, names in log.maps.items() if names},
            }
            for handle, log in draft.logs.items()
        },
        "rewritten": draft.rewritten,
        "checkpoints": {
            handle: {"tensors": tensors, "bytes": nbytes, "data_files": data_files}
            for handle, tensors, nbytes, data_files in _kept(draft)
        },
        "bytes": draft.nbytes,
        "files": [copied.relative for copied in draft.files],
        "findings": [finding_json(finding) for finding in draft.findings],
    }
