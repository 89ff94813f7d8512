"""`workbench check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.checks.cases import CASES, copy
from tests.cli.tools import DIGITS, call
from workbench.checks.codes import GROUPS, registry

Capture = pytest.CaptureFixture[str]


def report(capsys: Capture, *words: str | Path, code: int) -> dict[str, Any]:
    done = call(capsys, "check", *words, "--json")
    assert done.code == code and len(done.out.splitlines()) == 1
    found: dict[str, Any] = json.loads(done.out)
    assert found["schema_version"] == 1
    return found


def test_a_sound_model(capsys: Capture) -> None:
    done = call(capsys, "check", DIGITS)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"{DIGITS}  nothing found",
        "  checked 45 nodes, 0 functions, checksums of 2 tensors (31.4 kB)",
    ]
    found = report(capsys, DIGITS, code=0)
    assert found == {
        "schema_version": 1,
        "path": str(DIGITS),
        "for": None,
        "nodes": 45,
        "functions": 0,
        "checksums": {"tensors": 2, "bytes": 31400},
        "counts": {"error": 0, "warning": 0, "info": 0},
        "findings": [],
    }


def test_an_error(capsys: Capture, tmp_path: Path) -> None:
    path = CASES["input-count"](tmp_path)
    done = call(capsys, "check", path)
    assert done.code == 1
    assert done.out.splitlines() == [
        f"{path}  1 error",
        "  checked 45 nodes, 0 functions, checksums of 2 tensors (31.4 kB)",
        "",
        "  error  input-count  MatMul",
        "    MatMul takes 2 here, and it is given 1.",
        "",
        "workbench check --explain CODE explains a code.",
    ]
    found = report(capsys, path, code=1)
    assert found["counts"] == {"error": 1, "warning": 0, "info": 0}
    assert found["findings"] == [
        {
            "code": "input-count",
            "severity": "error",
            "where": "MatMul",
            "message": "MatMul takes 2 here, and it is given 1.",
            "hint": None,
            "tag_set": "serve",
        }
    ]


def test_warnings_count_if_they_are_to(capsys: Capture, tmp_path: Path) -> None:
    path = CASES["orphan-shard"](tmp_path)
    assert report(capsys, path, code=0)["counts"]["warning"] == 1
    assert report(capsys, path, "--strict", code=1)["findings"][0]["tag_set"] is None
    (tmp_path / "info").mkdir()
    assert report(capsys, CASES["unused-key"](tmp_path / "info"), "--strict", code=0)["counts"]["info"] == 1


def test_for_serving(capsys: Capture, tmp_path: Path) -> None:
    path = CASES["serving-no-default"](tmp_path)
    assert report(capsys, path, code=0)["findings"] == []
    found = report(capsys, path, "--for", "serving", code=0)
    assert found["for"] == "serving"
    assert [one["code"] for one in found["findings"]] == ["serving-no-default"]
    assert report(capsys, path, "--for", "serving", "--strict", code=1)
    assert call(capsys, "check", path, "--for", "training").code == 2


def test_checksums_and_tag_sets(capsys: Capture, tmp_path: Path) -> None:
    path = CASES["bad-tensor"](tmp_path)
    assert report(capsys, path, code=1)["counts"]["error"] == 1
    found = report(capsys, path, "--no-checksums", code=0)
    assert (found["checksums"], found["findings"]) == (None, [])
    assert "no checksums" in call(capsys, "check", path, "--no-checksums").out
    assert report(capsys, path, "--tag-set", "serve", "--no-checksums", code=0)
    done = call(capsys, "check", path, "--tag-set", "train")
    assert done.code == 2 and "The tag sets are serve" in done.err


def test_all_of_them(capsys: Capture, tmp_path: Path) -> None:
    path = CASES["serving-warmup-stale"](tmp_path)
    few = call(capsys, "check", path, "--for", "serving").out
    assert few.count("serving-warmup-stale") == 6 and "2 more like this." in few
    assert call(capsys, "check", path, "--for", "serving", "--all").out.count("serving-warmup-stale") == 7


def test_codes(capsys: Capture) -> None:
    done = call(capsys, "check", "--codes")
    assert done.code == 0
    listed = [line.split()[0] for line in done.out.splitlines() if line.startswith("  ")]
    assert listed == list(registry()), "one line a code"
    headings = [line for line in done.out.splitlines() if line and not line.startswith(" ")]
    assert headings == list(GROUPS)
    found = json.loads(call(capsys, "check", "--codes", "--json").out)
    assert [one["code"] for one in found["codes"]] == list(registry())
    assert set(found["codes"][0]) == {"code", "severity", "also", "title", "why", "fix", "group"}


def test_explain(capsys: Capture) -> None:
    done = call(capsys, "check", "--explain", "output-shape")
    assert done.code == 0
    first, *rest = done.out.splitlines()
    assert first == "output-shape  error"
    assert rest[0] == "  A signature's output is declared with a shape that it can't have."
    assert json.loads(call(capsys, "check", "--explain", "cycle", "--json").out)["severity"] == "error"
    done = call(capsys, "check", "--explain", "R3-dtype")
    assert done.out.splitlines()[:2] == [
        "R3-dtype  error",
        "  The output and the input have different dtypes.",
    ]
    assert call(capsys, "check", "--explain", "tf1-format").out.startswith("tf1-format  info or error")
    done = call(capsys, "check", "--explain", "output-shapes")
    assert done.code == 2 and "Did you mean output-shape" in done.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "check needs a model"),
        ((DIGITS, "--codes"), 2, "takes no model"),
        ((DIGITS, "--explain", "cycle"), 2, "takes no model"),
        (("nowhere",), 3, "nowhere"),
        ((DIGITS, "--fore", "serving"), 2, "--for"),
    ],
)
def test_usage(capsys: Capture, words: tuple[str | Path, ...], code: int, says: str) -> None:
    done = call(capsys, "check", *words)
    assert done.code == code and says in done.err
    error = json.loads(call(capsys, "check", *words, "--json").out)["error"]
    assert error["message"]


def test_names_of_a_model_are_shown_and_not_obeyed(capsys: Capture, tmp_path: Path) -> None:
    from tests.checks.cases import edited

    def rename(meta: Any) -> None:
        meta.graph_def.node.add(name="\x1b[31mred\u202e", op="NoOp")

    done = call(capsys, "check", edited(tmp_path, rename))
    assert done.code == 1 and "node-name" in done.out
    assert "\x1b" not in done.out and "\u202e" not in done.out


def test_a_graphdef_and_text(capsys: Capture, tmp_path: Path) -> None:
    from workbench.disk import schema

    message = schema.SavedModel.FromString((DIGITS / "saved_model.pb").read_bytes())
    (tmp_path / "graph.pb").write_bytes(message.meta_graphs[0].graph_def.SerializeToString())
    assert report(capsys, tmp_path / "graph.pb", code=0)["nodes"] == 45
    path = copy(tmp_path)
    (path / "saved_model.pb").unlink()
    (path / "saved_model.pbtxt").write_text(str(message))
    assert report(capsys, path, code=0)["findings"] == []
