"""Bad input, one test each, through the real command line: the exit code, the words, and that nothing is written.

0 done, 1 a finding or a verdict, 2 usage, 3 cannot read or write.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.processes import no_file_over
from tests.cli.tools import DIGITS, IMAGE, WIRE, Done, call, copy_of, cut, edit, flip, tree
from tests.forking.commands import ran
from tests.zoo import Example
from tests.zoo.broken import BROKEN
from workbench.disk import schema

Merge = Callable[..., Done]
Break = Callable[[Path], Path]
INDEX, SHARD = "variables/variables.index", "variables/variables.data-00000-of-00001"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return lambda *words: call(capsys, *words)


@pytest.fixture
def merge(cli: Callable[..., Done], tmp_path: Path) -> Merge:
    """Merges the sample pair, or others, without running it; checks that nothing but the result is written."""

    def merge(
        *more: str | Path, a: str | Path = IMAGE, b: str | Path = DIGITS, wires: tuple[str, ...] = (WIRE,)
    ) -> Done:
        before = tree(tmp_path)
        wired = [word for wire in wires for word in ("--wire", wire)]
        out = () if "-o" in more else ("-o", tmp_path / "out")
        done = cli("merge", a, b, *wired, "--no-verify", *out, *more)
        if done.code:
            assert tree(tmp_path) == before
            assert done.out == "" or "--json" in more
        return done

    return merge


def says(done: Done, *words: str) -> None:
    """All of the words are in what was said, whatever their case and line breaks; the error is said first."""
    said = " ".join(done.err.split()).lower()
    assert "error: " in done.err
    for word in words:
        assert word.lower() in said, (word, done.err)


# --- models that can't be opened, or not read -----------------------------------------------------------------


def nothing(folder: Path) -> Path:
    return folder / "nothing"


def text_file(folder: Path) -> Path:
    (folder / "notes.txt").write_text("Dear diary,\nno model here.\n")
    return folder / "notes.txt"


def empty_folder(folder: Path) -> Path:
    (folder / "model").mkdir()
    return folder / "model"


def no_saved_model(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    (path / "saved_model.pb").unlink()
    return path


def lfs_pointer(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 1234567\n"
    (path / "saved_model.pb").write_text(text)
    return path


def keras_file(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        archive.writestr("config.json", "{}")
    return folder / "model.keras"


def h5_file(folder: Path) -> Path:
    (folder / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99))
    return folder / "model.h5"


def tflite_file(folder: Path) -> Path:
    (folder / "model.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(99))
    return folder / "model.tflite"


def onnx_file(folder: Path) -> Path:
    (folder / "model.onnx").write_bytes(b"\x08\x08\x12\x07pytorch\x1a\x051.0.0:\x02\x12\x00")
    return folder / "model.onnx"


def bare_checkpoint(folder: Path) -> Path:
    (folder / "model").mkdir()
    for file in (DIGITS / "variables").iterdir():
        shutil.copy(file, folder / "model" / file.name.replace("variables", "ckpt-1"))
    return folder / "model"


def truncated_pb(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    cut(path / "saved_model.pb", 4000)
    return path


def flipped_pb(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    flip(path / "saved_model.pb", 3)  # in the length of the MetaGraph
    return path


def chunked(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    (path / "saved_model.pb").unlink()
    (path / "saved_model.cpb").write_bytes(bytes.fromhex("83af70d10d884a3f") + bytes(200))
    return path


def binary_as_text(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    (path / "saved_model.pb").rename(path / "saved_model.pbtxt")
    return path


def graphdef_as_saved_model(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    message = schema.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    (path / "saved_model.pb").write_bytes(message.meta_graphs[0].graph_def.SerializeToString())
    return path


UNOPENABLE: list[tuple[Break, tuple[str, ...]]] = [
    (nothing, ("nothing: there is no such file or folder", "give")),
    (text_file, ("notes.txt", "not a model")),
    (empty_folder, ("model: the folder is empty", "give a savedmodel folder")),
    (no_saved_model, ("model: ", "no saved_model.pb", "the graph is missing", "copy saved_model.pb")),
    (lfs_pointer, ("saved_model.pb: ", "git lfs pointer", "git lfs pull")),
    (keras_file, ("model.keras: ", "keras", "export(")),
    (h5_file, ("model.h5: ", "hdf5", "export(")),
    (tflite_file, ("model.tflite: ", "tflite", "use the savedmodel")),
    (onnx_file, ("model.onnx: ", "onnx", "onnx2tf")),
    (bare_checkpoint, ("model: ", "checkpoint")),
    (truncated_pb, ("saved_model.pb: ", "cut short", "4,000 bytes", "copy it again")),
    (flipped_pb, ("saved_model.pb: ", "bytes", "copy it again")),
    (chunked, ("saved_model.cpb: ", "chunks", "not supported", "save it again")),
    (binary_as_text, ("saved_model.pbtxt: ", "binary", "rename it")),
    (graphdef_as_saved_model, ("saved_model.pb: ", "graphdef, not a savedmodel", "rename it")),
]


@pytest.mark.parametrize(("make", "words"), UNOPENABLE, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_no_model(
    cli: Callable[..., Done], merge: Merge, tmp_path: Path, make: Break, words: tuple[str, ...]
) -> None:
    path = make(tmp_path)
    for done in (cli("inspect", path), merge(b=path), merge(a=path), cli("run", path, "--input", "x=1")):
        assert (done.code, done.out) == (3, "")
        says(done, *words)
    as_data = cli("inspect", path, "--json")
    assert as_data.code == 3
    (line,) = as_data.out.splitlines()
    error = json.loads(line)["error"]
    assert error["code"] in ("not-a-savedmodel", "unsupported-format", "damaged")
    assert error["message"] and path.name in error["where"] and error["hint"]


def missing_shard(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    (path / SHARD).unlink()
    return path


def missing_index(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    (path / INDEX).unlink()
    return path


def variables_beside(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    for file in (path / "variables").iterdir():
        file.rename(path / file.name)
    (path / "variables").rmdir()
    return path


def no_variables(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    shutil.rmtree(path / "variables")
    return path


def truncated_index(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    cut(path / INDEX, -20)
    return path


def flipped_index(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    flip(path / INDEX, 20)
    return path


def truncated_shard(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    cut(path / SHARD, -10)
    return path


def flipped_shard(folder: Path) -> Path:
    path = copy_of(DIGITS, folder / "model")
    flip(path / SHARD, 50)
    return path


UNREADABLE: list[tuple[Break, int, tuple[str, ...], bool]] = [
    (missing_shard, 1, ("variables.data-00000-of-00001", "missing", "fetch"), True),
    (missing_index, 1, ("no variables.index", "copy variables.index"), True),
    (variables_beside, 1, ("beside saved_model", "instead of in variables/", "move"), True),
    (no_variables, 1, ("no variables/variables.index", "fetch"), True),
    (truncated_index, 1, ("variables.index", "not a sound checkpoint index", "ends early"), True),
    (flipped_index, 1, ("variables.index", "checksum", "fetch"), True),
    (truncated_shard, 3, ("variables.data-00000-of-00001", "has 31390 bytes", "31400", "cut off"), True),
    # inspect reads no tensor, so it can't know
    (flipped_shard, 3, ("data-00000-of-00001", "softmax/weights", "checksum", "fetch"), False),
]


@pytest.mark.parametrize(
    ("make", "code", "words", "shown"), UNREADABLE, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_checkpoint_that_cant_be_read(
    cli: Callable[..., Done],
    merge: Merge,
    tmp_path: Path,
    make: Break,
    code: int,
    words: tuple[str, ...],
    shown: bool,
) -> None:
    """inspect shows what there is and says what is wrong; merge stops before anything is there."""
    path = make(tmp_path)
    done = merge(b=path)
    assert done.code == code
    says(done, *words)
    looked = cli("inspect", path)
    assert looked.code == 0
    assert "softmax/weights" in looked.out and "myOutput" in looked.out
    assert ("Findings" in looked.out) is shown
    as_data = json.loads(cli("inspect", path, "--json").out)
    assert any(each["severity"] == "error" for each in as_data["findings"]) is shown


def test_a_source_with_a_cycle(merge: Merge, tmp_path: Path) -> None:
    def turn(message: Any) -> None:
        nodes = {node.name: node for node in message.meta_graphs[0].graph_def.node}
        product = next(node for node in nodes.values() if node.op == "MatMul")
        softmax = next(node for node in nodes.values() if node.op == "Softmax")
        product.input.append(f"^{softmax.name}")

    done = merge(b=edit(copy_of(DIGITS, tmp_path / "model"), turn))
    assert done.code == 1
    says(done, "cycle", "no while loop", "→")


@pytest.mark.parametrize("name", ["../../secret.txt", "/etc/hostname", "a/../../b", ".."])
def test_an_asset_that_leaves_the_folder(
    cli: Callable[..., Done], merge: Merge, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret")

    def escape(message: Any) -> None:
        asset = message.meta_graphs[0].asset_file_def.add()
        asset.filename, asset.tensor_info.name = name, "myInput:0"

    path = edit(copy_of(DIGITS, tmp_path / "model"), escape)
    done = merge(b=path)
    assert done.code == 1
    says(done, name, "does not stay inside", "ask where it came from")
    looked = cli("inspect", path)
    assert looked.code == 0 and "does not stay inside" in looked.out


# --- names that are not there ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--tag-set-b", "serv"), 2, ("tag set 'serv'", "serve")),
        (("--tag-set-of", "digit=serve"), 2, ("no model with the handle 'digit'", "did you mean digits")),
        (
            ("--signature-b", "serving_defualt"),
            2,
            ("no signature 'serving_defualt'", "did you mean serving_default"),
        ),
        (("--signature-of", "digit=x"), 2, ("no model with the handle 'digit'", "did you mean digits")),
        (("--signature-of", "digits"), 2, ("write handle=value",)),
        (("--signature", ""), 2, ("needs a key",)),
    ],
)
def test_unknown_choices(merge: Merge, more: tuple[str, ...], code: int, words: tuple[str, ...]) -> None:
    done = merge(*more)
    assert done.code == code
    says(done, *words)


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        ("pixel=myInput", ("image_base64@pixel", "neither an output", "did you mean pixels?")),
        ("pixels=myinput", ("digits@myinput", "neither an input", "did you mean myinput?")),
        ("pixels=#myOutput", ("digits@#myoutput", "no input 'myoutput'", "it is one of its outputs")),
        ("img@pixels=myInput", ("no model with the handle 'img'", "image_base64, digits", "write handle@pixels")),
        ("#pixel=myInput", ("has no output 'pixel'", "did you mean pixels?")),
        ("serving#pixels=myInput", ("no signature 'serving'", "did you mean serving_default")),
        ("resize/Squeez:0=myInput", ("image_base64@resize/squeez:0", "resize/squeeze")),
        ("%nowhere:0=myInput", ("no tensor 'nowhere:0'",)),
        ("DecodePng:7=myInput", ("image_base64@decodepng:7", "one output, 0", "not 7", "write decodepng:0")),
        ("DecodePng=myInput", ("is uint8 [?,?,1]; input `myinput` takes float32 [?,784]", "reshape ? 784 = myInput'")),
        ("resize/Squeeze=myInput", ("is float32 [", "input `myinput` takes float32 [?,784]")),
        ("nocall::x:0=myInput", ("no call 'nocall'",)),
    ],
)  # fmt: skip
def test_ends_that_are_not_there_or_do_not_fit(merge: Merge, wire: str, words: tuple[str, ...]) -> None:
    done = merge(wires=(wire,))
    code = 1 if "takes float32" in words[-1] or "reshape" in words[-1] else 2
    assert done.code == code  # 2 for a name that is not there
    says(done, "can't be joined like this: one error", *words)
    as_data = merge("--json", wires=(wire,))
    (line,) = as_data.out.splitlines()
    error = json.loads(line)["error"]
    assert as_data.code == code and error["code"] == "plan"
    (finding,) = [each for each in error["findings"] if each["severity"] == "error"]
    assert finding["code"].startswith("R") and finding["message"]


def test_all_that_is_wrong_is_said_at_once(merge: Merge) -> None:
    done = merge("--signature-a", "nope", wires=("pixel=myInput", "pixels=myinput"))
    assert done.code == 2
    says(done, "errors", "nope", "myinput")


def test_an_input_wired_twice(merge: Merge) -> None:
    done = merge(wires=(WIRE, "Reshape=myInput" if _has("Reshape") else "pixels:0=myInput"))
    assert done.code == 1
    says(done, "digits@myinput", "wired twice", "leave one of the wires out")


def _has(node: str) -> bool:
    message = schema.SavedModel.FromString((IMAGE / "saved_model.pb").read_bytes())
    return any(each.name == node for each in message.meta_graphs[0].graph_def.node)


def test_wires_in_a_circle(cli: Callable[..., Done], tmp_path: Path) -> None:
    wires = ("--wire", "a@pixels=b@myInput", "--wire", "b@myOutput=a@base64_input")
    done = cli("merge", f"a={IMAGE}", f"b={DIGITS}", *wires, "-o", tmp_path / "out", "--no-verify")
    assert done.code == 1
    says(done, "float32", "string")  # it does not fit, too: all is said
    twice = ("--wire", "a@myOutput:0=b@myInput", "--wire", "b@myOutput:0=a@myInput")
    done = cli("merge", f"a={DIGITS}", f"b={DIGITS}", *twice, "-o", tmp_path / "out", "--no-verify")
    assert done.code == 1
    assert not list(tmp_path.iterdir())


def test_no_wire_offers_those_that_fit(merge: Merge) -> None:
    done = merge(wires=())
    assert done.code == 1
    says(done, "no wire", "compatible wires", "--wire pixels=myinput")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("merge",), ("two or more models", "--wire")),
        (("merge", DIGITS, "--wire", "a=b"), ("two or more models", "--wire")),
        (("merge", IMAGE, DIGITS, "--wire", WIRE), ("no folder for the result", "-o dir", "--dry-run")),
        (("merge", IMAGE, DIGITS, "--wire", "pixels"), ("'pixels' is not a wire", "output=input")),
        (("merge", f"x={IMAGE}", f"x={DIGITS}", "--wire", WIRE), ("handle 'x' is used twice",)),
        (("merge", f"x={IMAGE}", f"X={DIGITS}", "--wire", WIRE), ("handle 'x' is used twice",)),
        (("merge", f"1x={IMAGE}", DIGITS, "--wire", WIRE), ("'1x' can't be a handle", "use letters")),
        (("merge", "x=", DIGITS, "--wire", WIRE), ("names no model", "handle=path")),
        (("merge", IMAGE, DIGITS, "--tolerance", "abc"), ("--tolerance", "0 or more", "'abc'")),
        (("merge", IMAGE, DIGITS, "--tolerance", "-1"), ("--tolerance", "0 or more", "'-1'")),
        (("merge", IMAGE, DIGITS, "--tolerance", "nan"), ("--tolerance", "0 or more", "'nan'")),
        (("merge", IMAGE, DIGITS, "--time-limit", "0"), ("--time-limit", "above 0", "'0'")),
        (("run", DIGITS, "--time-limit", "inf"), ("--time-limit", "above 0", "'inf'")),
        (("merge", "--wrie", "a=b"), ("does not know '--wrie'", "did you mean --wire")),
        (("mrege",), ("no command 'mrege'", "did you mean merge")),
        (("run", DIGITS, "--input", "myInput"), ("expected key=value", "myinput")),
        (("run", DIGITS, "--input", "myinput=1"), ("myinput: there is no such input", "did you mean myinput")),
        (("run", DIGITS), ("no value: myinput float32 [?,784]", "for example")),
        (("run", DIGITS, "--input", "myInput=[[1,2]]"), ("expected shape [?,784], got [1,2]",)),
        (("run", DIGITS, "--input", "myInput=hello"), ("'hello' is not json",)),
        (("run", DIGITS, "--input", "myInput=@no.npy"), ("no.npy can't be read", "no such file")),
        (("run", DIGITS, "--signature", "serving"), ("serving", "serving_default")),
        (("run", DIGITS, "--tag-set", "train"), ("tag set 'train'", "serve")),
        (("run", IMAGE, "--input", "base64_input=a", "--input", "base64_input=b"), ("given twice",)),
    ],
)  # fmt: skip
def test_words_that_do_not_fit(
    cli: Callable[..., Done], words: tuple[str | Path, ...], expected: tuple[str, ...]
) -> None:
    done = cli(*words)
    assert (done.code, done.out) == (2, "")
    says(done, *expected)


def test_a_value_for_an_input_the_result_does_not_have(merge: Merge) -> None:
    done = merge("--input", "myInput=1")
    assert done.code == 2
    says(done, "myinput: there is no such input", "base64_input")


# --- the target -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["folder", "file", "link", "dead link"])
def test_the_target_exists(merge: Merge, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "there"
    if kind == "folder":
        target.mkdir()
        (target / "mine").write_text("mine")
    elif kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path if kind == "link" else tmp_path / "nowhere")
    done = merge("-o", target)
    assert done.code == 3
    says(done, "there: the target exists already", "nothing is ever overwritten", "another name")


def test_the_target_is_a_model_itself_under_serving(merge: Merge, tmp_path: Path) -> None:
    target = copy_of(DIGITS, tmp_path / "model")
    done = merge("-o", target, "--serving")
    assert done.code == 3
    says(done, "is a savedmodel itself", "the folder above")


@pytest.mark.parametrize("target", ["/proc/out", "/proc/1/x/out", "/dev/null/out"])
def test_the_target_cant_be_written(merge: Merge, target: str) -> None:
    done = merge("-o", target)
    assert done.code == 3
    says(done, f"{target}: ", "cannot write", "another place" if "null" not in target else "write")
    as_data = merge("-o", target, "--json")
    (line,) = as_data.out.splitlines()
    error = json.loads(line)["error"]
    assert (as_data.code, error["code"], error["where"]) == (3, "cannot-write", target)


def test_the_recipe_cant_be_written(merge: Merge) -> None:
    done = merge("--save-recipe", "/proc/recipe.json")
    assert done.code == 3
    says(done, "/proc/recipe.json", "Cannot write: ", "another place")


def test_the_disk_is_full(tmp_path: Path) -> None:
    """The kernel refuses any file over 16 kB: the graph fits, the variables do not."""
    words = ("merge", IMAGE, DIGITS, "--wire", WIRE, "--no-verify", "-o", tmp_path / "deep/out")
    done = ran(*words, preexec_fn=lambda: no_file_over(16384))
    assert done.returncode == 3, done.stderr
    assert "Cannot write: File too large" in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_small_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tmpfs of 32 kB, where mounting is allowed: known before anything is written."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(tmp_path)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        target = tmp_path / "out"
        done = call(capsys, "merge", IMAGE, DIGITS, "--wire", WIRE, "--no-verify", "-o", target)
        assert done.code == 3
        says(done, f"{target}: ", "bytes are needed", "free", "another disk")
        assert not list(tmp_path.iterdir())
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


# --- recipes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("not a recipe",)),
        ("{", ("not a recipe",)),
        ("[]", ("not a recipe",)),
        ('{"sources": 3}', ("not a recipe",)),
        ('{"wires": []}', ("lacks 'sources'",)),
        ("\ufffd" * 10, ("not a recipe",)),
        ("[" * 100_000, ("not a recipe",)),
        (
            '{"sources": [{"handle": "a", "tag_set": "serve"}], "wires": []}',
            ("lacks 'path'", "--save-recipe"),
        ),
    ],
)
def test_a_damaged_recipe(
    cli: Callable[..., Done], tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(text)
    done = cli("merge", "--recipe", recipe, "-o", tmp_path / "out", "--no-verify")
    assert done.code == 3
    says(done, "recipe.json: ", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.json"]


def test_a_recipe_is_not_there(cli: Callable[..., Done], tmp_path: Path) -> None:
    done = cli("merge", "--recipe", tmp_path / "no.json", "-o", tmp_path / "out")
    assert done.code == 3
    says(done, "no.json: there is no such recipe")


def test_a_recipe_beside_models(cli: Callable[..., Done], tmp_path: Path) -> None:
    done = cli("merge", IMAGE, DIGITS, "--recipe", tmp_path / "r.json", "-o", tmp_path / "out")
    assert done.code == 2
    says(done, "--recipe already names models and wires", "leave")


# --- a closed pipe, a full pipe, a hostile name -----------------------------------------------------------------


def test_stdout_that_takes_nothing() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with open("/dev/full", "w") as full:
        done = ran("inspect", DIGITS, stdout=full)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr and "No space left" in done.stderr


def test_names_from_a_model_do_not_reach_the_terminal_raw(merge: Merge, tmp_path: Path) -> None:
    def rename(message: Any) -> None:
        inputs = message.meta_graphs[0].signature_def["serving_default"].inputs
        inputs["\x1b[31mred\x07\u202e"].CopyFrom(inputs["myInput"])
        del inputs["myInput"]

    done = merge(b=edit(copy_of(DIGITS, tmp_path / "model"), rename), wires=("pixels=red",))
    assert done.code == 2
    assert "\x1b" not in done.err and "\x07" not in done.err and "\u202e" not in done.err
    says(done, "\\x1b[31mred")


@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_model_of_the_zoo(
    zoo: Callable[[str], Example], cli: Callable[..., Done], tmp_path: Path, name: str
) -> None:
    """What shows at opening stops everything; what shows later lets inspect go on. Nothing is ever written."""
    broken = BROKEN[name](zoo, tmp_path)
    before = tree(tmp_path)
    looked = cli("inspect", broken.path)
    words = (
        f"a={broken.path}",
        zoo("v1_simple_save").path,
        "--wire",
        "y=x",
        "--no-verify",
        "-o",
        tmp_path / "out",
    )
    merged = cli("merge", *words)
    if broken.stage == "open":
        assert (looked.code, merged.code) == (3, 3)
        says(looked, *broken.says)
        says(merged, *broken.says)
    elif broken.stage in ("checkpoint", "asset"):
        assert looked.code == 0
        assert merged.code in (1, 3)
        says(merged, *broken.says)
    else:  # a graph that contradicts itself: said as far as it matters for what is asked
        assert looked.code in (0, 3) and merged.code in (0, 1, 3)
    if merged.code:
        assert tree(tmp_path) == before
