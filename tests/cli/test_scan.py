"""`workbench scan`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.protos import Func, function, graph, meta_graph, node, write
from tests.zoo import Example
from tests.zoo.common import commonly
from workbench.cli.main import main


def hidden(tmp_path: Path) -> Path:
    """WriteFile in a branch of a function, which TensorFlow's own scan does not see."""
    then = function("then", ["a:7"], node("w", "WriteFile", "a", "a"))
    body = function(
        "body", ["a:7"], node("if", "If", "a", "a", then_branch=Func("then"), else_branch=Func("then"))
    )
    one = graph(
        node("x", "Placeholder", dtype=7),
        node("y", "PartitionedCall", "x", f=Func("body"), Tout=[7]),
        functions=[then, body],
    )
    return write(tmp_path / "m", meta_graph(one, serving_default=({"x": "x:0"}, {"y": "y:0"})))


def test_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = hidden(tmp_path)
    assert main(["scan", str(path)]) == 1
    out = capsys.readouterr().out
    assert "write  WriteFile  writes files" in out
    assert "reached by serving_default" in out
    assert "body > then > w" in out
    assert main(["scan", "--dir", str(path), "--json"]) == 1
    (meta,) = json.loads(capsys.readouterr().out)["meta_graphs"]
    assert meta["dangers"] == [
        {
            "op": "WriteFile",
            "tier": "write",
            "why": "writes files",
            "node": "w",
            "path": ["body", "then"],
            "signatures": ["serving_default"],
        }
    ]


def test_nothing_found(sample_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("digits", "digits_tf2", "image_base64", "image_bytes_batch"):
        assert main(["scan", str(sample_models / name)]) == 0
        assert "no unsafe ops" in capsys.readouterr().out


def test_denylist(tmp_path: Path, sample_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(hidden(tmp_path))
    assert main(["scan", "--dir", path, "--op_denylist", "WriteFile, ReadFile"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(
        "MetaGraph with tag set ['serve'] contains the following denylisted ops: {'WriteFile'}\n"
    )
    assert main(["scan", "--dir", path, "--op_denylist", "ReadFile", "--tag_set", "serve"]) == 0
    expected = "MetaGraph with tag set ['serve'] does not contain the default denylisted ops: {'ReadFile'}\n"
    assert capsys.readouterr().out == expected
    assert main(["scan", "--dir", path, "--op_denylist", ""]) == 0
    assert main(["scan", "--dir", path, "--tag_set", "train"]) == 2


DANGEROUS = ["v1_reads_file", "tf2_writes_file", "tf2_lists_files", "tf2_python"]


@pytest.mark.parametrize("name", commonly(DANGEROUS))
def test_dangerous_models_of_the_zoo(
    name: str, zoo: Callable[[str], Example], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", str(zoo(name).path)]) == 1
    assert "reached by" in capsys.readouterr().out
