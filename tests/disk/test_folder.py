"""Finding, loading and digesting a model; every way in which a path is not one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import protos
from tests.sampling import plainly
from workbench.disk import parse, schema
from workbench.disk.folder.assets import asset_path, check_asset_name
from workbench.disk.folder.digests import digest
from workbench.disk.folder.layout import PB, PBTXT, is_lfs_pointer, is_text
from workbench.disk.folder.location import find
from workbench.disk.folder.reading import load, read_file
from workbench.errors import (
    DamagedFile,
    DiskError,
    MissingFile,
    NotASavedModel,
    UnsupportedFormat,
    WorkbenchError,
)

SAMPLES = Path(__file__).resolve().parents[2] / "sample_models"
DIGITS = SAMPLES / "digits"
CONTENT = (DIGITS / PB).read_bytes()
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 8251\n"


def message() -> Any:
    return schema.SavedModel.FromString(CONTENT)


def graph() -> Any:
    return message().meta_graphs[0].graph_def


def put(path: Path, content: bytes | str = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def model_in(path: Path) -> Path:
    shutil.copytree(DIGITS, path)
    return path


# What can be opened


def test_a_folder_and_its_file() -> None:
    location = find(DIGITS)
    assert (location.path, location.kind, location.file) == (DIGITS, "pb", DIGITS / PB)
    assert (location.folder, location.text, location.note) == (DIGITS, False, None)
    by_file = find(str(DIGITS / PB))
    assert (by_file.path, by_file.folder, by_file.file) == (DIGITS / PB, DIGITS, DIGITS / PB)
    assert load(location) == load(by_file) == message()


def test_a_relative_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DIGITS)
    for path in (".", PB, "../digits", "variables/.."):
        assert load(find(path)) == message()


def test_text_format(tmp_path: Path) -> None:
    put(tmp_path / PBTXT, "# a comment\n\n" + str(message()))
    location = find(tmp_path)
    assert (location.kind, location.text, location.file.name) == ("pbtxt", True, PBTXT)
    assert load(location) == message()
    put(tmp_path / PBTXT, b"\xef\xbb\xbf" + str(message()).encode())
    assert load(find(tmp_path / PBTXT)) == message()


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"node {", True),
        ("name: '日本語の名前'".encode(), True),
        ("name: '日本語の名前'".encode()[:-2], True),  # cut within a character
        (b"# caf\xe9 au lait", True),
        (b"\xff" * 20, False),
        (b"node\0", False),
        (b"\x08\x01\x12", False),
        (b"\n\x20\n\x20" + b"x" * 32 + b"\x12", False),
    ],
)
def test_what_is_text(head: bytes, text: bool) -> None:
    assert is_text(head) is text


def test_binary_wins_over_text_with_a_note(tmp_path: Path) -> None:
    model_in(tmp_path / "m")
    put(tmp_path / "m" / PBTXT, "nonsense")
    location = find(tmp_path / "m")
    assert location.kind == "pb"
    assert location.note is not None
    assert "both there" in location.note


@pytest.mark.parametrize(
    "name", ["frozen.pb", "frozen", "frozen.graphdef", "frozen.pbtxt", "frozen.prototxt"]
)
def test_a_frozen_graph(name: str, tmp_path: Path) -> None:
    text = name.endswith("txt")
    put(tmp_path / name, str(graph()) if text else graph().SerializeToString())
    location = find(tmp_path / name)
    assert (location.kind, location.folder, location.text) == ("graphdef", None, text)
    model = load(location)
    assert model.saved_model_schema_version == 1
    assert len(model.meta_graphs) == 1
    assert model.meta_graphs[0].graph_def == graph()
    assert not model.meta_graphs[0].signature_def
    assert not model.meta_graphs[0].meta_info_def.tags


@pytest.mark.parametrize("first", ["TFL3_input", "x" * 0x3B, "GGUF"])
def test_a_graph_whose_first_bytes_look_like_something_else(first: str, tmp_path: Path) -> None:
    made = schema.GraphDef()
    made.node.add(name=first, op="Placeholder")
    path = put(tmp_path / "g.pb", made.SerializeToString())
    assert load(find(path)).meta_graphs[0].graph_def == made


def test_a_serving_base_folder_means_its_highest_version(tmp_path: Path) -> None:
    for version in ("1", "9", "0010"):
        model_in(tmp_path / version)
    put(tmp_path / "config.pbtxt", "name: 'm'")
    put(tmp_path / ".hidden" / "x")
    location = find(tmp_path)
    assert location.path == tmp_path
    assert location.folder == tmp_path / "0010"
    assert location.note == "A serving base folder with versions 1, 9, 0010; 0010 is taken."
    (tmp_path / "11").mkdir()
    unfinished = find(tmp_path)
    assert unfinished.folder == tmp_path / "0010"
    assert unfinished.note is not None
    assert unfinished.note.endswith("11 holds no model.")
    assert find(tmp_path / "9").note is None


def test_a_folder_that_has_more_than_versions_is_no_serving_base(tmp_path: Path) -> None:
    model_in(tmp_path / "1")
    (tmp_path / "train").mkdir()
    with pytest.raises(NotASavedModel, match="further down") as caught:
        find(tmp_path)
    assert str(tmp_path / "1") in str(caught.value)


def test_a_linked_file_is_followed_and_told(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / PB).symlink_to(DIGITS / PB)
    location = find(tmp_path / "m")
    assert location.note == f"{PB} is a link to {DIGITS / PB}."
    assert load(location) == message()
    (tmp_path / "link").symlink_to(DIGITS)
    assert find(tmp_path / "link").note is None


# What can't


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return path


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        put(root / name, "x")
    return root


def saved(root: Path, content: bytes | str, name: str = PB) -> Path:
    put(root / name, content)
    return root


def checkpoint_index(root: Path) -> Path:
    return Path(shutil.copy(DIGITS / "variables" / "variables.index", root / "weights.bin"))


def linked(path: Path, target: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return path


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def inside(root: Path, *names: str) -> Path:
    model = model_in(root / "m")
    return folder_of(model, *names) / names[0]


Maker = Callable[[Path], Path]
BAD: dict[str, tuple[Maker, type[DiskError], str]] = {
    # nothing there
    "no such file": (lambda t: folder_of(t, "digits/x") / "digit", NotASavedModel, r"no such file.*digits\?"),
    "no such parent": (
        lambda t: folder_of(t, "models/a/x") / "model" / "a",
        NotASavedModel,
        r"there is no 'model'.*models/a\?",
    ),
    "a file as folder": (lambda t: put(t / "a", "x") / "b", NotASavedModel, r"/a is a file, not a folder"),
    "a link to nothing": (lambda t: linked(t / "m", "gone"), NotASavedModel, r"a link to gone"),
    "a model that links to nothing": (
        lambda t: linked(t / "m" / PB, "../gone").parent,
        NotASavedModel,
        r"saved_model.pb is a link to \.\./gone.*cp -rL",
    ),
    "a circle of links": (lambda t: linked(t / "m", "m"), NotASavedModel, r"a link to m"),
    "a pipe": (lambda t: fifo(t / "p"), NotASavedModel, r"neither a folder nor a regular file"),
    "a name with a NUL": (lambda t: t / "a\0b", NotASavedModel, r"a\\x00b: There is no such file"),
    "a name too long": (lambda t: t / ("a" * 300), DiskError, r"too long"),
    "a web address": (lambda t: Path("https://tfhub.dev/x"), NotASavedModel, r"Only local.*Download"),
    "a bucket": (lambda t: Path("gs://bucket/model"), NotASavedModel, r"Only local.*Download"),
    "a home": (lambda t: Path("~/no-such-model-here"), NotASavedModel, r"expanded by the shell"),
    # folders
    "empty": (lambda t: t, NotASavedModel, r"folder is empty"),
    "only hidden": (lambda t: folder_of(t, ".DS_Store"), NotASavedModel, r"folder is empty"),
    "other files": (lambda t: folder_of(t, "a.txt", "b.csv"), NotASavedModel, r"but a\.txt, b\.csv"),
    "escapes in names": (lambda t: folder_of(t, "a\x1b[31m.txt"), NotASavedModel, r"but a\\x1b\[31m\.txt"),
    "no graph": (
        lambda t: folder_of(t, "variables/variables.index"),
        NotASavedModel,
        r"the graph is missing",
    ),
    "deeper": (lambda t: model_in(t / "a" / "b").parents[1], NotASavedModel, r"further down.*Give .*/a/b\."),
    "too deep": (lambda t: model_in(t / "a/b/c/d").parents[3], NotASavedModel, r"in this folder, but a\."),
    "variables of a model": (
        lambda t: model_in(t / "m") / "variables",
        NotASavedModel,
        r"inside a SavedModel.*Give the model: .*/m\.",
    ),
    "unpacked keras": (
        lambda t: folder_of(t, "config.json", "metadata.json", "model.weights.h5"),
        UnsupportedFormat,
        r"unpacked \.keras.*Zip.*load_model..model\.keras.",
    ),
    "hugging face": (
        lambda t: folder_of(t, "config.json", "model.safetensors", "tokenizer.json"),
        UnsupportedFormat,
        r"Hugging Face.*saved_model=True",
    ),
    "tensorflow.js": (
        lambda t: folder_of(t, "model.json", "group1-shard1of1.bin"),
        UnsupportedFormat,
        r"TensorFlow\.js.*converted from",
    ),
    "checkpoint": (
        lambda t: folder_of(t, "checkpoint", "ckpt-1.index", "ckpt-1.data-00000-of-00001"),
        UnsupportedFormat,
        r"bare checkpoint.*tf\.saved_model\.save",
    ),
    "v1 checkpoint": (
        lambda t: folder_of(t, "checkpoint", "m.ckpt-1.meta", "m.ckpt-1.index"),
        UnsupportedFormat,
        r"TF1 checkpoint.*m\.ckpt-1\.meta.*import_meta_graph",
    ),
    "orbax": (lambda t: folder_of(t, "_METADATA", "d/x"), UnsupportedFormat, r"Orbax.*jax2tf"),
    "chunks": (lambda t: folder_of(t, "saved_model.cpb"), UnsupportedFormat, r"in chunks.*not supported"),
    "packed": (lambda t: folder_of(t, "saved_model.pb.gz"), NotASavedModel, r"There is saved_model\.pb\.gz"),
    "another case": (lambda t: folder_of(t, "Saved_Model.PB"), NotASavedModel, r"There is Saved_Model\.PB"),
    "a frozen graph inside": (
        lambda t: folder_of(t, "frozen.pb", "labels.txt"),
        NotASavedModel,
        r"frozen GraphDef.*give the file: .*frozen\.pb",
    ),
    "a tflite inside": (
        lambda t: folder_of(t, "m.tflite", "labels.txt"),
        UnsupportedFormat,
        r"m\.tflite: this is a TFLite model",
    ),
    "a folder named as the file": (
        lambda t: folder_of(t, f"{PB}/x"),
        NotASavedModel,
        r"saved_model\.pb is not a file",
    ),
    # by name
    "keras": (lambda t: put(t / "m.keras", b"\1"), UnsupportedFormat, r'Keras.*load_model\("/.*/m\.keras"\)'),
    "h5": (lambda t: put(t / "m.h5", b"\1"), UnsupportedFormat, r'HDF5.*load_model\("/.*/m\.h5"\)'),
    "tflite": (lambda t: put(t / "m.tflite", b"\1"), UnsupportedFormat, r"TFLite.*converted from"),
    "onnx": (lambda t: put(t / "m.onnx", b"\1"), UnsupportedFormat, r"ONNX.*onnx2tf -i /.*/m\.onnx"),
    "ckpt": (lambda t: put(t / "m.ckpt", b"\1"), UnsupportedFormat, r"part of a checkpoint"),
    "index": (lambda t: put(t / "m.index", b"\1"), UnsupportedFormat, r"part of a checkpoint"),
    "shard": (lambda t: put(t / "m.data-00000-of-00001", b"\1"), UnsupportedFormat, r"part of a checkpoint"),
    "meta": (lambda t: put(t / "m.meta", b"\1"), UnsupportedFormat, r"import_meta_graph"),
    "torch": (lambda t: put(t / "m.pt", b"\1"), UnsupportedFormat, r"PyTorch.*ONNX"),
    "archive": (lambda t: put(t / "m.tar.gz", b"\1"), UnsupportedFormat, r"archive.*Unpack"),
    "cpb": (lambda t: put(t / "saved_model.cpb", b"\1"), UnsupportedFormat, r"in chunks.*not supported"),
    "index of a model": (
        lambda t: inside(t, "variables/variables.index"),
        UnsupportedFormat,
        r"part of a checkpoint.*belongs to the SavedModel in .*/m:",
    ),
    "keras metadata": (
        lambda t: inside(t, "keras_metadata.pb"),
        UnsupportedFormat,
        r"not its graph.*belongs to the SavedModel in .*/m:",
    ),
    "a lone fingerprint": (lambda t: put(t / "fingerprint.pb", b"\1"), UnsupportedFormat, r"not its graph"),
    # by content, whatever the name
    "empty file": (lambda t: saved(t, b""), DamagedFile, r"file is empty"),
    "empty graph file": (lambda t: put(t / "g.pb"), DamagedFile, r"file is empty"),
    "lfs": (lambda t: saved(t, LFS), DamagedFile, r"Git LFS pointer.*git lfs pull"),
    "lfs of another": (lambda t: put(t / "m.keras", LFS), DamagedFile, r"Git LFS pointer"),
    "web page": (
        lambda t: put(t / "g.pb", "\n<!DOCTYPE html><html>"),
        DamagedFile,
        r"web page.*Download the file itself",
    ),
    "zip": (lambda t: zipped(t / "g.pb", "x"), UnsupportedFormat, r"archive"),
    "keras zip": (lambda t: zipped(t / "g", "config.json", "metadata.json"), UnsupportedFormat, r"Keras"),
    "torch zip": (lambda t: zipped(t / "g", "m/data.pkl"), UnsupportedFormat, r"PyTorch"),
    "npz": (lambda t: zipped(t / "g", "a.npy"), UnsupportedFormat, r"weights without a graph"),
    "broken zip": (lambda t: put(t / "g", b"PK\3\4xx"), UnsupportedFormat, r"archive"),
    "hdf5": (lambda t: saved(t, b"\x89HDF\r\n\x1a\n" + bytes(99)), UnsupportedFormat, r"HDF5"),
    "tflite bytes": (lambda t: put(t / "g", b"\x1c\0\0\0TFL3" + bytes(9)), UnsupportedFormat, r"TFLite"),
    "onnx bytes": (lambda t: put(t / "g.pb", b"\x08\x07\x12\x07pytorch"), UnsupportedFormat, r"ONNX"),
    "safetensors": (lambda t: put(t / "g", b"\x40\0\0\0\0\0\0\0{}"), UnsupportedFormat, r"weights"),
    "gzip": (lambda t: saved(t, b"\x1f\x8b\x08" + bytes(9)), UnsupportedFormat, r"archive.*Unpack"),
    "pickle": (lambda t: put(t / "g", b"\x80\x04\x95" + bytes(9)), UnsupportedFormat, r"pickle"),
    "tfjs json": (lambda t: put(t / "g", '{"modelTopology": {}}'), UnsupportedFormat, r"TensorFlow\.js"),
    "json": (lambda t: put(t / "g.txt", '{"a": {}}'), UnsupportedFormat, r"a JSON file"),
    "index bytes": (checkpoint_index, UnsupportedFormat, r"part of a checkpoint"),
    "checkpoint state": (
        lambda t: put(t / "g.pbtxt", 'model_checkpoint_path: "m"'),
        UnsupportedFormat,
        r"part of a checkpoint",
    ),
    # names that lie
    "binary named text": (lambda t: saved(t, CONTENT, PBTXT), DamagedFile, r"is binary.*rename it to .*\.pb"),
    "text named binary": (
        lambda t: saved(t, str(message())),
        DamagedFile,
        r"is text.*rename it to .*\.pbtxt",
    ),
    "graph: binary named text": (
        lambda t: put(t / "g.pbtxt", graph().SerializeToString()),
        DamagedFile,
        r"is binary.*rename it to g\.pb",
    ),
    "graph: text named binary": (
        lambda t: put(t / "g.pb", str(graph())),
        DamagedFile,
        r"is text.*rename it to g\.pbtxt",
    ),
    "a graph named saved_model.pb": (
        lambda t: saved(t, graph().SerializeToString()),
        NotASavedModel,
        r"This is a GraphDef, not a SavedModel.*Rename it \(frozen\.pb",
    ),
    "a graph named saved_model.pbtxt": (
        lambda t: saved(t, str(graph()), PBTXT),
        NotASavedModel,
        r"This is a GraphDef, not a SavedModel.*Rename it \(frozen\.pbtxt",
    ),
    "a SavedModel under another name": (
        lambda t: put(t / "model.pb", CONTENT),
        NotASavedModel,
        r"under another name.*put the file in it as saved_model\.pb",
    ),
    "a SavedModel in text under another name": (
        lambda t: put(t / "model.pbtxt", str(message())),
        NotASavedModel,
        r"under another name.*put the file in it as saved_model\.pbtxt",
    ),
    "a MetaGraph": (
        lambda t: put(t / "m.pb", message().meta_graphs[0].SerializeToString()),
        NotASavedModel,
        r"MetaGraphDef.*import_meta_graph",
    ),
    "a MetaGraph named saved_model.pb": (
        lambda t: saved(t, message().meta_graphs[0].SerializeToString()),
        NotASavedModel,
        r"MetaGraphDef.*import_meta_graph",
    ),
    "a label map": (lambda t: put(t / "m.pbtxt", "item { id: 1 }"), NotASavedModel, r"a label map"),
    # damaged
    "cut short": (lambda t: saved(t, CONTENT[:5000]), DamagedFile, r"has 5,000 bytes.*needs 8,251"),
    "cut to nearly nothing": (lambda t: saved(t, CONTENT[:2]), DamagedFile, r"it holds no MetaGraph"),
    "random bytes": (lambda t: saved(t, b"\xff" * 100), DamagedFile, r"structure is broken \(100 bytes\)"),
    "random graph": (
        lambda t: put(t / "g.pb", b"\xff" * 100),
        DamagedFile,
        r"as a SavedModel or a GraphDef: its structure is broken",
    ),
    "not UTF-8": (
        lambda t: saved(t, CONTENT.replace(b"myInput", b"my\xffnput")),
        DamagedFile,
        r"a name in it is not UTF-8",
    ),
    "a version of the future": (
        lambda t: saved(t, b"\x08\x02" + CONTENT[2:]),
        DamagedFile,
        r"schema version is 2 instead of 1 or 0",
    ),
    "empty MetaGraph": (lambda t: saved(t, b"\x08\x01\x12\x00"), DamagedFile, r"MetaGraphs are empty"),
    "unknown fields only": (lambda t: put(t / "g.pb", b"\xa2\x06\x00" * 9), NotASavedModel, r"has no nodes"),
    "nodes without ops": (
        lambda t: put(t / "g.pb", b"\x0a\x03\x0a\x01a"),
        NotASavedModel,
        r"1 nodes, some of them without",
    ),
    "text with an unknown field": (
        lambda t: saved(t, "saved_model_schema_version: 1\nmeta_graphs {\n  novelty: 1\n}\n", PBTXT),
        DamagedFile,
        r"pbtxt:3: .*no field named \"novelty\".*newer TensorFlow",
    ),
    "text cut short": (
        lambda t: saved(t, "saved_model_schema_version: 1\nmeta_graphs {\n", PBTXT),
        DamagedFile,
        r"pbtxt:\d: .*Expected \"}\"",
    ),
    "text with a number too large": (
        lambda t: saved(t, "saved_model_schema_version: 99999999999999999999", PBTXT),
        DamagedFile,
        r"pbtxt:1: .*out of range",
    ),
    "text not UTF-8": (
        lambda t: saved(t, b"saved_model_schema_version: 1\n# caf\xe9\n", PBTXT),
        DamagedFile,
        r"pbtxt:2: Byte 35 \(0xe9\) is not UTF-8",
    ),
    "text too deep": (
        lambda t: saved(t, "meta_graphs { object_graph_def { nodes { function {" + "x { " * 5000, PBTXT),
        DamagedFile,
        r"no field named|nested too deeply",
    ),
    "text that nests": (
        lambda t: saved(t, nested_text(2000), PBTXT),
        DamagedFile,
        r"nested too deeply",
    ),
    "text with an unknown Any": (
        lambda t: saved(
            t,
            "meta_graphs { meta_info_def { any_info { [type.googleapis.com/foo.Bar] { x: 1 } } } }",
            PBTXT,
        ),
        DamagedFile,
        r"foo\.Bar not found.*binary form",
    ),
    "prose": (lambda t: put(t / "README.md", "# Read me\n\nIt is: good.\n"), DamagedFile, r"README\.md:3: "),
    "binary that nests": (lambda t: saved(t, nested_binary(200)), DamagedFile, r"nested too deeply"),
}


def nested_text(depth: int) -> str:
    spec = "list_value { values { " * depth + "} } " * depth
    head = "saved_model_schema_version: 1 meta_graphs { object_graph_def { nodes { function { function_spec {"
    return head + " input_signature { " + spec + "} } } } } }"


def nested_binary(depth: int) -> bytes:
    model = message()
    value = model.meta_graphs[0].object_graph_def.nodes.add().function.function_spec.input_signature
    for _ in range(depth):
        value = value.list_value.values.add()
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str, tmp_path: Path) -> None:
    make, error, pattern = BAD[name]
    path = make(tmp_path)
    before = sorted(os.walk(tmp_path))
    with pytest.raises(error) as caught:
        load(find(path))
    assert type(caught.value) is error
    assert caught.value.exit_code == 3
    shown = " ".join(str(caught.value).split())
    assert re.search(pattern, shown), shown
    assert caught.value.where is not None  # the place is always said
    assert "\x1b" not in shown
    assert sorted(os.walk(tmp_path)) == before


@pytest.mark.parametrize("step", plainly([1, 17], 17))
def test_every_cut_is_an_error(step: int, tmp_path: Path) -> None:
    content = (SAMPLES / "image_base64" / PB).read_bytes()
    sizes = range(0, len(content), step)
    told = 0
    for size in sizes:
        put(tmp_path / PB, content[:size])
        with pytest.raises(DamagedFile) as caught:
            load(find(tmp_path))
        told += "cut short" in str(caught.value)
    assert told >= len(sizes) - 5


@pytest.mark.parametrize("step", plainly([1, 17], 17))
def test_a_flipped_bit_is_an_error_or_another_model(step: int, tmp_path: Path) -> None:
    content = bytearray((SAMPLES / "image_base64" / PB).read_bytes())
    refused, other = 0, 0
    original = schema.SavedModel.FromString(bytes(content))
    places = range(0, len(content), step)
    for place in places:
        content[place] ^= 1 << place % 8
        put(tmp_path / PB, bytes(content))
        try:
            other += load(find(tmp_path)) != original
        except WorkbenchError as problem:
            assert isinstance(problem, DamagedFile)
            refused += 1
        content[place] ^= 1 << place % 8
    assert refused > len(places) / 10
    assert refused + other > len(places) * 0.98  # a few bits mean nothing: that of `true` as 3, say


@given(data=st.binary(max_size=200), start=st.sampled_from([b"", b"\x08\x01\x12", b"\x0a", CONTENT[:300]]))
def test_no_bytes_get_past_as_anything_but_our_errors(
    data: bytes, start: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("fuzz")
    for path in (root / PB, root / PBTXT, root / "g.pb", root / "g.pbtxt", root / "g"):
        put(path, start + data)
        with suppress(WorkbenchError):
            load(find(path))
    shutil.rmtree(root)


@pytest.mark.parametrize(
    ("data", "needed"),
    [
        (b"", 0),
        (b"\x08\x01", 2),
        (b"\x08\x01\x12\x05ab", 9),
        (b"\x12\xff\xff\xff\xff\x07", 2**31 - 1 + 6),
        (b"\x0d1234\x09", 14),
        (b"\x08", None),
        (b"\x00\x01", None),
        (b"\x0b", None),
        (b"\xff" * 20, None),
    ],
)
def test_the_size_a_message_needs(data: bytes, needed: int | None) -> None:
    assert parse.size_needed(data) == needed


# Reading


def test_a_file_over_two_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with open(tmp_path / PB, "wb") as file:
        file.write(CONTENT)
        file.truncate(2**31)
    with pytest.raises(UnsupportedFormat, match=r"2,147,483,648 bytes.*at most 2 GB"):
        load(find(tmp_path))


def test_read_file(tmp_path: Path) -> None:
    path = put(tmp_path / "f", b"abc")
    assert read_file(path) == read_file(path, 3) == b"abc"
    with pytest.raises(UnsupportedFormat, match="3 bytes, more than the 2"):
        read_file(path, 2)
    with pytest.raises(MissingFile):
        read_file(tmp_path / "g")
    with pytest.raises(DamagedFile, match="not a regular file"):
        read_file(tmp_path)
    with pytest.raises(DamagedFile, match="not a regular file"):  # and does not wait for a writer
        read_file(fifo(tmp_path / "p"))


def test_the_bytes_are_let_go(tmp_path: Path) -> None:
    model = message()
    model.meta_graphs[0].graph_def.node[0].attr["big"].tensor.tensor_content = bytes(20_000_000)
    put(tmp_path / PB, model.SerializeToString())
    location = find(tmp_path)
    tracemalloc.start()
    loaded = load(location)
    left, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert loaded == model
    assert most < 22_000_000
    assert left < 1_000_000


def test_what_opening_a_model_imports() -> None:
    code = (
        "import sys; from workbench.disk.folder.location import find\n"
        "from workbench.disk.folder.reading import load\n"
        f"load(find({str(DIGITS)!r}))\n"
        "print([name for name in ('workbench.disk.folder.foreign', 'hashlib', 'zipfile', 'numpy', 'tensorflow',"
        " 'asyncio', 'shutil', 'workbench.disk.optable') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_lfs_pointers(tmp_path: Path) -> None:
    assert is_lfs_pointer(put(tmp_path / "a", LFS))
    assert not is_lfs_pointer(put(tmp_path / "b", LFS + bytes(2000)))
    assert not is_lfs_pointer(put(tmp_path / "c", b"version 1"))
    assert not is_lfs_pointer(DIGITS / PB)
    assert not is_lfs_pointer(tmp_path / "gone")
    assert not is_lfs_pointer(tmp_path)


# Assets


@pytest.mark.parametrize(
    ("name", "relative"),
    [("vocab.txt", "vocab.txt"), ("a/b.txt", "a/b.txt"), ("./a//b", "a/b"), ("a..b", "a..b"), ("…", "…")],
)
def test_names_of_assets(name: str, relative: str) -> None:
    assert check_asset_name(name) == relative
    assert asset_path(DIGITS, name) == DIGITS / "assets" / relative


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a\0b",
        "\\\\host\\x",
        "C:\\x",
        "C:x",
        "..\\x",
        "\\x",
        "//x",
    ],
)
def test_asset_names_that_leave_the_folder(name: str) -> None:
    with pytest.raises(DamagedFile, match=r"does not stay inside assets/"):
        asset_path(DIGITS, name)


def test_linked_assets(tmp_path: Path) -> None:
    put(tmp_path / "m" / "assets" / "real.txt", "x")
    put(tmp_path / "secret.txt", "x")
    assets = tmp_path / "m" / "assets"
    linked(assets / "inside.txt", "real.txt")
    linked(assets / "outside.txt", "../../secret.txt")
    linked(assets / "up", "../..")
    linked(assets / "circle", "circle")
    assert asset_path(tmp_path / "m", "inside.txt") == assets / "inside.txt"
    assert asset_path(tmp_path / "m", "gone.txt") == assets / "gone.txt"
    for name in ("outside.txt", "up/secret.txt", "up/x/y.txt"):
        with pytest.raises(DamagedFile, match=r"leads out of the model.*cp -rL"):
            asset_path(tmp_path / "m", name)
    asset_path(tmp_path / "m", "circle")  # ends, and nobody can open it
    linked(tmp_path / "to_m", "m")
    assert asset_path(tmp_path / "to_m", "inside.txt").read_text() == "x"


def test_assets_of_a_hugging_face_cache(tmp_path: Path) -> None:
    cache = tmp_path / "models--a--b"
    put(cache / "blobs" / "0123", "x")
    snapshot = cache / "snapshots" / "abc" / "model"
    linked(snapshot / "assets" / "vocab.txt", "../../../../blobs/0123")
    linked(snapshot / "assets" / "other.txt", "../../../../refs/main")
    assert asset_path(snapshot, "vocab.txt").read_text() == "x"
    with pytest.raises(DamagedFile):
        asset_path(snapshot, "other.txt")


# Digests


def test_a_digest_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    model = model_in(tmp_path / "a" / "m")
    put(model / "assets" / "sub" / "vocab.txt", "x")
    first = digest(find(model))
    assert len(first) == 64
    copy = Path(shutil.copytree(model, tmp_path / "b" / "other"))
    os.utime(copy / PB, (1, 1))
    (copy / PB).chmod(0o600)
    assert digest(find(copy)) == digest(find(copy / PB)) == first
    put(copy / "fingerprint.pb", b"\1")  # not part of it
    assert digest(find(copy)) == first


@pytest.mark.parametrize(
    "change",
    [
        lambda m: put(m / PB, CONTENT.replace(b"myInput", b"myinput")),
        lambda m: put(m / "variables" / "variables.index", b"other"),
        lambda m: put(m / "variables" / "variables.data-00000-of-00001", b"other"),
        lambda m: put(m / "variables" / "variables.data-00001-of-00002", b""),
        lambda m: (m / "variables" / "variables.data-00000-of-00001").unlink(),
        lambda m: put(m / "assets" / "a.txt", "y"),
        lambda m: (m / "assets" / "a.txt").rename(m / "assets" / "b.txt"),
        lambda m: put(m / "assets" / "b.txt", "x"),
    ],
)
def test_a_digest_notices(change: Callable[[Path], Any], tmp_path: Path) -> None:
    model = model_in(tmp_path / "m")
    put(model / "assets" / "a.txt", "x")
    before = digest(find(model))
    change(model)
    assert digest(find(model)) != before


def test_the_digest_of_a_graph(tmp_path: Path) -> None:
    content = graph().SerializeToString(deterministic=True)
    first = digest(find(put(tmp_path / "a.pb", content)))
    put(tmp_path / "variables" / "variables.index", "x")
    assert digest(find(put(tmp_path / "b", content))) == first
    assert digest(find(put(tmp_path / "c.pb", content + content))) != first


def test_a_digest_does_not_read_what_a_link_outside_leads_to(tmp_path: Path) -> None:
    model = model_in(tmp_path / "m")
    put(tmp_path / "secret", "one")
    linked(model / "assets" / "a.txt", "../../secret")
    first = digest(find(model))
    put(tmp_path / "secret", "two")
    assert digest(find(model)) == first


def test_a_digest_of_what_is_gone_is_an_error(tmp_path: Path) -> None:
    model = model_in(tmp_path / "m")
    location = find(model)
    (model / PB).unlink()
    with pytest.raises(MissingFile):
        digest(location)


@pytest.mark.parametrize("start", [b"", b"\x08\x00"], ids=["absent", "zero"])
def test_schema_version_0_is_a_savedmodel(tmp_path: Path, start: bytes) -> None:
    """Every `hub.Module` of TF1 is written so; the loaders look at no version."""
    path = saved(tmp_path, start + CONTENT[2:])
    found = load(find(path))
    assert found.saved_model_schema_version == 0
    assert [list(meta.meta_info_def.tags) for meta in found.meta_graphs] == [["serve"]]


def test_a_graphdef_with_functions_is_no_savedmodel_without_a_version(tmp_path: Path) -> None:
    """Its library, read as MetaGraphs, has a `meta_info_def` for each function."""
    inner = protos.node("b", "Identity", "a", T=1)
    one = protos.function("f", ["a:1"], inner, returns={"y": "b:output:0"})
    graph_def = protos.graph(protos.node("x", "Placeholder", dtype=1), functions=[one])
    data = graph_def.SerializeToString(deterministic=True)
    with pytest.raises(NotASavedModel, match="This is a GraphDef, not a SavedModel"):
        load(find(saved(tmp_path, data)))
