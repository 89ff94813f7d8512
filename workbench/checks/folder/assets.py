"""Assets: the tensors they are for, and files that nothing names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.model.assets import FOLDER
from workbench.names import did_you_mean, input_node, parse_tensor, show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

ASSET_TENSOR = Code(
    "asset-tensor", "error", "an asset is for a tensor that the graph does not have",
    "The loader feeds the file's path into this tensor when it runs the init op, and fails.",
    "Save the model again; a tool that pruned the graph has dropped the node.",
)  # fmt: skip
ORPHAN_ASSET = Code(
    "orphan-asset", "info", "a file in assets/ is named by no MetaGraph",
    "No loader gives its path to the graph. A library that looks for files beside an asset may still read it.",
    "Keep it unless you know that nothing reads it; or save the model with it as an asset.",
)  # fmt: skip
_MAX_FILES = 100_000


def check_tensors(meta: MetaGraph, found: Found) -> None:
    """Check the tensor of each asset."""
    for asset in meta.assets:
        parsed = parse_tensor(asset.tensor)
        if parsed is None or parsed.node not in meta.nodes:
            found.add(
                ASSET_TENSOR,
                show(asset.filename),
                f"Its path must be fed to {show(asset.tensor)!r}, which the graph does not have.",
                partial(did_you_mean, input_node(asset.tensor), meta.nodes, noun="nodes"),
            )


def check_files(folder: Path, metas: Iterable[MetaGraph], found: Found) -> None:
    """Check the files below `assets/`."""
    named = {os.path.normpath(asset.filename) for meta in metas for asset in meta.assets}
    top = folder / FOLDER
    seen = 0
    for place, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(files):
            seen += 1
            relative = os.path.relpath(os.path.join(place, name), top)
            if relative not in named:
                found.add(ORPHAN_ASSET, show(os.path.join(FOLDER, relative)), "No MetaGraph names this file.")
        if seen > _MAX_FILES:
            return
