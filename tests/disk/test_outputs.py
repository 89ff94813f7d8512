"""Where a command may write: nothing that exists unasked, nothing of a source, no URL; and whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from workbench.describe.actions import words
from workbench.disk import files
from workbench.disk.atomic.outputs import check_output, open_output, source_around, url, write_output
from workbench.disk.atomic.stage import Stage
from workbench.disk.folder.location import find
from workbench.errors import CannotWrite, NotASavedModel, TargetExists


@pytest.fixture
def source(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    (model / "assets").mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"\x08\x01graph")
    (model / "assets" / "vocab.txt").write_text("a b c")
    return model


def test_a_new_file_appears_whole(tmp_path: Path) -> None:
    write_output(tmp_path / "plan.json", b"all of it")
    assert (tmp_path / "plan.json").read_bytes() == b"all of it"
    assert os.listdir(tmp_path) == ["plan.json"]


@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "hard link"])
def test_a_file_is_replaced_only_where_that_is_asked_for(tmp_path: Path, kind: str) -> None:
    first, target = tmp_path / "first", tmp_path / "target"
    first.write_bytes(b"old")
    first.chmod(0o640)
    if kind == "file":
        target = first
    elif kind == "hard link":
        os.link(first, target)
    else:
        target.symlink_to(first if kind == "link" else tmp_path / "nowhere")
    with pytest.raises(TargetExists, match="exists already") as refused:
        write_output(target, b"new")
    assert "--overwrite" in words(refused.value.hint, "command line")
    assert first.read_bytes() == b"old" and not (tmp_path / "nowhere").exists()
    write_output(target, b"new", overwrite=True)
    assert target.read_bytes() == b"new"
    assert target.is_symlink() == ("link" in kind and kind != "hard link")
    if kind in ("file", "link"):
        assert first.read_bytes() == b"new" and first.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_failure_leaves_what_was_there(tmp_path: Path, overwrite: bool) -> None:
    target = tmp_path / "plan.json"
    if overwrite:
        target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), open_output(target, overwrite=overwrite) as stream:
        stream.write(b"half")
        1 / 0  # noqa: B018
    assert (target.read_bytes() == b"old") if overwrite else not target.exists()
    assert os.listdir(tmp_path) == (["plan.json"] if overwrite else [])


def test_a_file_made_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "plan.json"
    with pytest.raises(TargetExists), open_output(target) as stream:
        stream.write(b"ours")
        target.write_bytes(b"another's")
    assert target.read_bytes() == b"another's"
    assert os.listdir(tmp_path) == ["plan.json"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_all", full)
    with pytest.raises(CannotWrite, match="No space left"):
        write_output(tmp_path / "plan.json", b"new")
    assert os.listdir(tmp_path) == []


PLACES = ["saved_model.pb", "assets/vocab.txt", "new.json", "assets/new.json"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", ["plain", "dots", "linked folder", "link", "hard link"])
def test_nothing_is_written_into_a_source(tmp_path: Path, source: Path, place: str, way: str) -> None:
    target = source / place
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    if way == "dots":
        target = source / "assets" / ".." / place
    elif way == "linked folder":
        (tmp_path / "elsewhere").symlink_to(source)
        target = tmp_path / "elsewhere" / place
    elif way == "link":
        (tmp_path / "link").symlink_to(target)
        target = tmp_path / "link"
    elif way == "hard link":
        if not target.exists():
            pytest.skip("only a file that exists has a hard link")
        os.link(target, tmp_path / "hard")
        target = tmp_path / "hard"
    with pytest.raises(CannotWrite, match="sources are never changed"):
        write_output(target, b"new", overwrite=True, sources=[tmp_path / "other", source])
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before


def test_what_a_source_links_to_belongs_to_it(tmp_path: Path, source: Path) -> None:
    blob, shared = tmp_path / "blob", tmp_path / "shared"
    blob.write_bytes(b"data")
    shared.mkdir()
    (source / "assets" / "linked").symlink_to(blob)
    (source / "variables").symlink_to(shared)
    for target in (blob, shared / "variables.index", shared):
        assert source_around(target, [source]) == source
    (source / "project").symlink_to(tmp_path)  # no part of a model
    assert source_around(tmp_path / "free", [source]) is None


def test_the_file_of_a_graph_is_a_source_and_its_folder_is_not(tmp_path: Path) -> None:
    graph = tmp_path / "frozen.pb"
    graph.write_bytes(b"\x0a\x00")
    with pytest.raises(CannotWrite, match="sources are never changed"):
        write_output(graph, b"new", overwrite=True, sources=[graph])
    write_output(tmp_path / "plan.json", b"new", sources=[graph])


@pytest.mark.parametrize("way", ["itself", "inside", "deep inside", "linked folder"])
@pytest.mark.parametrize("serving", [False, True])
def test_no_target_lies_in_a_source(tmp_path: Path, source: Path, way: str, serving: bool) -> None:
    (tmp_path / "elsewhere").symlink_to(source / "assets")
    target = {
        "itself": source,
        "inside": source / "out",
        "deep inside": source / "assets" / "a" / "b",
        "linked folder": tmp_path / "elsewhere" / "out",
    }[way]
    before = sorted(source.rglob("*"))
    with (
        pytest.raises(CannotWrite, match="sources are never changed"),
        Stage(target, serving=serving, sources=[source]),
    ):
        pass
    assert sorted(source.rglob("*")) == before


def test_a_version_beside_the_source_is_published(tmp_path: Path, source: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    source.rename(base / "1")
    with Stage(base, serving=True, sources=[base / "1"]) as stage:
        stage.write("saved_model.pb", b"model")
        assert stage.publish() == base / "2"


URLS = ["gs://bucket/out", "s3://bucket/out", "https://host/m", "hdfs://name:9000/x", "file:///tmp/x"]


@pytest.mark.parametrize("typed", URLS)
def test_a_url_is_no_path_and_is_shown_as_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for given in (typed, Path(typed)):
        assert url(given) == typed
        for write in (Stage, check_output):
            with pytest.raises(CannotWrite, match="URL") as refused:
                write(given)
            assert refused.value.where == typed
        with pytest.raises(NotASavedModel, match="URL") as unread:
            find(given)
        assert unread.value.where == typed
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", ["out", "./gs/out", "/abs/gs:/out", "a:b", "a/b:/c", "C:/out", "~/x"])
def test_a_local_path_is_no_url(path: str) -> None:
    assert url(path) is None


def test_a_pipe_and_stdout_are_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_output(pipe, b"through the pipe")
    reader.join(20)
    assert got == [b"through the pipe"] and not pipe.is_file()
    code = "from workbench.disk.atomic.outputs import write_output; print('a'); write_output('/dev/stdout', b'b\\n')"
    target = tmp_path / "redirected"
    with target.open("wb") as stdout:  # a regular file, which is there: it is written to, not replaced
        subprocess.run([sys.executable, "-c", code], stdout=stdout, check=True)
    assert target.read_bytes() == b"a\nb\n"
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert piped.stdout == b"a\nb\n"


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="is a folder"):
        write_output(tmp_path, b"new", overwrite=True)
