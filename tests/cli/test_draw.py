"""`workbench draw`: every format, into a new file only, a merged model with its seam."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.processes import no_file_over
from tests.cli.tools import DIGITS, IMAGE, WIRE, call
from tests.forking.commands import ran
from tests.picture.test_canvas import DIGITS as DRAWN
from tests.picture.test_drawing import SAID
from tests.protos import graph, meta_graph, node, write
from workbench.model import open_model


def test_text_goes_to_stdout_and_talk_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "draw", DIGITS)
    assert (done.code, done.out) == (0, f"{SAID}\n\n{DRAWN}\n")
    assert "folded" in done.err
    assert call(capsys, "draw", DIGITS, "-q").err == ""
    assert call(capsys, "draw", DIGITS, "--ascii").out.isascii()


@pytest.mark.parametrize(
    ("format", "start"), [("svg", "<svg "), ("dot", "digraph "), ("mermaid", "flowchart TD")]
)
def test_formats(format: str, start: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "picture"
    done = call(capsys, "draw", DIGITS, "--format", format, "-o", target)
    assert (done.code, done.out) == (0, "")
    text = target.read_text(encoding="utf-8")
    assert text.startswith(start) and "MatMul" in text
    again = call(capsys, "draw", DIGITS, "--format", format, "-o", target)
    assert again.code == 3 and "already" in again.err
    assert target.read_text(encoding="utf-8") == text


def test_a_merged_model_shows_its_seam(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    merged = tmp_path / "merged"
    assert call(capsys, "merge", IMAGE, DIGITS, "-w", WIRE, "-o", merged, "--no-verify").code == 0
    done = call(capsys, "draw", merged)
    assert done.out.startswith("● image_base64   ▲ digits   ━━▶ boundary between models   ▷ input or output")
    assert "┏━ boundary" in done.out and "▲ MatMul" in done.out and "● DecodePng" in done.out


def test_a_focus(capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "draw", DIGITS, "--focus", "MatMul", "--hops", "1")
    assert "AddV2" in done.out and "Softmax" not in done.out
    missing = call(capsys, "draw", DIGITS, "--focus", "MatMull")
    assert missing.code == 2 and "MatMul" in missing.err


def test_a_layout_that_takes_too_long_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "draw", DIGITS, "--time-limit", "0")
    assert done.code == 1 and done.out == ""
    assert "stopped after 0 s" in done.err and "--focus" in done.err


def chain(folder: Path) -> Path:
    """Write a model with too many boxes to lay them out without a temporary file."""
    nodes = [node(f"n{at}", "Relu", f"n{at - 1}", T=1) for at in range(1, 60)]
    nodes = [node("n0", "Placeholder", dtype=1), *nodes]
    return write(folder, meta_graph(graph(*nodes), s=({"x": "n0:0"}, {"y": "n59:0"})))


@pytest.mark.parametrize("place", ["layout", "picture"])
def test_half_a_picture_is_removed(place: str, tmp_path: Path) -> None:
    """As of a disk that is full: no file may grow beyond a limit."""
    layout = place == "layout"
    limit = 1024 if layout else 5000
    drawn = chain(tmp_path / "model") if layout else DIGITS
    target = tmp_path / "there"
    target.mkdir()
    words = ("draw", drawn, "--max-boxes", "100", "-o", target / "out.svg")
    done = ran(*words, preexec_fn=lambda: no_file_over(limit))
    assert done.returncode == 3 and "File too large" in done.stderr and "Traceback" not in done.stderr
    assert ("temporary file for the layout" in done.stderr) == layout
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("p.svg", "<svg "),
        ("p.SVG", "<svg "),
        ("p.dot", "digraph "),
        ("p.gv", "digraph "),
        ("p.mmd", "flowchart TD"),
        ("p.txt", SAID),
        ("p", SAID),
    ],
)
def test_the_suffix_says_the_format(
    name: str, start: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call(capsys, "draw", DIGITS, "-o", tmp_path / name).code == 0
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-o", "p.html", "--format", "svg"], "--format is svg, but the suffix .html means html"),
        (["-o", "p.png"], "svg (.svg)"),
        (["-o", "p.svg", "--format", "dot"], "--format is dot, but the suffix .svg means svg"),
    ],
)
def test_a_suffix_of_no_picture_or_of_another_is_refused(
    words: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(capsys, "draw", DIGITS, *words)
    assert done.code == 2 and says in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_box_that_is_not_there_is_not_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    whole = call(capsys, "draw", DIGITS, "--max-boxes", "2")
    title = "part 1 of 2"
    assert title in whole.out
    opened = call(capsys, "draw", DIGITS, "--max-boxes", "2", "--open", title)
    assert opened.code == 0 and opened.out != whole.out
    again = call(capsys, "draw", DIGITS, "--max-boxes", "2", "--open", f"{title}/")
    assert again.out == opened.out
    missing = call(capsys, "draw", DIGITS, "--max-boxes", "2", "--open", "part 9 of 9")
    assert missing.code == 2 and title in missing.err
    leaf = call(capsys, "draw", DIGITS, "--open", "MatMul")
    assert leaf.code == 2 and "nothing inside" in leaf.err


def test_a_focus_by_what_the_box_says(capsys: pytest.CaptureFixture[str], sample_models: Path) -> None:
    done = call(capsys, "draw", sample_models / "digits_tf2", "--focus", "Softmax", "--hops", "0")
    assert done.code == 0 and "Softmax" in done.out and "MatMul" not in done.out


def test_a_function_shows_what_it_does_besides_its_results(
    capsys: pytest.CaptureFixture[str], sample_models: Path
) -> None:
    path = sample_models / "digits_tf2"
    functions = {name.split("_")[-2]: name for name in open_model(path).meta.functions if "traced" in name}
    restore = call(capsys, "draw", path, "--function", functions["restore"])
    assert "RestoreV2" in restore.out and "AssignVariableOp" in restore.out
    assert "MergeV2Checkpoints" in call(capsys, "draw", path, "--function", functions["save"]).out


def test_a_recipe_is_drawn_as_its_result_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    words = ("merge", IMAGE, DIGITS, "-w", WIRE, "--dry-run", "--save-recipe", recipe)
    assert call(capsys, *words).code == 0
    merged = tmp_path / "merged"
    assert call(capsys, "merge", IMAGE, DIGITS, "-w", WIRE, "-o", merged, "--no-verify").code == 0
    drawn = call(capsys, "draw", recipe)
    assert drawn.code == 0 and drawn.out == call(capsys, "draw", merged).out
    refused = call(capsys, "draw", recipe, "-o", recipe, "--format", "json", "--overwrite")
    assert refused.code != 0 and recipe.read_text().startswith("{"), "no picture replaces the recipe"
    values = call(capsys, "draw", recipe, "-o", tmp_path / "p.html", "--values")
    assert values.code == 2 and "workbench apply" in values.err
    other = tmp_path / "other.json"
    other.write_text("[1, 2]")
    assert call(capsys, "draw", other).code == 3
