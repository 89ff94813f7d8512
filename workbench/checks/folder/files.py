"""The model's file as a whole: its size, and MetaGraphs that can't be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.disk.folder.layout import MAX_PROTO
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model.model import Model

PROTO_SIZE = Code(
    "proto-size", "warning", "the model is near the 2 GB that a protobuf message can have",
    "Constants are stored in the graph itself. At 2,147,483,647 bytes nothing writes or reads it any more; a merge "
    "with another model may get there.",
    "Keep large constants as variables, whose values are in the checkpoint.",
)  # fmt: skip
TAGS_TWICE = Code(
    "tags-twice", "warning", "two MetaGraphs have the same tag set",
    "A loader that is asked for it takes the first; the other can't be reached.",
    "Drop one, or give it another tag set.",
)  # fmt: skip

NEAR = MAX_PROTO // 4 * 3
"""The least number of bytes that is reported."""


def check(model: Model, found: Found) -> None:
    """Check the SavedModel message."""
    nbytes = int(model.proto.ByteSize())
    if nbytes >= NEAR:
        message = f"It has {nbytes:,} bytes of at most {MAX_PROTO:,}."
        found.add(PROTO_SIZE, show(str(model.location.file)), message)
    seen: set[frozenset[str]] = set()
    for meta in model.meta_graphs:
        tags = frozenset(meta.tags)
        if tags in seen:
            found.add(
                TAGS_TWICE, show(meta.tags_text) or "(no tags)", "Another MetaGraph has the same tag set."
            )
        seen.add(tags)
