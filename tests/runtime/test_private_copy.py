"""The folder that TensorFlow loads in place of the user's. None of these run TensorFlow."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import protos
from tests.forking.commands import Forked
from tests.protos import graph, meta_graph, node, write
from tests.timing import FOREVER
from workbench.checks.unsafe import scan, unsafe_ops
from workbench.disk import dtypes, schema
from workbench.disk.atomic import temporary
from workbench.disk.checkpoint import bundle_write
from workbench.errors import ChangedFile, DamagedFile, NotAllowedToRun, WorkbenchError
from workbench.model import Model, open_model
from workbench.runtime.api import refuse_unsafe
from workbench.runtime.chain import ModelRef
from workbench.runtime.child_process import child
from workbench.runtime.child_process.private_copy import Copies
from workbench.runtime.child_script import errors

BIG = 2 << 30


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the test's own, empty again when it ends."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    temporary.remove_dead(folder)
    assert not list(folder.iterdir())


def simple(tag: str = "serve", op: str = "Identity", **others: Any) -> Any:
    """A MetaGraph of a placeholder and what is made of it."""
    nodes = graph(node("x", "Placeholder", dtype=1), node("y", op, "x", T=1), **others)
    return meta_graph(nodes, (tag,), serving_default=({"x": "x:0"}, {"y": "y:0"}))


def with_asset(*names: str) -> Any:
    """The same with assets that it names."""
    meta = simple()
    for name in names:
        meta.asset_file_def.add(filename=name).tensor_info.name = "asset:0"
    return meta


def with_variables(folder: Path) -> Path:
    """Adds a checkpoint of one variable."""
    (folder / "variables").mkdir()
    bundle_write.write(folder / "variables" / "variables", {"w": (dtypes.FLOAT, (2,), b"\0" * 8)})
    return folder


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative name, links followed."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def read_back(ref: ModelRef) -> Any:
    """The message that a loader finds in a copy."""
    return schema.SavedModel.FromString((ref.path / "saved_model.pb").read_bytes())


def test_a_copy_has_what_was_opened_and_is_its_owners_alone(tmp_path: Path) -> None:
    folder = with_variables(write(tmp_path / "m", with_asset("sub/vocab.txt")))
    (folder / "assets" / "sub").mkdir(parents=True)
    (folder / "assets" / "sub" / "vocab.txt").write_text("a\nb\n")
    (folder / "assets" / "beside").write_text("found by its name")
    for left_out in ("fingerprint.pb", "saved_model.cpb", "keras_metadata.pb", "assets.extra/x", "debug/y"):
        (folder / left_out).parent.mkdir(exist_ok=True)
        (folder / left_out).write_text("not ours")
    model = open_model(folder)
    with Copies() as copies:
        ref = copies.of(model)
        assert copies.of(model) is ref
        assert stat.S_IMODE(os.stat(copies.folder).st_mode) == 0o700
        assert files_below(ref.path) == {
            "saved_model.pb": model.proto.SerializeToString(deterministic=True),
            "variables/variables.index": (folder / "variables/variables.index").read_bytes(),
            "variables/variables.data-00000-of-00001": b"\0" * 8,
            "assets/sub/vocab.txt": b"a\nb\n",
            "assets/beside": b"found by its name",
        }
        assert not (ref.path / "variables/variables.index").is_symlink()
        assert (ref.path / "variables/variables.data-00000-of-00001").is_symlink()
        assert all(os.stat(path).st_nlink == 1 for path in folder.rglob("*") if path.is_file())
        assert ref.as_json()["shown"] == str(folder)
        assert copies.changed() is None


def test_the_users_own_folder_is_never_loaded(tmp_path: Path) -> None:
    ref = ModelRef.of(open_model(write(tmp_path / "m", simple())))
    with pytest.raises(RuntimeError, match="private copy"):
        ref.as_json()


def test_the_file_that_was_named_is_the_one_that_is_loaded(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", simple(op="Neg"))
    text = schema.SavedModel(saved_model_schema_version=1, meta_graphs=[simple(op="Abs")])
    (folder / "saved_model.pbtxt").write_text(str(text))
    with Copies() as copies:
        for name, op in (("saved_model.pbtxt", "Abs"), ("saved_model.pb", "Neg")):
            loaded = read_back(copies.of(open_model(folder / name)))
            assert [one.op for one in loaded.meta_graphs[0].graph_def.node] == ["Placeholder", op]


@pytest.mark.parametrize("text", [False, True])
def test_a_graphdef_is_laid_out_in_binary_form(tmp_path: Path, text: bool) -> None:
    made = simple().graph_def
    file = tmp_path / ("frozen.pbtxt" if text else "frozen.pb")
    file.write_bytes(str(made).encode() if text else made.SerializeToString())
    with Copies() as copies:
        ref = copies.of(open_model(file))
        assert ref.kind == "graphdef" and ref.shown == file
        assert schema.GraphDef.FromString(ref.path.read_bytes()) == made


def test_what_another_parser_could_read_otherwise_is_not_in_the_copy(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", simple())
    twice = schema.SavedModel(meta_graphs=[meta_graph(graph(), (), serving_default=({"x": "z:0"}, {}))])
    # a map entry again with the same key, and a field again that occurs once: the last wins, or they are merged
    other = simple(op="Abs")
    key = b"\x2a" + entry(b"serving_default", twice.meta_graphs[0].signature_def["serving_default"])
    body = other.SerializeToString() + key
    data = b"\x08\x07\x08\x01\x12" + size(body) + body
    (folder / "saved_model.pb").write_bytes(data)
    model = open_model(folder)
    with Copies() as copies:
        loaded = (copies.of(model).path / "saved_model.pb").read_bytes()
    assert loaded != data and schema.SavedModel.FromString(loaded) == model.proto
    assert loaded.count(b"serving_default") == 1


def entry(key: bytes, value: Any) -> bytes:
    """An entry of a map from text to a message."""
    content = value.SerializeToString()
    whole = b"\x0a" + size(key) + key + b"\x12" + size(content) + content
    return size(whole) + whole


def size(data: bytes) -> bytes:
    """The length of some bytes as a varint."""
    number, found = len(data), bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def test_of_other_metagraphs_only_the_tags_are_handed_over(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", simple("train", "Neg"), simple("serve", "Abs"), simple("serve", "Neg"))
    with Copies() as copies:
        found = read_back(copies.of(open_model(folder, "serve"))).meta_graphs
        assert [tuple(one.meta_info_def.tags) for one in found] == [("train",), ("serve",), ("serve",)]
        assert [len(one.graph_def.node) for one in found] == [0, 2, 0]
        assert found[1].graph_def.node[1].op == "Abs"


def test_a_metagraph_that_no_loader_takes_is_refused(tmp_path: Path) -> None:
    model = open_model(write(tmp_path / "m", simple(op="Neg"), simple(op="Abs")))
    with Copies() as copies, pytest.raises(DamagedFile, match="the first"):
        copies.of(model, model.meta_graphs[1])


def twice_in_main() -> Any:
    found = simple()
    found.graph_def.node.append(node("y", "Abs", "x", T=1))
    return found


def twice_in_body() -> Any:
    return simple(functions=[protos.function("f", ["a"], node("b", "Abs", "a"), node("b", "Neg", "a"))])


def named_as_an_argument() -> Any:
    return simple(functions=[protos.function("f", ["a"], node("a", "Abs", "a"))])


def two_functions() -> Any:
    return simple(functions=[protos.function("f", ["a"]), protos.function("f", ["a"], node("b", "Abs", "a"))])


@pytest.mark.parametrize("make", [twice_in_main, twice_in_body, named_as_an_argument, two_functions])
def test_a_name_that_means_two_things_is_refused(tmp_path: Path, make: Callable[[], Any]) -> None:
    model = open_model(write(tmp_path / "m", make()))
    with Copies() as copies, pytest.raises(DamagedFile, match="may take either"):
        copies.of(model)


def test_the_same_function_twice_is_one(tmp_path: Path) -> None:
    model = open_model(
        write(tmp_path / "m", simple(functions=[protos.function("f", ["a"]), protos.function("f", ["a"])]))
    )
    with Copies() as copies:
        assert len(read_back(copies.of(model)).meta_graphs[0].graph_def.library.function) == 2


# -- files that change


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"another")
    os.replace(other, path)


def cut_off(path: Path) -> None:
    os.truncate(path, 0)


def written_to(path: Path) -> None:
    found = os.stat(path)
    time.sleep(0.02)  # a change in the same tick of the system's clock has the same time
    with path.open("r+b") as file:
        file.write(b"!")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))  # who hides it can't set the time of change


def disguised(path: Path) -> None:
    found = os.stat(path)
    other = path.with_name("other")
    other.write_bytes(bytes(found.st_size))
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    os.replace(other, path)


FILES = (
    "saved_model.pb",
    "variables/variables.index",
    "variables/variables.data-00000-of-00001",
    "assets/vocab.txt",
)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A model with a checkpoint and an asset."""
    folder = with_variables(write(tmp_path / "m", with_asset("vocab.txt")))
    (folder / "assets").mkdir()
    (folder / "assets" / "vocab.txt").write_text("a\nb\n")
    return folder


