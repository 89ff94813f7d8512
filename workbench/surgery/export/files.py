"""Assets and extra files of the sources: copied, or left out and reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import names
from workbench.disk.schema import MetaGraphDef, NodeDef
from workbench.names import show
from workbench.surgery import recipe as recipe_
from workbench.surgery.copied_files import CopiedFile
from workbench.surgery.export.asset_names import Placed
from workbench.surgery.imported import ImportedModel
from workbench.surgery.rewrite.prefix import Renamer
from workbench.surgery.step_files import free_name

if TYPE_CHECKING:
    from workbench.surgery.adapters.fragment import Asset

_WARMUP = "tf_serving_warmup_requests"


def add_assets(
    meta: MetaGraphDef,
    part: ImportedModel,
    renamer: Renamer,
    placed: Placed,
    final: Callable[[str], str],
    files: list[CopiedFile],
) -> dict[int, int]:
    """Copy the kept assets and the files beside them; report missing ones (R10).

    Args:
        meta: the MetaGraphDef of the result; gains `asset_file_def`.
        part: the source.
        renamer: its names.
        placed: where its asset files go.
        final: tensor of the source to its name in the result.
        files: gains the files to copy.

    Returns:
        Index of an asset in the source to the one in the result.
    """
    numbers: dict[int, int] = {}
    for number, asset in enumerate(part.meta.assets):
        if names.input_node(asset.tensor) not in part.kept:
            continue
        if asset.problem is not None or asset.path is None or asset.nbytes is None:
            part.note(
                "R10-asset",
                "error",
                show(asset.filename),
                asset.problem.message if asset.problem else "The asset file is missing.",
                (asset.problem.hint if asset.problem else None) or "Fetch the whole assets/ folder again.",
            )
            continue
        numbers[number] = len(meta.asset_file_def)
        definition = meta.asset_file_def.add()
        definition.filename = renamer.asset(asset.filename, placed.name(asset.filename))
        definition.tensor_info.name = final(asset.tensor)
    there = {copied.relative for copied in files}
    for filename, path in placed.files.items():
        relative = f"assets/{placed.name(filename)}"
        if relative not in there:
            files.append(CopiedFile(path, relative, path.stat().st_size))
    if placed.prefix:
        part.note(
            "asset-renamed",
            "info",
            show(placed.met),
            f"Another source has a different file of this name, so the assets of both have other names: "
            f"assets/{show(placed.name(placed.met))}.",
        )
    return numbers


def place_files(
    meta: MetaGraphDef,
    assets: Iterable[Asset],
    files: list[CopiedFile],
    name: Callable[[str], str],
    others: Iterable[CopiedFile] = (),
) -> None:
    """Make the files that adapters read assets of the result.

    Args:
        meta: gains the assets; the constants that hold their paths are in its graph.
        assets: the files.
        files: what is copied; gains them.
        name: gives a file's name in the result by its path as written; it gets a number where it is taken.
        others: what is copied besides.
    """
    placed: dict[Path, str] = {}
    taken = {copied.relative.removeprefix("assets/") for copied in (*files, *others)}
    taken |= {definition.filename for definition in meta.asset_file_def}
    nodes: dict[str, NodeDef] | None = None
    for asset in assets:
        nodes = {node.name: node for node in meta.graph_def.node} if nodes is None else nodes
        path = Path(asset.path).resolve()
        if path not in placed:
            placed[path] = free_name(name(asset.path), taken)
            taken.add(placed[path])
            files.append(CopiedFile(path, f"assets/{placed[path]}", path.stat().st_size))
        nodes[asset.node].attr["value"].tensor.string_val[0] = placed[path].encode()
        definition = meta.asset_file_def.add(filename=placed[path])
        definition.tensor_info.name = f"{asset.node}:0"


def add_extra_files(part: ImportedModel, files: list[CopiedFile], *, with_objects: bool) -> None:
    """Copy a source's extra files and report each that is left out.

    It is left out if it describes what the result no longer is.
    """
    folder = part.model.location.folder
    if folder is None:
        return
    for name, why in (
        ("fingerprint.pb", "it names the source's bytes"),
        ("keras_metadata.pb", "it describes the source's Keras layers"),
        ("debug", "it maps the source's nodes to Python lines"),
    ):
        if (folder / name).exists():
            part.note("dropped-file", "info", name, f"Not carried over: {why}.")
    extra = folder / "assets.extra"
    for path in sorted(extra.rglob("*")) if extra.is_dir() else ():
        if path.is_symlink() or not path.is_file() or path.name in recipe_.OWN_FILES:
            continue
        if path.name.startswith(_WARMUP):
            part.note(
                "dropped-file",
                "info",
                path.name,
                "Not carried over: the inputs of warm-up requests changed.",
            )
            continue
        relative = f"assets.extra/{part.handle}/{path.relative_to(extra).as_posix()}"
        files.append(CopiedFile(path, relative, path.stat().st_size))
    if part.meta.has_object_graph and part.meta.callables and not with_objects:
        part.note(
            "dropped-objects",
            "info",
            "",
            "The result is in TF1 format: its signature can be called, the objects and callables of the source "
            f"({', '.join(show(item.path) for item in part.meta.callables[:4])}) are not in it.",
        )
