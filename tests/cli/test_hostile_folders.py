"""Folders that are not what they seem: links out of them, pipes and devices, files that change while they are read."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.tools import DIGITS, IMAGE, WIRE, Done, call
from tests.sampling import plainly
from tests.timing import ends
from workbench.checks.open_model import examine
from workbench.disk import files
from workbench.disk.checkpoint.bundle_read import Bundle
from workbench.errors import DamagedFile
from workbench.model import open_model

INDEX, SHARD = "variables/variables.index", "variables/variables.data-00000-of-00001"
COMMANDS = [["inspect"], ["inspect", "--json"], ["scan"], ["show", "--all"]]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    shutil.copytree(DIGITS, tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path) -> Callable[[], list[Done]]:
    """Every reading command on the model, and a merge of it that is written without being run."""

    def all_of_them() -> list[Done]:
        found = [call(capsys, command, model, *flags) for command, *flags in COMMANDS]
        out = tmp_path / "out"
        words = ("merge", IMAGE, f"b={model}", "--wire", WIRE, "--no-verify", "-o", out)
        found.append(call(capsys, *words))
        if out.exists():
            shutil.rmtree(out)
        assert all(done.code in (0, 1, 2, 3) for done in found)
        return found

    return all_of_them


def _special(kind: str, path: Path) -> None:
    """Puts something that is no regular file where one should be."""
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "nowhere":
        path.symlink_to("nowhere")
    else:
        path.symlink_to({"zero": "/dev/zero", "terminal": "/dev/tty", "memory": "/proc/self/mem"}[kind])


KINDS = ["pipe", "folder", "loop", "nowhere", "zero", "terminal", "memory"]


@pytest.mark.parametrize("kind", plainly(KINDS, "pipe", "folder", "loop", "zero"))
@pytest.mark.parametrize("name", ["saved_model.pb", INDEX, SHARD])
def test_what_is_no_file_is_not_waited_for(
    name: str, kind: str, model: Path, run: Callable[[], list[Done]]
) -> None:
    _special(kind, model / name)
    with ends():  # a pipe nobody writes to would hold for ever, /dev/zero fill the memory
        done = run()
    if name == "saved_model.pb":
        assert all(one.code == 3 for one in done)
    else:
        assert done[0].code == 0 and "Findings" in done[0].out
        assert done[-1].code != 0


@pytest.mark.parametrize("name", ["workbench.json", "workbench-proof.json"])
def test_a_recipe_that_is_a_device(name: str, model: Path, run: Callable[[], list[Done]]) -> None:
    (model / "assets.extra").mkdir(exist_ok=True)
    (model / "assets.extra" / name).symlink_to("/dev/zero")
    done = run()
    assert done[0].code == 0 and "can't be read" in done[0].out


@pytest.mark.parametrize("name", ["variables", INDEX, SHARD])
def test_a_checkpoint_that_lies_elsewhere_is_told(
    name: str, model: Path, tmp_path: Path, run: Callable[[], list[Done]]
) -> None:
    """As data version control keeps it."""
    cache = tmp_path / "cache"
    shutil.move(model / name, cache)
    (model / name).symlink_to(cache)
    done = run()
    assert "This link points outside the model" in done[0].out and "cp -rL" in done[0].out
    assert [one.code for one in done] == [0] * 5


@pytest.mark.parametrize("name", ["variables", SHARD])
def test_what_lies_elsewhere_is_copied_only_if_it_is_a_data_file_to_the_last_byte(
    name: str, model: Path, tmp_path: Path, run: Callable[[], list[Done]]
) -> None:
    """Data files are copied whole: a link to a file of the user's would put it into the result."""
    secret = tmp_path / "secret"
    with (model / SHARD).open("ab") as file:
        file.write(b"secret")
    assert run()[-1].code == 0
    shutil.move(model / name, secret)
    (model / name).symlink_to(secret)
    done = run()
    assert done[0].code == 0 and done[-1].code == 3
    assert "6 of its bytes belong to no tensor" in " ".join(done[-1].err.split()) and "cp -rL" in done[-1].err