@pytest.mark.parametrize("change", [replaced, disguised, cut_off, written_to, os.unlink])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_changes_after_it_was_copied_is_seen(
    whole: Path, name: str, change: Callable[[Path], None]
) -> None:
    with Copies() as copies:
        ref = copies.of(open_model(whole))
        before = files_below(ref.path)
        assert copies.changed() is None
        change(whole / name)
        seen = copies.changed()
        assert seen is not None and seen.startswith(str(whole / name))
        if change in (replaced, disguised, os.unlink):  # what was opened is read all the same
            assert files_below(ref.path) == before
            copies.check_written()


@pytest.mark.parametrize("name", FILES[:2])
@pytest.mark.parametrize("change", [replaced, written_to])
def test_a_file_that_changed_since_it_was_read_is_refused(
    whole: Path, name: str, change: Callable[[Path], None]
) -> None:
    model = open_model(whole)
    assert model.bundle is not None
    change(whole / name)
    with Copies() as copies, pytest.raises(ChangedFile, match="read when the model was opened"):
        copies.of(model)


def test_a_data_file_that_is_cut_off_while_a_model_runs_is_an_error(whole: Path) -> None:
    with Copies() as copies:
        copies.of(open_model(whole))
        copies.check_written()
        cut_off(whole / FILES[2])
        with pytest.raises(ChangedFile, match="outputs may be wrong"):
            copies.check_written()


