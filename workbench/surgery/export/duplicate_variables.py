"""Variables that stand twice in a main graph (`model.twins`): in the result the saver restores the one that is read."""

from __future__ import annotations

from workbench import names
from workbench.surgery.imported import ImportedModel


def join_twins(part: ImportedModel) -> None:
    """Leads what the saver does to a restored twin to the variable that is read; notes it in `part.twins`."""
    part.twins = {node: twin for node, twin in part.meta.duplicate_variables.items() if node in part.kept}
    new = {twin.node: node for node, twin in part.twins.items() if twin.node in part.kept}
    if not new:
        return
    for node in part.kept.values():
        for position, text in enumerate(node.input):
            head, rest = names.split_input(text)
            if head in new:
                node.input[position] = f"^{new[head]}" if rest == "^" else new[head] + rest
    for twin in new:
        if f"{twin}:0" not in part.exported:
            part.remove(twin)
