"""`workbench run`: values in, outputs as a page, as JSON, as .npz."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.tools import DIGITS, IMAGE, SAMPLES, Done, call
from tests.zoo import Example
from workbench.cli.commands import run as runner
from workbench.cli.main import make_parser
from workbench.cli.output import Output
from workbench.describe.storing import save_npy_files, save_npz
from workbench.describe.values import arrays_json
from workbench.errors import CannotWrite, ExecutionFailed, NotAllowedToRun, TargetExists
from workbench.runtime.child_process.child import Child

Cli = Callable[..., Done]
Call = Callable[..., dict[str, Any]]
PICTURE = SAMPLES / "digits_png" / "sample-7.png"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    return lambda *words: call(capsys, *words)


# --- how outputs are shown --------------------------------------------------------------------------------------


def page(**outputs: Any) -> list[str]:
    out = Output(stdout=io.StringIO())
    runner.print_outputs(out, outputs)
    text: str = out.stdout.getvalue()  # type: ignore[attr-defined]
    return text.splitlines()


def strings(*items: bytes) -> Any:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def test_numbers_are_shown_as_numpy_does() -> None:
    assert page(y=np.float32([[0.25, 0.75]])) == [
        "y  float32 [1,2]",
        "  [[0.25 0.75]]",
        "  largest: [1]  0.75",
    ]
    assert page(n=np.int64(3)) == ["n  int64 []", "  3"]
    assert page(e=np.zeros((0, 4), "float32")) == ["e  float32 [0,4]", "  []"]


def test_what_is_not_a_number_is_not_the_largest() -> None:
    assert page(y=np.float32([np.nan, 1.0])) == ["y  float32 [2]", "  [nan  1.]"]
    assert "largest" not in "".join(page(y=np.float32([np.inf, 1.0])))


def test_long_outputs_are_cut_and_say_how_to_get_all() -> None:
    lines = page(y=np.arange(400).reshape(100, 4), words=strings(*[b"w"] * 30))
    assert len(lines) < 60
    assert lines[-1] == "  … use --json or --npz FILE for all values"


def test_strings_are_shown_safely() -> None:
    lines = page(s=strings(b"plain", b"\x1b[31mred", b"\xff\x00\x01", "größe".encode()))
    assert lines == ["s  string [4]", "  plain", "  \\x1b[31mred", "  3 bytes: b'\\xff\\x00\\x01'", "  größe"]


def test_json_is_strict() -> None:
    found = arrays_json(
        {
            "f": np.float32([1.5, np.nan, np.inf, -np.inf]),
            "c": np.complex64([1 + 2j]),
            "b": np.array([True]),
            "i": np.uint8([[255]]),
            "s": strings(b"text", b"\xff"),
        }
    )
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again["f"] == {"dtype": "float32", "shape": [4], "values": [1.5, "NaN", "Infinity", "-Infinity"]}
    assert again["c"]["values"] == [[1.0, 2.0]]
    assert again["b"]["values"] == [True] and again["i"]["values"] == [[255]]
    assert again["s"] == {"dtype": "string", "shape": [2], "values": ["text", {"b64": "/w=="}]}


def test_npz_holds_any_key_without_pickle(tmp_path: Path) -> None:
    outputs = {
        "file": np.float32([1, 2]),
        "a/b": np.int64([[3]]),
        "allow_pickle": np.array(True),
        "s": strings(b"one", b"three").reshape(2, 1),
    }
    save_npz(tmp_path / "out.npz", outputs)
    with np.load(tmp_path / "out.npz", allow_pickle=False) as found:
        assert set(found.files) == set(outputs)
        assert found["file"].tolist() == [1, 2] and found["a/b"].tolist() == [[3]]
        assert found["s"].tolist() == [[b"one"], [b"three"]]


def test_npz_that_would_lose_something_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="zero byte"):
        save_npz(tmp_path / "out.npz", {"s": strings(b"one\0")})
    with pytest.raises(CannotWrite, match="Cannot write"):
        save_npz(Path("/proc/out.npz"), {"y": np.float32([1])})
    assert not list(tmp_path.iterdir())


def test_npz_is_never_replaced(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "out.npz").write_text("mine")
    done = cli("run", DIGITS, "--input", "myInput=[[0]]", "--npz", tmp_path / "out.npz")
    assert done.code == 3
    assert "out.npz: The file exists already.\n  Choose another name" in done.err
    assert (tmp_path / "out.npz").read_text() == "mine"


# --- with TensorFlow --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child() as child:
        yield child


@pytest.fixture
def outputs(child: Child) -> Call:
    """The outputs of a `workbench run …` line, in a TensorFlow that is shared."""

    def outputs(*words: str | Path) -> dict[str, Any]:
        args = make_parser("run").parse_args([str(word) for word in words])
        return dict(runner.call(args, Output(stdout=io.StringIO()), child)[1])

    return outputs


@pytest.mark.needs_tf
@pytest.mark.exhaustive
def test_a_picture_through_both_models(cli: Cli, tmp_path: Path) -> None:
    """The whole command line: one .npz out of the first is the input of the second."""
    done = cli("run", IMAGE, "--input", f"base64_input=base64url:@{PICTURE}", "--npz", tmp_path / "p.npz")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"1 output is in {tmp_path / 'p.npz'}\n"
    done = cli("run", DIGITS, "--input", f"myInput=@{tmp_path / 'p.npz'}[pixels]", "--json")
    assert (done.code, done.err) == (0, "")
    (line,) = done.out.splitlines()
    found = json.loads(line)
    assert found["signature"] == "serving_default"
    answer = found["outputs"]["myOutput"]
    assert (answer["dtype"], answer["shape"]) == ("float32", [1, 10])
    assert int(np.argmax(answer["values"])) == 7


@pytest.mark.needs_tf
def test_values_of_all_kinds(zoo: Callable[[str], Example], outputs: Call, tmp_path: Path) -> None:
    words = outputs(zoo("v1_hash_table").path, "--input", 'words=["ant","no such word"]')["ids"]
    assert words.shape == (2,) and words[0] != words[1]
    np.save(tmp_path / "x.npy", np.float64([[1, 2, 3, 4]]))
    frozen = zoo("graphdef_pb")
    by_file = outputs(frozen.path, "--input", f"x=@{tmp_path / 'x.npy'}")
    by_word = outputs(frozen.path, "--input", "x=[[1,2,3,4]]")
    assert {key: value.tolist() for key, value in by_file.items()} == {
        key: value.tolist() for key, value in by_word.items()
    }
    batch = outputs(SAMPLES / "image_bytes_batch", "--input", f"image_bytes=@{PICTURE}")["pixels"]
    single = outputs(IMAGE, "--input", f"base64_input=base64url:@{PICTURE}")["pixels"]
    assert batch.shape == single.shape == (1, 784)
    np.testing.assert_allclose(batch, single, atol=1e-6)


@pytest.mark.needs_tf
def test_what_tensorflow_refuses_is_its_word(outputs: Call) -> None:
    with pytest.raises(ExecutionFailed, match="InvalidArgumentError") as caught:
        outputs(IMAGE, "--input", "base64_input=abcd")
    assert caught.value.exit_code == 1
    assert "Traceback" not in str(caught.value)


@pytest.mark.needs_tf
def test_what_touches_files_is_run_only_when_allowed(zoo: Callable[[str], Example], outputs: Call) -> None:
    words = (zoo("v1_reads_file").path, "--input", "x=[[1,2,3,4]]")
    with pytest.raises(NotAllowedToRun, match="ReadFile"):
        outputs(*words)
    assert outputs(*words, "--allow-unsafe")["y"].tolist() == [[6, 7, 8, 9]]


# --- what saved_model_cli takes, and inputs that are made -------------------------------------------------------


@pytest.mark.needs_tf
def test_the_flags_of_saved_model_cli(outputs: Call, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((1, 784), 0.5, np.float32))
    words = ["--dir", DIGITS, "--tag_set", "serve", "--signature_def", "serving_default"]
    from_file = outputs(*words, "--inputs", f"myInput={tmp_path / 'x.npy'}")["myOutput"]
    written = outputs(*words, "--input_exprs", "myInput=np.full((1,784), 0.5)")["myOutput"]
    np.testing.assert_array_equal(from_file, written)


@pytest.mark.needs_tf
def test_inputs_are_made(outputs: Call) -> None:
    assert outputs(DIGITS, "--made")["myOutput"].shape == (1, 10)


def test_a_value_that_is_given_in_two_ways(cli: Cli) -> None:
    done = cli("run", DIGITS, "--input", "myInput=[[0]]", "--input_exprs", "myInput=np.ones((1,784))")
    assert done.code == 2 and "myInput" in done.err
    done = cli("run", DIGITS, "--dir", DIGITS)
    assert done.code == 2 and "MODEL is given twice" in done.err
    done = cli("run")
    assert done.code == 2 and "No MODEL is given" in done.err


def test_a_file_for_each_output(tmp_path: Path) -> None:
    arrays = {"a/b": np.float32([1]), "a_b": np.int64([2]), "..": np.zeros(3), "s": strings(b"x")}
    names = save_npy_files(tmp_path / "new" / "o", arrays)
    assert names == ["a_b.npy", "a_b_1.npy", "output.npy", "s.npy"]
    assert np.load(tmp_path / "new/o/a_b_1.npy").tolist() == [2]
    with pytest.raises(TargetExists):
        save_npy_files(tmp_path / "new" / "o", {"other": np.zeros(1), "s": strings(b"y")})
    assert sorted(one.name for one in (tmp_path / "new/o").iterdir()) == sorted(names)
    save_npy_files(tmp_path / "new" / "o", {"s": strings(b"y")}, overwrite=True)
    assert np.load(tmp_path / "new/o/s.npy").tolist() == [b"y"]


def test_a_folder_that_was_made_goes_with_the_error(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite):
        save_npy_files(tmp_path / "a" / "b", {"s": strings(b"one\0")})
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="not a folder"):
        save_npy_files(tmp_path / "file", {"y": np.zeros(1)})
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_outputs_are_not_written_into_the_model(cli: Cli) -> None:
    done = cli("run", DIGITS, "--made", "--outdir", DIGITS / "assets")
    assert done.code == 3 and "sources are never changed" in done.err
