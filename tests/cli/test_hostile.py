"""Damaged and hostile models: whatever stands in the messages, the commands answer in words."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protos import Func, function, graph, meta_graph, node, write
from tests.sampling import plainly
from tests.timing import costs_at_most
from workbench.cli.main import main
from workbench.disk import schema

SAMPLES = Path(__file__).resolve().parents[2] / "sample_models"
TEXTS = ["", "^", "^x", ":", ":0", "a:b", "x:" + "9" * 5000, "\x1b[1m", "a::b", "w:0:0", "/", "..", "\u202e"]
NUMBERS = [-1, -2, 0, 1, 7, 2**31 - 1]
ENUMS = [0, 1, 7, 20, 101, 999]
COMMANDS = [["inspect"], ["inspect", "--json", "--nodes"], ["inspect", "--variables", "--functions"],
            ["inspect", "--signature", "serving_default"], ["show", "--all"], ["scan"]]  # fmt: skip


def fields(message: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every field that is set, anywhere in a message."""
    for field, value in message.ListFields():
        found.append((message, field))
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            children = [value[key] for key in sorted(value) if hasattr(value[key], "ListFields")]
        else:
            children = list(value) if field.is_repeated else [value]
        for child in children:
            fields(child, found)
    return found


def damage(message: Any, rng: random.Random) -> None:
    """Changes one field: dropped, doubled, or another value."""
    parent, field = rng.choice(fields(message, []))
    value = getattr(parent, field.name)
    if rng.random() < 0.3:
        parent.ClearField(field.name)
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        del value[rng.choice(sorted(value))]
    elif field.is_repeated:
        index = rng.randrange(len(value))
        if field.message_type is not None and rng.random() < 0.5:
            copy = value[index]
            value.add().CopyFrom(copy)
        elif field.type == field.TYPE_STRING:
            value[index] = rng.choice(TEXTS)
        else:
            del value[index]
    elif field.type == field.TYPE_STRING:
        setattr(parent, field.name, rng.choice(TEXTS))
    elif field.type == field.TYPE_BYTES:
        setattr(parent, field.name, rng.choice([b"", b"\xff\xfe", b"x" * 100]))
    elif field.type == field.TYPE_ENUM:
        setattr(parent, field.name, rng.choice(ENUMS))
    elif field.type in (field.TYPE_INT32, field.TYPE_INT64):
        setattr(parent, field.name, rng.choice(NUMBERS))


@pytest.mark.parametrize("name", plainly(["digits", "digits_tf2", "image_bytes_batch"], "digits_tf2"))
@settings(max_examples=settings().max_examples // 3)
@given(seed=st.integers(0, 2**32), changes=st.sampled_from([1, 1, 2, 5, 20]))
def test_any_damage_is_answered_in_words(
    name: str, seed: int, changes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = random.Random(seed)
    message = schema.SavedModel.FromString((SAMPLES / name / "saved_model.pb").read_bytes())
    for _ in range(changes):
        damage(message, rng)
    folder = tmp_path_factory.mktemp("damaged") / name
    shutil.copytree(SAMPLES / name, folder)
    (folder / "saved_model.pb").write_bytes(message.SerializeToString())
    for command, *flags in COMMANDS:
        code = main([command, str(folder), *flags])
        assert code in (0, 1, 2, 3)


def test_functions_that_unfold_without_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each calls the next twice: 2**40 bodies if all were entered."""
    functions = [
        function(
            f"f{i}", ["x"], *(node(f"c{j}", "PartitionedCall", "x", f=Func(f"f{i + 1}")) for j in range(2))
        )
        for i in range(40)
    ]
    functions.append(function("f40", ["x"], node("n", "Neg", "x", T=1)))
    meta = meta_graph(
        graph(node("go", "PartitionedCall", f=Func("f0")), functions=functions), s=({}, {"y": "go:0"})
    )
    meta.saver_def.restore_op_name = "go"
    path = write(tmp_path / "m", meta)
    for words in (["inspect", str(path)], ["inspect", str(path), "--signature", "s"], ["scan", str(path)]):
        assert main(words) == 0
        capsys.readouterr()


def chained_functions(last: str, deep: int = 10_000) -> list[Any]:
    """`f0` calls `f1` and so on; the last calls another, or itself."""
    bodies = []
    for depth in range(deep):
        name = last if depth == deep - 1 else f"f{depth + 1}"
        step = node("c", "PartitionedCall", "a", f=Func(name), Tin=[1], Tout=[1])
        bodies.append(function(f"f{depth}", ["a"], step, returns={"r": "c:output:0"}))
    return bodies


def scopes(deep: int) -> list[Any]:
    """Nodes that feed each other, each a thousand name scopes further in."""
    found, before = [], "x"
    for step in range(1, deep // 1000 + 1):
        found.append(node("a/" * (1000 * step) + "n", "Relu", before, T=1))
        before = found[-1].name
    return [*found, node("last", "Neg", before, T=1)]


DEEP: dict[str, Any] = {
    "functions, one in the other": lambda: ([], chained_functions("end")),
    "functions in a circle": lambda: ([], chained_functions("f0")),
    "a function that calls itself": lambda: ([], chained_functions("f0", 1)),
    "name scopes": lambda: (scopes(10_000), []),
    "a chain of nodes": lambda: (
        [node(f"n{at}", "Relu", f"n{at - 1}" if at else "x", T=1) for at in range(5000)],
        [],
    ),
    "nodes in a circle": lambda: ([node("a", "Neg", "b", T=1), node("b", "Neg", "a", T=1)], []),
    "an input of many": lambda: ([node("many", "AddN", *(["x"] * 50_000), T=1)], []),
}


_LONG = ("functions, one in the other", "functions in a circle", "an input of many", "a chain of nodes")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.exhaustive] if name in _LONG else []) for name in DEEP]
)
def test_depth_without_end(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No command falls over its own stack, and none works for ever."""
    nodes, functions = DEEP[name]()
    end = function("end", ["a"], node("n", "Neg", "a", T=1), returns={"r": "n:y:0"})
    start = node(
        "go", "PartitionedCall", nodes[-1].name if nodes else "x", f=Func("f0" if functions else "end")
    )
    start.attr["Tin"].list.type.append(1)
    start.attr["Tout"].list.type.append(1)
    all_nodes = [node("x", "Placeholder", dtype=1), *nodes, start]
    meta = meta_graph(graph(*all_nodes, functions=[*functions, end]), s=({"x": "x:0"}, {"y": "go:0"}))
    path = str(write(tmp_path / "m", meta))
    join = [f"a={path}", f"b={path}", "--wire", "y=x", "--signature-of", "a=s", "--signature-of", "b=s"]
    commands = (
        ["inspect", path], ["inspect", path, "--json"], ["inspect", path, "--signature", "s"],
        ["inspect", path, "--nodes"], ["show", "--dir", path, "--all"], ["scan", path], ["draw", path],
        ["draw", path, "--format", "svg"], ["merge", *join, "--dry-run", "-o", str(tmp_path / "out")],
        ["flatten", path, "--dry-run", "-o", str(tmp_path / "out")],
        ["freeze", path, "--dry-run", "-o", str(tmp_path / "out")],
    )  # fmt: skip
    with costs_at_most(60):
        for words in commands:
            assert main(words) in (0, 1), words
            capsys.readouterr()
