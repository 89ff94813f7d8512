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
def test_lines_fit(tmp_path: Path, sample_models: Path, columns: int) -> None:
    for path in (wide(tmp_path / "wide"), sample_models / "digits_tf2"):
        ran = terminal("inspect", path, columns=columns)
        assert ran.code == 0
        lines = [ESCAPE.sub("", line) for line in ran.out.splitlines()]
        path_lines = [line for line in lines if len(line) > columns]
        assert not path_lines
        assert not any(line != line.rstrip() for line in lines)


def test_both_ends_of_a_cut_name_are_seen(tmp_path: Path) -> None:
    text = ESCAPE.sub("", terminal("inspect", wide(tmp_path)).out)
    assert re.search(r"scope_\w*…\w*kernel_2", text)


def test_styles(sample_models: Path) -> None:
    path = sample_models / "digits"
    assert "\x1b[1m" in terminal("inspect", path).out
    plain = terminal("inspect", path, env={"NO_COLOR": "1"}).out
    assert "\x1b[36m" not in plain
    assert "\x1b[3" not in plain, "no colour at all"


def test_an_error_is_told_on_stderr(tmp_path: Path) -> None:
    ran = terminal("inspect", tmp_path / "gone")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: ")
