"""Asset files keep their names in a join, with what lies beside them; where two meet both get their handles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.surgery.tiny import Tiny, plan
from tests.surgery.tools import changed, codes, draft_of
from workbench.disk import dtypes, schema
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.surgery.draft import Draft
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source


def model(folder: Path, asset: str | None, files: Mapping[str, str], *, parses: bool = True) -> Path:
    """`y` = `x` + the number in an asset's file; without `asset` nothing reads one.

    Args:
        folder: where.
        asset: the one it reads.
        files: all below `assets/`.
        parses: takes the path apart before it reads the file, as what looks for files beside it does.
    """
    made = Tiny(folder).placeholder().node("path", "Const", dtype="string")
    tensor = made.meta.graph_def.node[-1].attr["value"].tensor
    tensor.dtype = dtypes.enum("string")
    tensor.tensor_shape.SetInParent()
    tensor.string_val.append(b"")
    made.node("same", "StringStrip", "path") if parses else made.node("same", "Identity", "path", T="string")
    made.node("text", "ReadFile", "same").node("number", "StringToNumber", "text", out_type="float32")
    made.node("y", "AddV2", "x", "number" if asset else "x", T="float32").signature(x_in="x:0", y_out="y:0")
    definition = made.meta.asset_file_def.add(filename=asset or next(iter(files), "none"))
    definition.tensor_info.name = "path:0"
    made.save()
    for name, text in files.items():
        (folder / "assets" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "assets" / name).write_text(text)
    return folder


def joined(tmp_path: Path, a: Path, b: Path) -> tuple[Draft, dict[str, str]]:
    """The draft, and the assets' files of the result with what is in them."""
    draft = draft_of(plan(a, b))
    files = {
        one.relative.removeprefix("assets/"): one.path.read_text()
        for one in draft.files
        if one.relative.startswith("assets/")
    }
    for definition in draft.proto.meta_graphs[0].asset_file_def:
        assert definition.filename in files
    return draft, files


def test_a_name_is_kept_and_so_is_what_lies_beside(tmp_path: Path) -> None:
    a = model(tmp_path / "a", "abc1_done", {"abc1_done": "", "abc1_data.txt": "7", "deep/er.txt": "8"})
    (tmp_path / "secret").write_text("secret")
    (a / "assets" / "leads_out").symlink_to(tmp_path / "secret")
    (a / "assets" / "leads_in").symlink_to("abc1_data.txt")
    b = model(tmp_path / "b", "vocab.txt", {"vocab.txt": "9"})
    _, files = joined(tmp_path, a, b)
    assert files == {
        "abc1_done": "",
        "abc1_data.txt": "7",
        "deep/er.txt": "8",
        "leads_in": "7",
        "vocab.txt": "9",
    }
    edited = {one.relative.removeprefix("assets/") for one in changed(open_model(a)).files}
    assert edited == files.keys() - {"vocab.txt"}


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        ({"vocab.txt": "1"}, {"vocab.txt": "2"}, ("vocab.txt", "vocab.txt")),
        ({"vocab.txt": "1"}, {"other": "2", "vocab.txt": "same length" * 2}, ("vocab.txt", "vocab.txt")),
        ({"vocab.txt": "1"}, {"Vocab.TXT": "2"}, ("vocab.txt", "Vocab.TXT")),
        ({"data": "1"}, {"data/vocab.txt": "2"}, ("data", "data/vocab.txt")),
        ({"data/x/vocab.txt": "1", "own": "3"}, {"data": "2"}, ("data/x/vocab.txt", "data")),
    ],
)
def test_where_two_meet_each_source_has_a_folder(
    tmp_path: Path, one: dict[str, str], other: dict[str, str], met: tuple[str, str]
) -> None:
    a = model(tmp_path / "a", next(iter(one)), one)
    b = model(tmp_path / "b", next(iter(other)), other)
    draft, files = joined(tmp_path, a, b)
    assert files == {f"a/{name}": text for name, text in one.items()} | {
        f"b/{name}": text for name, text in other.items()
    }
    told = {
        (one.where, one.message.rpartition(" ")[2]) for one in draft.findings if one.code == "asset-renamed"
    }
    assert told == {(f"a@{met[0]}", f"assets/a/{met[0]}."), (f"b@{met[1]}", f"assets/b/{met[1]}.")}


