"""Assets and extra files of a source: what is copied, and what is reported instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.protos import const, graph, meta_graph, node
from tests.surgery.importing import imported
from workbench.disk import schema
from workbench.surgery.copied_files import CopiedFile
from workbench.surgery.export.asset_names import place_assets
from workbench.surgery.export.files import add_assets, add_extra_files
from workbench.surgery.imported import ImportedModel
from workbench.surgery.rewrite.prefix import Renamer


def part_of(folder: Path, files: tuple[str, ...], *, roots: Any = None, handle: str = "m") -> ImportedModel:
    """A source with two assets, `used` (words.txt) and `other` (more.txt), of which `files` exist."""
    meta = meta_graph(
        graph(const("used", "words.txt"), const("other", "more.txt"), node("y", "ReadFile", "used")),
        serving_default=({}, {"y": "y:0"}),
    )
    for name, filename in (("used", "words.txt"), ("other", "more.txt")):
        meta.asset_file_def.add(filename=filename).tensor_info.name = f"{name}:0"
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{handle} {name}")
    folder.mkdir(exist_ok=True)
    (folder.parent / "written").mkdir(exist_ok=True)
    part = imported(folder.parent / "written" / handle, meta, roots=roots, handle=handle)
    for path in folder.rglob("*"):
        if path.is_file():
            target = part.model.path / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return part


def added(*parts: ImportedModel) -> tuple[Any, list[CopiedFile], list[dict[int, int]]]:
    meta, files = schema.MetaGraphDef(), list[CopiedFile]()
    placed = place_assets(parts)
    numbers = [
        add_assets(
            meta,
            part,
            Renamer(part.handle, frozenset(), frozenset(), frozenset()),
            placed[part.handle],
            lambda tensor, part=part: f"{part.handle}/{tensor}",  # type: ignore[misc]
            files,
        )
        for part in parts
    ]
    return meta, files, numbers


def test_kept_assets_keep_their_names(tmp_path: Path) -> None:
    part = part_of(tmp_path / "m", ("assets/words.txt", "assets/more.txt"), roots=["y:0"])
    meta, files, numbers = added(part)
    assert [(one.filename, one.tensor_info.name) for one in meta.asset_file_def] == [
        ("words.txt", "m/used:0")
    ]
    assert numbers == [{0: 0}]
    assert sorted(one.relative for one in files) == ["assets/more.txt", "assets/words.txt"]
    assert part.findings == []


def test_a_missing_asset_is_an_error(tmp_path: Path) -> None:
    part = part_of(tmp_path / "m", ("assets/words.txt",))
    added(part)
    (found,) = part.findings
    assert (found.code, found.severity, found.where) == ("R10-asset", "error", "m@more.txt")


def test_different_files_of_one_name_get_a_prefix(tmp_path: Path) -> None:
    both = ("assets/words.txt", "assets/more.txt")
    parts = [part_of(tmp_path / name, both, handle=name) for name in ("a", "b")]
    meta, files, numbers = added(*parts)
    names = [one.filename for one in meta.asset_file_def]
    assert len(set(names)) == 4 and all(f"assets/{name}" in {one.relative for one in files} for name in names)
    assert numbers == [{0: 0, 1: 1}, {0: 2, 1: 3}]
    assert [found.code for part in parts for found in part.findings] == ["asset-renamed", "asset-renamed"]


def test_extra_files_lie_below_the_handle(tmp_path: Path) -> None:
    names = (
        "assets.extra/notes/readme.md",
        "assets.extra/workbench.json",
        "assets.extra/tf_serving_warmup_requests",
    )
    part = part_of(tmp_path / "m", ("assets/words.txt", "assets/more.txt", *names))
    files: list[CopiedFile] = []
    add_extra_files(part, files, with_objects=True)
    assert [one.relative for one in files] == ["assets.extra/m/notes/readme.md"]
    assert [(one.code, one.where) for one in part.findings] == [
        ("dropped-file", "m@tf_serving_warmup_requests")
    ]


@pytest.mark.parametrize("name", ["fingerprint.pb", "keras_metadata.pb", "debug/info.pb"])
def test_what_describes_the_source_is_left_out(tmp_path: Path, name: str) -> None:
    part = part_of(tmp_path / "m", (name,))
    files: list[CopiedFile] = []
    add_extra_files(part, files, with_objects=True)
    assert files == []
    assert [(one.code, one.where) for one in part.findings] == [
        ("dropped-file", f"m@{name.partition('/')[0]}")
    ]


def test_links_are_not_followed(tmp_path: Path) -> None:
    part = part_of(tmp_path / "m", ())
    extra = part.model.path / "assets.extra"
    extra.mkdir()
    (tmp_path / "secret").write_text("secret")
    (extra / "link").symlink_to(tmp_path / "secret")
    files: list[CopiedFile] = []
    add_extra_files(part, files, with_objects=True)
    assert files == []
