"""Duplicate variables: in the result the saver restores the one that is read."""

from __future__ import annotations

from workbench import names
from workbench.surgery.imported import ImportedModel


def join_duplicates(part: ImportedModel) -> None:
    """Make the saver restore the variables that are read, instead of their duplicates.

    The duplicates that are restored in the source are recorded in `part.duplicates`.
    """
    part.duplicates = {
        node: restored for node, restored in part.meta.duplicate_variables.items() if node in part.kept
    }
    new = {restored.node: node for node, restored in part.duplicates.items() if restored.node in part.kept}
    if not new:
        return
    for node in part.kept.values():
        for position, text in enumerate(node.input):
            head, rest = names.split_input(text)
            if head in new:
                node.input[position] = f"^{new[head]}" if rest == "^" else new[head] + rest
    for restored in new:
        if f"{restored}:0" not in part.exported:
            part.remove(restored)