@pytest.mark.parametrize(
    ("files", "parses", "mark"),
    [
        ({"vocab.txt": "1"}, False, "_"),
        ({"vocab.txt": "1"}, True, "/"),
        ({"vocab.txt": "1", "beside": "2"}, False, "/"),
        ({"vocab" + "x" * 247: "1"}, False, "/"),
    ],
)
def test_a_file_that_is_only_read_may_have_another_name(
    tmp_path: Path, files: dict[str, str], parses: bool, mark: str
) -> None:
    """Right below `assets/`, where TFLite's converter looks for it."""
    asset = next(iter(files))
    a = model(tmp_path / "a", asset, files, parses=parses)
    b = model(tmp_path / "b", asset, {asset: "3"}, parses=False)
    c = model(tmp_path / "c", "b_vocab.txt", {"b_vocab.txt": "4"})
    _, found = joined(tmp_path, a, b)
    other = "/" if len(asset) > 200 else "_"
    assert found == {f"a{mark}{name}": text for name, text in files.items()} | {f"b{other}{asset}": "3"}
    wires = (Connect("a@y", "b@x"), Connect("b@y", "c@x"))
    draft = draft_of(Plan((Source("a", a), Source("b", b), Source("c", c)), wires))
    third = sorted(one.filename for one in draft.proto.meta_graphs[0].asset_file_def)
    number = "_2" if asset == "vocab.txt" else ""
    assert third == sorted([f"a{mark}{asset}", f"b{number}{other}{asset}", "b_vocab.txt"])


def test_one_file_for_two_that_are_alike(tmp_path: Path) -> None:
    a = model(tmp_path / "a", "vocab.txt", {"vocab.txt": "1"})
    b = model(tmp_path / "b", "vocab.txt", {"vocab.txt": "1", "other": "2"})
    draft, files = joined(tmp_path, a, b)
    assert files == {"vocab.txt": "1", "other": "2"} and "asset-renamed" not in codes(draft.findings)
    assert [one.filename for one in draft.proto.meta_graphs[0].asset_file_def] == ["vocab.txt"] * 2


def test_the_folder_is_free(tmp_path: Path) -> None:
    """The name of a handle may be a folder of a source that keeps its names."""
    a = model(tmp_path / "a", "vocab.txt", {"vocab.txt": "1"})
    b = model(tmp_path / "b", "vocab.txt", {"vocab.txt": "2", "A/vocab.txt": "3"})
    _, files = joined(tmp_path, a, b)
    assert files == {"a/vocab.txt": "1", "b/vocab.txt": "2", "b/A/vocab.txt": "3"}


def test_one_source_may_name_a_file_in_two_ways_and_tell_case(tmp_path: Path) -> None:
    a = model(tmp_path / "a", "./vocab.txt", {"vocab.txt": "1", "VOCAB.txt": "2"})
    proto = schema.SavedModel.FromString((a / "saved_model.pb").read_bytes())
    proto.meta_graphs[0].asset_file_def.add(filename="vocab.txt").tensor_info.name = "path:0"
    (a / "saved_model.pb").write_bytes(proto.SerializeToString())
    draft, files = joined(tmp_path, a, model(tmp_path / "b", "other", {"other": "3"}))
    assert files == {"vocab.txt": "1", "VOCAB.txt": "2", "other": "3"}
    assert commit(draft, tmp_path / "out", verify=False).published


def test_a_source_whose_assets_nothing_reads_brings_none(tmp_path: Path) -> None:
    a = model(tmp_path / "a", None, {"vocab.txt": "1"})
    b = model(tmp_path / "b", "vocab.txt", {"vocab.txt": "2"})
    _, files = joined(tmp_path, a, b)
    assert files == {"vocab.txt": "2"}