@pytest.mark.parametrize("name", ["variables", INDEX, SHARD])
def test_links_inside_a_model_are_followed(name: str, model: Path, run: Callable[[], list[Done]]) -> None:
    shutil.move(model / name, model / "moved")
    (model / name).symlink_to(model / "moved")
    assert open_model(model).bundle is not None
    assert [done.code for done in run()] == [0] * 5


def test_a_graph_that_is_a_link_is_told(model: Path, tmp_path: Path, run: Callable[[], list[Done]]) -> None:
    shutil.move(model / "saved_model.pb", tmp_path / "graph")
    (model / "saved_model.pb").symlink_to(tmp_path / "graph")
    done = run()
    assert done[0].code == 0 and "saved_model.pb is a link to" in done[0].out


@pytest.mark.parametrize("name", ["n" * 256, "a/" * 1200 + "b", "é" * 200])
def test_an_asset_name_that_no_file_can_have(
    name: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from workbench.disk import schema

    message = schema.SavedModel.FromString((model / "saved_model.pb").read_bytes())
    message.meta_graphs[0].asset_file_def.add(filename=name).tensor_info.name = "x:0"
    (model / "saved_model.pb").write_bytes(message.SerializeToString())
    assert "longer than the name of a file can be" in call(capsys, "inspect", model).out
    for command in ("freeze", "flatten", "signature"):
        more = ("--rename", "serving_default=other") if command == "signature" else ()
        done = call(capsys, command, model, *more, "--dry-run", "-o", tmp_path / "out")
        assert done.code != 0 and "longer than the name of a file can be" in done.err + done.out


# --- files that change while they are read ------------------------------------------------------------------------


def test_a_file_that_is_cut_off_while_it_is_read(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is mapped into memory, so that there is no SIGBUS: it ends early, and that is said."""
    real = files._pread

    def cutting(descriptor: int, count: int, offset: int) -> bytes:
        part = real(descriptor, min(count, 100), offset)
        os.truncate(model / name, 120)
        return part

    for name in ("saved_model.pb", INDEX, SHARD):
        shutil.copy(DIGITS / name, model / name)
        with monkeypatch.context() as patched:
            bundle = Bundle.open(model / "variables/variables")
            patched.setattr(files, "_pread", cutting)
            with pytest.raises(DamagedFile, match="ends at byte 120"):
                if name == "saved_model.pb":
                    open_model(model)
                elif name == INDEX:
                    Bundle.open(model / "variables/variables")
                else:
                    bundle.raw(max(bundle, key=lambda key: bundle.entry(key).size))
        shutil.copy(DIGITS / name, model / name)


def test_a_file_that_grows_is_read_as_long_as_it_was(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files._pread

    def growing(descriptor: int, count: int, offset: int) -> bytes:
        with open(model / "saved_model.pb" if count > 4096 else os.devnull, "ab") as file:
            file.write(b"\xff" * 1000)
        return real(descriptor, count, offset)

    monkeypatch.setattr(files, "_pread", growing)
    assert open_model(model).meta.signatures


def test_a_file_that_is_replaced_between_two_looks(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was opened stays what it was; a file that has gone is a finding, not a traceback."""
    opened = open_model(model)
    bundle = opened.bundle
    assert bundle is not None
    shutil.rmtree(model)
    assert {finding.code for finding in examine(opened)} >= {"missing-shard"}
    from workbench.cli.output import Output
    from workbench.cli.pages.inspect_page import Page

    Page(Output(), opened).whole()
    assert "? graph" in capsys.readouterr().out


def test_files_that_change_all_the_time(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cut off, put back, replaced by a pipe, removed, while the commands run: an answer in words each time."""
    stop = threading.Event()

    def change() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            for name in ("saved_model.pb", INDEX, SHARD):
                path, part = model / name, model / "part"
                path.unlink(missing_ok=True)
                if turn % 4 == 0:
                    os.mkfifo(path)
                elif turn % 4 != 1:
                    data = (DIGITS / name).read_bytes()
                    part.write_bytes(data[: len(data) // (1 + turn % 2)])
                    part.replace(path)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        codes = {call(capsys, command, model, *flags).code for _ in range(15) for command, *flags in COMMANDS}
    finally:
        stop.set()
        thread.join()
    assert codes <= {0, 1, 3}