# -- what is no regular file, and where links lead


@pytest.mark.parametrize(
    "name", ["variables/variables.data-00000-of-00001", "variables/variables.index", "assets/vocab.txt"]
)
def test_a_pipe_is_refused_and_not_waited_for(whole: Path, name: str) -> None:
    (whole / name).unlink()
    os.mkfifo(whole / name)
    with Copies() as copies, pytest.raises(WorkbenchError, match="not a regular file"):
        copies.of(open_model(whole))


def test_a_pipe_that_no_asset_names_is_left_out(whole: Path) -> None:
    os.mkfifo(whole / "assets" / "pipe")
    with Copies() as copies:
        assert sorted(os.listdir(copies.of(open_model(whole)).path / "assets")) == ["vocab.txt"]


def test_links_among_assets_are_followed_inside_the_model_only(whole: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.mkdir()
    (outside / "key").write_text("mine")
    assets = whole / "assets"
    (assets / "real").mkdir()
    (assets / "real" / "deep.txt").write_text("deep")
    os.symlink("vocab.txt", assets / "again.txt")
    os.symlink("real", assets / "linked")
    os.symlink("..", assets / "real" / "circle")
    os.symlink(outside / "key", assets / "key")
    os.symlink(outside, assets / "folder")
    with Copies() as copies:
        found = files_below(copies.of(open_model(whole)).path / "assets")
    assert {"vocab.txt", "again.txt", "real/deep.txt", "linked/deep.txt"} <= found.keys()
    assert b"mine" not in found.values()


def test_an_asset_outside_the_model_is_refused(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("mine")
    (whole / "assets" / "vocab.txt").unlink()
    os.symlink(tmp_path / "key", whole / "assets" / "vocab.txt")
    with Copies() as copies, pytest.raises(DamagedFile, match="leads out of the model"):
        copies.of(open_model(whole))


def test_files_beyond_what_may_be_open_are_linked_by_path(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.runtime.child_process.private_copy._most_descriptors", lambda: 0)
    with Copies() as copies:
        ref = copies.of(open_model(whole))
        assert os.readlink(ref.path / FILES[3]) == str(whole / FILES[3])
        assert (ref.path / FILES[3]).read_text() == "a\nb\n"
        replaced(whole / FILES[3])
        assert copies.changed() is not None
        with pytest.raises(ChangedFile):
            copies.check_written()


# -- what it costs, and that it goes away


def test_a_large_data_file_costs_nothing(tmp_path: Path) -> None:
    folder = with_variables(write(tmp_path / "m", with_asset("big")))
    (folder / "assets").mkdir()
    for name in ("variables/variables.data-00000-of-00001", "assets/big"):
        os.truncate(folder / name, 0) if (folder / name).exists() else (folder / name).touch()
        os.truncate(folder / name, BIG)
    with Copies() as copies:
        ref = copies.of(open_model(folder))
        assert (ref.path / "assets" / "big").stat().st_size == BIG
        used = sum(os.lstat(path).st_blocks * 512 for path in copies.folder.rglob("*"))
    assert used < 1 << 20


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_it_is_removed_when_something_fails(
    whole: Path, temporary_folder: Path, failure: type[BaseException]
) -> None:
    open_files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with pytest.raises(failure), Copies() as copies:
        copies.of(open_model(whole))
        assert list(temporary_folder.iterdir())
        raise failure
    assert not list(temporary_folder.iterdir())
    if open_files:
        assert len(os.listdir("/proc/self/fd")) == open_files


def begun(whole: Path) -> Forked:
    """A process that holds a copy, in the temporary folder of this one."""

    def hold() -> None:
        with Copies() as copies:
            copies.of(open_model(whole))
            print("ready", flush=True)
            time.sleep(FOREVER)

    process = Forked(hold, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def test_an_interrupted_process_leaves_nothing(whole: Path, temporary_folder: Path) -> None:
    process = begun(whole)
    assert list(temporary_folder.iterdir())
    process.send_signal(signal.SIGINT)
    process.wait(30)
    assert not list(temporary_folder.iterdir())


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_lives_is_not(
    whole: Path, temporary_folder: Path
) -> None:
    living, killed = begun(whole), begun(whole)
    try:
        killed.kill()
        killed.wait(30)
        left = set(temporary_folder.iterdir())
        assert len(left) == 4  # two folders, each with its lock
        with Copies() as copies:
            copies.of(open_model(whole))
        kept = set(temporary_folder.iterdir())
        assert len(kept) == 2 and kept < left
    finally:
        living.send_signal(signal.SIGINT)
        living.wait(30)


def test_an_attr_that_only_reading_made_is_not_in_the_copy(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", simple(functions=[protos.function("f", ["a"], node("b", "Abs", "a"))]))
    model = open_model(folder)
    graph_def = model.proto.meta_graphs[0].graph_def
    for one in (graph_def.node[1], graph_def.library.function[0].node_def[0]):
        assert not one.attr["_missing"].s  # on a map of protobuf, this makes it
    with Copies() as copies:
        assert (copies.of(model).path / "saved_model.pb").read_bytes() == (
            folder / "saved_model.pb"
        ).read_bytes()


def test_a_model_that_was_changed_in_memory_is_loaded_as_it_is_now(tmp_path: Path) -> None:
    model: Model = open_model(write(tmp_path / "m", simple()))
    model.proto.meta_graphs[0].graph_def.node[1].op = "Neg"
    with Copies() as copies:
        assert read_back(copies.of(model)).meta_graphs[0].graph_def.node[1].op == "Neg"


@pytest.mark.parametrize("at", ["meta graph", "node"])
def test_fields_that_nobody_here_knows_are_asked_about(tmp_path: Path, at: str) -> None:
    """TensorFlow 2.21 passes over them as we do; a later one, that `--python` may name, need not."""
    meta = simple()
    unknown = b"\xfa\x3f\x03abc"  # field 1023, three bytes
    where = meta if at == "meta graph" else meta.graph_def.node[1]
    where.MergeFromString(unknown)
    harmless = open_model(write(tmp_path / "harmless", simple()))
    model = open_model(write(tmp_path / "m", meta))
    assert unsafe_ops(harmless.meta, ["serving_default"]) == []
    assert [one.tier for one in unsafe_ops(model.meta, ["serving_default"])] == ["code"]
    assert [one.tier for one in scan(model.meta)] == ["code"]
    with pytest.raises(NotAllowedToRun, match="not known"):
        refuse_unsafe(model.meta, model.meta.signature())


def test_the_paths_to_be_shown_are_those_of_models_whatever_inputs_are_called() -> None:
    model = {"path": "/private/0", "shown": "/users", "kind": "saved_model", "tags": ["serve"]}
    array = {"dtype": "float32", "shape": [], "data": ""}
    inputs = {"path": array, "shown": array}
    job = {"job": "chain", "stages": [{"name": "a", "model": model}], "samples": [inputs], "inputs": inputs}
    assert child.shown_paths(job) == errors.shown_paths(job) == {"/private/0": "/users"}
