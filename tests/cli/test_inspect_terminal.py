"""`inspect` on a terminal: it fits, it is styled, and only there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.processes import terminal
from tests.protos import Shape, graph, meta_graph, node, write
from tests.sampling import plainly

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def wide(tmp_path: Path) -> Path:
    """A model whose names are longer than a line."""
    name = "scope_" * 20 + "kernel"
    nodes = [
        node(f"{name}_{i}", "VarHandleOp", dtype=1, shape=Shape((i + 1, 3)), shared_name=name)
        for i in range(3)
    ]
    nodes.append(node(name, "Placeholder", dtype=1))
    return write(
        tmp_path / "m", meta_graph(graph(*nodes), **{name: ({"x": f"{name}:0"}, {name: f"{name}:0"})})
    )


@pytest.mark.parametrize("columns", plainly([80, 60, 120], 80))
def test_lines_fit_and_are_styled(tmp_path: Path, sample_models: Path, columns: int) -> None:
    ran = terminal("inspect", wide(tmp_path), sample_models / "digits_tf2", columns=columns)
    assert ran.code == 0
    assert "\x1b[1m" in ran.out and "\x1b[36m" in ran.out
    text = ESCAPE.sub("", ran.out)
    assert "digits_tf2" in text and "scope_" in text
    for line in text.splitlines():
        assert len(line) <= columns and line == line.rstrip()
    if columns == 80:
        assert re.search(r"scope_\w*…\w*kernel_2", text), "both ends of a cut name are seen"


def test_no_colour_where_none_is_wanted(sample_models: Path) -> None:
    plain = terminal("inspect", sample_models / "digits", env={"NO_COLOR": "1"}).out
    assert "\x1b[1m" in plain and "\x1b[3" not in plain


def test_an_error_is_told_on_stderr(tmp_path: Path) -> None:
    ran = terminal("inspect", tmp_path / "gone")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: ")
