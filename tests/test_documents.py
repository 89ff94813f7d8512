"""JSON of others: what is nested without end is refused in words, everywhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.tools import DIGITS, IMAGE, WIRE, call
from workbench import state
from workbench.disk.documents import MAX_DEPTH, NotJson, parse

DEEP = {
    "lists": "[" * 30_000 + "]" * 30_000,
    "objects": '{"sources":' * 30_000 + "1" + "}" * 30_000,
    "half": "[" * 30_000,
    "less deep": "[" * 500 + "]" * 500,
}


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_what_is_deep_but_not_too_deep_is_read() -> None:
    assert json.dumps(parse(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    with pytest.raises(NotJson, match=f"deeper than {MAX_DEPTH}"):
        parse(nested(MAX_DEPTH + 1))
    assert parse('{"a": [1, {"b": "[[["}]}') == {"a": [1, {"b": "[[["}]}


@pytest.mark.parametrize("data", [b"\xff\xfe\xfd", b"", b"{", b"nan", "9" * 5000, b'{"a": 1,}'])
def test_what_is_no_json_is_said_to_be_none(data: bytes | str) -> None:
    with pytest.raises(NotJson) as caught:
        parse(data)
    assert str(caught.value) and "codec" not in str(caught.value)


@pytest.mark.parametrize("kind", DEEP)
def test_depth_without_end_everywhere(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(DEEP[kind])
    done = call(capsys, "merge", "--recipe", recipe, "--dry-run", "-o", tmp_path / "out")
    assert done.code == 3 and "recursion" not in done.err and "recipe" in done.err
    model = tmp_path / "m"
    shutil.copytree(DIGITS, model)
    (model / "assets.extra").mkdir()
    for name in ("workbench.json", "workbench-proof.json"):
        (model / "assets.extra" / name).write_text(DEEP[kind])
    for words in (("inspect", model), ("inspect", model, "--json"), ("check", model), ("draw", model)):
        done = call(capsys, *words)
        assert done.code in (0, 1) and "recursion" not in done.out + done.err, words
    done = call(capsys, "verify", model)
    assert done.code in (1, 2, 3) and "recursion" not in done.out + done.err
    words = ("merge", IMAGE, model, "--wire", WIRE, "--no-verify", "-o", tmp_path / "merged")
    assert call(capsys, *words).code == 0
    done = call(capsys, "run", DIGITS, "--signature", "serving_default", "--input", f"myInput={DEEP[kind]}")
    assert done.code in (1, 2) and "recursion" not in done.err
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    kept = tmp_path / "state" / "workbench" / "kept.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(DEEP[kind])
    assert state.read(kept) is None
