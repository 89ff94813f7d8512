"""Preconditions: whether what is kept of a source has its data and can run."""

from __future__ import annotations

from collections.abc import Iterable

from workbench import names
from workbench.checks.postconditions import ambiguous
from workbench.disk.optable import is_known
from workbench.findings import Action, Finding, Hint
from workbench.graph.adjacency import Adjacency
from workbench.model import MetaGraph
from workbench.model.op_classes import VARIABLES
from workbench.model.variables import mismatch
from workbench.names import show
from workbench.surgery.imported import ImportedModel


def has_checkpoint(part: ImportedModel) -> bool:
    """Return whether the checkpoint is complete; report it if it is not."""
    bundle = part.model.bundle
    if bundle is not None:
        missing = bundle.missing_shards
        if missing:
            part.note(
                "R10-missing-shard",
                "error",
                "",
                f"{len(missing)} of {bundle.num_shards} data files of the checkpoint are missing: "
                f"{', '.join(show(name) for name in missing[:4])}.",
                "Fetch the whole variables/ folder again.",
            )
        return True
    needed = [name for name, node in part.meta.nodes.items() if node.op in VARIABLES]
    problem = part.model.bundle_problem
    if needed or problem is not None:
        part.note(
            "R10-no-checkpoint",
            "error",
            "",
            (f"{problem.where}: " if problem.where else "") + problem.message
            if problem is not None
            else f"The model has {len(needed)} variables and no variables/variables.index.",
            (problem.hint if problem is not None else None) or "Fetch the whole variables/ folder again.",
        )
    return False


def variables_have_data(part: ImportedModel, roots: Iterable[str], *, frozen: bool) -> None:
    """Report variables that are read and have no value (R10).

    A value comes from the checkpoint, the init op, or an op of the graph.

    Args:
        part: a part with its kept nodes.
        roots: what its outputs and wires need.
        frozen: whether values are read from the checkpoint although no saver is kept.
    """
    bundle = part.model.bundle
    if part.meta.variables and bundle is None and any(f.code == "R10-no-checkpoint" for f in part.findings):
        return
    known = {variable.node: variable for variable in part.meta.variables}
    initialised = part.needs.nodes(f"^{name}" for name in part.init_ops)
    set_by_graph: set[str] | None = None
    for name, node in part.kept.items():
        if node.op not in VARIABLES or name in initialised or name in part.duplicates:
            continue
        variable = known.get(name)
        if variable is not None and variable.key is not None and (part.has_saver or frozen):
            problem = None if bundle is None else mismatch(variable, bundle)
            if problem is not None:
                part.note(
                    "variable-mismatch", "error", show(name), problem, "The checkpoint is of another version."
                )
            if bundle is not None and variable.key not in bundle:
                part.note(
                    "R10-no-data",
                    "error",
                    show(name),
                    f"The saver restores it from {show(variable.key)!r}, which the checkpoint does not have.",
                    names.did_you_mean(variable.key, bundle.keys(), noun="keys"),
                )
            continue
        if set_by_graph is None:
            running = part.needs.nodes(roots)
            set_by_graph = {
                names.input_node(other.input[0])
                for other in part.kept.values()
                if other.op.startswith("Assign") and other.name in running
            }
        part.note(
            "R10-not-restored",
            "warning" if bundle is not None or name in set_by_graph else "error",
            show(name),
            "Neither a saver nor the init op gives this variable a value.",
            "Save the model again with a saver for all its variables, or freeze it with TensorFlow.",
        )


def look_closer(part: ImportedModel) -> None:
    """Report duplicate names, cycles outside loops (R2) and unknown ops (R8)."""
    for finding in ambiguous(part.meta):
        if finding.where in {show(name) for name in (*part.kept, *part.functions)}:
            part.note(
                finding.code, "error", finding.where, finding.message, "The source is damaged; save it again."
            )
    cycle = Adjacency(part.kept).find_cycle()
    if cycle is not None:
        part.note(
            "R2-source-cycle", "error", show(cycle[0]),
            "The model's graph has a cycle that is no while loop: "
            + " → ".join(show(name, 60) for name in [*cycle[:6], cycle[0]]) + ".",
            "No loader takes it; save the model again.",
        )  # fmt: skip
    unknown = sorted({node.op for node in part.kept.values() if _is_unknown(part, node.op)})
    inside = {op for name in part.functions for op in part.naming.ops(name)}
    unknown = sorted({*unknown, *(op for op in inside if _is_unknown(part, op))})
    if unknown:
        listed = ", ".join(map(show, unknown[:8]))
        part.note(
            "R8-unknown-op", "warning", "",
            f"TensorFlow 2.21 does not have {'this op' if len(unknown) == 1 else 'these ops'}: {listed}.",
            Hint("The result needs the same library as the source: ", Action("load-ops")),
        )  # fmt: skip


def _is_unknown(part: ImportedModel, op: str) -> bool:
    return op not in part.meta.functions and not is_known(op)


def unsafe_findings(meta: MetaGraph, signatures: Iterable[str]) -> list[Finding]:
    """Return a warning about unsafe ops that the result reaches (R12).

    Not part of building a draft: the walk through every function costs as much as the rest of a merge.
    """
    from workbench.checks.unsafe import unsafe_message, unsafe_ops

    found = unsafe_ops(meta, list(signatures))
    if not found:
        return []
    hint = Hint("Verifying runs it. If you trust it, ", Action("allow-unsafe"))
    return [Finding("R12-unsafe", "warning", "result", unsafe_message(found), hint)]
