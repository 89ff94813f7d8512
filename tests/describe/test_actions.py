"""What a hint asks for has words in every face, and no flag is spelled where faces are not known."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import workbench
from tests.sources import nodes_of, text_of
from workbench.cli.main import make_parser, summaries
from workbench.describe import actions
from workbench.describe.actions import COMMAND_LINE, TERMINAL_UI, Face, finding_json, hint_json, words
from workbench.errors import WorkbenchError
from workbench.findings import IN_PYTHON, Action, Finding, Hint

ROOT = Path(workbench.__file__).parent
FACELESS = ("disk", "model", "graph", "checks", "surgery", "runtime", "picture", "publishing", "verification")
"""Rooms that no face is part of."""

ALLOW = Hint("If you trust it, ", Action("allow-unsafe"))
CHOOSE = Hint("Choose it: ", Action("choose-signature", {"handle": "net", "key": "__call__[2]"}))
ANY = Hint("", Action("choose-signature", {"handle": "net"}))
RENAME = Hint("", Action("rename-output", {"model": "MODEL", "key": "y", "new": "y_bytes"}))
DROP = Hint("", Action("drop-signature", {"model": "MODEL", "key": "train", "step": "freeze"}))
FORMAT = Hint("To leave them out, ", Action("choose-format", {"format": "tf1", "step": "flatten"}))
SOURCES = Hint("", Action("give-source", {"handles": "a, b"}))


@pytest.mark.parametrize(
    ("hint", "face", "wanted"),
    [
        (ALLOW, "command line", "If you trust it, add --allow-unsafe."),
        (ALLOW, "terminal UI", "If you trust it, turn on “Allow unsafe” in the commit form."),
        (ALLOW, "Python", "If you trust it, pass allow_unsafe=True."),
        (CHOOSE, "command line", "Choose it: use --signature-of net=__call__[2]."),
        (CHOOSE, "terminal UI", "Choose it: press a on the signature __call__[2] of net."),
        (CHOOSE, "Python", "Choose it: pass signature='__call__[2]'."),
        (ANY, "command line", "Use --signature-of net=KEY."),
        (ANY, "terminal UI", "Press a on a signature of net."),
        (
            RENAME,
            "command line",
            "Run `workbench signature MODEL --rename-output y=y_bytes -o DIR`.",
        ),
        (
            RENAME,
            "terminal UI",
            "On the command line, run `workbench signature MODEL --rename-output y=y_bytes -o DIR`.",
        ),
        (DROP, "command line", "Run `workbench signature MODEL --drop train -o DIR`."),
        (DROP, "terminal UI", "Add the step `signature drop=train` before it with A."),
        (FORMAT, "terminal UI", "To leave them out, set format=tf1 in the step."),
        (FORMAT, "command line", "To leave them out, add --format tf1."),
        (SOURCES, "command line", "Say where: --source a=DIR --source b=DIR."),
        ("Give a tensor: node:0.", "terminal UI", "Give a tensor: node:0."),
        (None, "command line", ""),
    ],
)
def test_each_face_words_a_hint(hint: str | None, face: Face, wanted: str) -> None:
    assert words(hint, face) == wanted


def test_a_hint_is_text_in_the_words_of_python() -> None:
    assert str(ALLOW) == words(ALLOW, "Python")
    assert str(WorkbenchError("No.", hint=ALLOW)).endswith("pass allow_unsafe=True.")
    assert str(Finding("c", "error", "w", "No.", ALLOW)).endswith("pass allow_unsafe=True.")


def test_arguments_with_braces_are_text() -> None:
    hint = Hint("", Action("choose-signature", {"handle": "{net}", "key": "{0}"}))
    assert words(hint, "command line") == "Use --signature-of {net}={0}."
    assert words(hint, "terminal UI") == "Press a on the signature {0} of {net}."


@pytest.mark.parametrize("same", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_a_hint_keeps_its_action(same: object) -> None:
    assert callable(same)
    assert words(same(CHOOSE), "terminal UI") == words(CHOOSE, "terminal UI")


def test_json_has_the_words_of_the_command_line_and_the_action() -> None:
    assert hint_json(CHOOSE) == {
        "hint": "Choose it: use --signature-of net=__call__[2].",
        "action": {"name": "choose-signature", "arguments": {"handle": "net", "key": "__call__[2]"}},
    }
    assert hint_json("Wire it.") == {"hint": "Wire it."}
    assert finding_json(Finding("R1-key", "error", "a", "No.")) == {
        "code": "R1-key", "severity": "error", "where": "a", "message": "No.", "hint": None,
    }  # fmt: skip


def test_every_action_has_words() -> None:
    special = {"give-source"}
    assert COMMAND_LINE.keys() | special == IN_PYTHON.keys()
    assert TERMINAL_UI.keys() <= IN_PYTHON.keys()
    for name in IN_PYTHON:
        for face in ("command line", "terminal UI", "Python"):
            text = actions.action_words(Action(name), face)  # type: ignore[arg-type]
            assert text[0].islower() and not text.endswith("."), (name, face, text)


def test_what_a_step_asks_for_is_done_in_the_terminal_ui() -> None:
    """Every action that a hint gives with `step` has words of its own there."""
    asked = {
        node.args[0].value
        for _, nodes in _nodes(["."], "Action")
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Action"
        and len(node.args) == 2
        and '"step"' in ast.unparse(node.args[1]).replace("'", '"')
        and isinstance(node.args[0], ast.Constant)
    }
    assert asked == actions._STEPS.keys()
    for name in asked:
        assert "command line" not in actions.action_words(Action(name, {"step": "it"}), "terminal UI")


def test_an_unknown_action_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no-such-thing"):
        Action("no-such-thing")


# -- the sources


def _nodes(folders: Iterable[str], word: str) -> Iterator[tuple[Path, tuple[ast.AST, ...]]]:
    """The nodes of the modules in some folders of the package whose text has what a pattern describes."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if re.search(word, text_of(path)):
                yield path, nodes_of(path)


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The string constants that are no docstrings."""
    docs = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # a docstring, of a variable too
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def test_every_action_is_asked_for_somewhere() -> None:
    asked: set[str] = set()
    for _, nodes in _nodes(["."], "Action"):
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Action":
                pattern = _pattern(node.args[0])
                asked |= {name for name in IN_PYTHON if re.fullmatch(pattern, name)}
    assert asked == IN_PYTHON.keys()


def _pattern(name: ast.expr) -> str:
    if isinstance(name, ast.JoinedStr):
        return "".join(_pattern(part) for part in name.values)
    return re.escape(name.value) if isinstance(name, ast.Constant) else ".+"


def test_no_flag_and_no_command_is_spelled_where_faces_are_not_known() -> None:
    flags = {
        flag
        for command in summaries()
        for action in make_parser(command)._actions
        for flag in action.option_strings
        if flag.startswith("--")
    }
    assert "--allow-unsafe" in flags
    spelled = re.compile(
        rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(flags)))})(?![\w-])|\bworkbench (?:{'|'.join(summaries())})\b"
    )
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path, nodes in _nodes(FACELESS, r"--|\bworkbench ")
        for text in _texts(nodes)
        if spelled.search(text)
    ]
    assert not found
