"""Commands of operations: made from fields, each kind of field in its form, and read back to the same step."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.cli.tools import DIGITS, call
from tests.surgery.tiny import Tiny
from workbench.cli.main import Parser, make_parser, summaries
from workbench.cli.operation_command import OperationCommand, words_of
from workbench.errors import UsageError
from workbench.model import open_model
from workbench.surgery import step as registry
from workbench.surgery import values
from workbench.surgery.operation import Operation
from workbench.surgery.operations.set import Set
from workbench.surgery.step import option, parse_step
from workbench.surgery.workspace import Workspace

Pairs = dict[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Odd(Operation):
    """Do nothing, with a field of each form.

    More about it.

    Attributes:
        features: and so on.
    """

    NAME: ClassVar[str] = "odd"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("odd features=a=b:0 how=slow deep=true",)

    features: Pairs = option(values.Pairs(), "tensors", metavar="KEY=TENSOR", positional=True, keys="inputs")
    how: str = option(values.Text("fast", "slow"), "how", metavar="fast|slow", default="fast", short="w")
    deep: bool = option(values.Flag(), "all of it", default=False)
    safe_mode: bool = option(values.Flag(), "take risks", default=True)
    names: Sequence[str] = option(values.Texts(), "names", metavar="NAME", default=(), flag="name")
    before: Pairs = option(values.Pairs(), "chains", metavar="KEY=CHAIN", default=(), words=2)
    value: Any = option(values.Constant(), "a value", metavar="JSON", default=0)

    def apply(self, workspace: Workspace) -> None:
        """Do nothing."""


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> OperationCommand:
    monkeypatch.setitem(registry._REGISTERED, "odd", Odd)
    return OperationCommand("odd")


def parsed(command: OperationCommand, *words: str) -> list[Operation]:
    parser = Parser(prog="workbench odd", allow_abbrev=False)
    command.configure(parser)
    args = parser.parse_intermixed_args([str(DIGITS), *words])
    return command.steps(args, open_model(DIGITS))


def test_each_kind_of_field_has_its_form(odd: OperationCommand) -> None:
    words = ["a=b:0", "-w", "slow", "--deep", "--no-safe-mode", "--name", "x", "--name", "[1]", "c=d:0",
             "--before", "a", "cast uint8 | resize 2 2", "--value", "[1, 2]"]  # fmt: skip
    wanted = Odd({"a": "b:0", "c": "d:0"}, "slow", True, False, ["x", "[1]"],
                 {"a": "cast uint8 | resize 2 2"}, [1, 2])  # fmt: skip
    assert parsed(odd, *words) == [wanted]
    assert parsed(odd, "a=b:0") == [Odd({"a": "b:0"})]
    _, _, model, *again = words_of(wanted)
    assert model == "./model" and parsed(odd, *again) == [wanted]


def test_the_help_is_that_of_the_class(odd: OperationCommand) -> None:
    assert odd.__doc__ == "Do nothing, with a field of each form.\n\nMore about it."
    assert odd.EXAMPLES.splitlines() == [
        "examples:",
        "  workbench odd ./model a=b:0 --how slow --deep -o ./changed",
        "  workbench odd ./model a=b:0 --how slow --deep --dry-run",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "KEY=TENSOR"),
        (["a"], "write KEY=TENSOR"),
        (["a=b", "a=c"], "names 'a' twice"),
        (["a=b", "--how", "other"], "not a value of -w/--how"),
        (["a=b", "--before", "a"], "expected 2 arguments"),
        (["a=b", "--before", "a", "x", "--before", "a", "y"], "--before names 'a' twice"),
    ],
)
def test_wrong_words(odd: OperationCommand, words: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(odd, *words)
    assert said in caught.value.message


def test_what_values_are_made_of_is_listed() -> None:
    listed = OperationCommand("adapt").EXAMPLES.splitlines()
    assert "  resize HEIGHT WIDTH [method=…] [antialias=…] [grid=…]" in listed
    assert listed[listed.index("  flatten") + 1].startswith("      Make one vector of each row")
    assert "made of" not in OperationCommand("freeze").EXAMPLES


def test_every_operation_between_no_models_is_a_command() -> None:
    assert {"freeze", "flatten", "signature", "set", "adapt"} <= set(summaries())
    assert "connect" not in summaries()
    for name in registry.commands():
        cls = registry.operation(name)
        assert cls is not None and cls.EXAMPLES, name
        assert registry.summary(name)[0].islower() and len(registry.summary(name)) <= 80, name
        command = OperationCommand(name)
        model = open_model(DIGITS)
        for step in map(parse_step, cls.EXAMPLES):
            args = make_parser(name).parse_intermixed_args(words_of(step)[2:])
            assert command.steps(args, model) == [step], name


def test_no_flag_of_a_field_is_one_that_all_have() -> None:
    """argparse would refuse it; a destination that two share would not be noticed."""
    for name in registry.commands():
        parser = make_parser(name)
        dests = [one.dest for one in parser._actions if not isinstance(one, argparse._HelpAction)]
        cls = registry.operation(name)
        assert cls is not None
        listed = {f"field_{field.name}" for field in fields(cls)} & set(dests)
        assert len(set(dests) - listed) == len([dest for dest in dests if dest not in listed]), name


def two(folder: Path) -> Path:
    """`y = x + z`; the second input has a key with an equals sign."""
    model = Tiny(folder).placeholder().placeholder("z").node("y", "AddV2", "x", "z", T="float32")
    model.signature(x_in="x:0", z_in="z:0", y_out="y:0")
    inputs = model.meta.signature_def["serving_default"].inputs
    inputs["k=v"].CopyFrom(inputs["z"])
    del inputs["z"]
    return model.save()


def test_set_makes_one_step_of_each_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = two(tmp_path / "m")
    done = call(
        capsys, "set", path, "k=v=[[1,2,3,4]]", "--no-verify", "-o", tmp_path / "out", "x=[[0,0,0,0]]"
    )
    assert done.code == 0, done.err
    made = open_model(tmp_path / "out")
    assert not made.meta.signature().inputs
    steps = json.loads((tmp_path / "out/assets.extra/workbench.json").read_text())["steps"]
    assert [step["input"] for step in steps] == ["k=v", "x"]
    assert words_of(Set("x", "a b", "s")) == ["workbench", "set", "./model", "x=a b", "--signature", "s"]
    found = call(capsys, "set", path, "y=1", "--dry-run")
    assert found.code == 2 and "no input 'y'" in found.err


def test_pairs_make_one_new_signature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = two(tmp_path / "m")
    words = (
        "set",
        path,
        "k=v=[[1,2,3,4]]",
        "x=[[0,0,0,0]]",
        "--as",
        "fixed",
        "--no-verify",
        "-o",
        tmp_path / "out",
    )
    done = call(capsys, *words)
    assert done.code == 0, done.err
    signatures = open_model(tmp_path / "out").meta.signatures
    assert sorted(signatures["serving_default"].inputs) == ["k=v", "x"] and not signatures["fixed"].inputs


def test_adapt_takes_a_key_and_a_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "adapt", DIGITS, "--after", "myOutput", "softmax", "--dry-run", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["adapters"] == [
        {
            "place": "after myOutput",
            "through": [{"adapter": "softmax", "makes": "float32 [?,10]", "inserted": False}],
        }
    ]
    assert found["signatures"]["serving_default"]["outputs"]["myOutput"]["tensor"].startswith("adapt_0/")
    done = call(capsys, "adapt", DIGITS, "--before", "myInput", "flatten | cast float32", "--dry-run")
    assert "Before: serving_default" in done.out and "After: serving_default" in done.out
    assert "Adapters  before myInput" in done.out
    done = call(capsys, "adapt", DIGITS, "--dry-run")
    assert done.code == 2 and "such as --before KEY CHAIN" in done.err


def test_a_model_without_a_signature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(Tiny(tmp_path / "m").placeholder().node("y", "Relu", "x", T="float32").save())
    assert call(capsys, "clear-devices", path, "--dry-run").code == 0
    done = call(capsys, "clear-devices", path, "-o", tmp_path / "out")
    assert done.code == 1 and "running it: add --no-verify." in done.out
    assert call(capsys, "clear-devices", path, "-o", tmp_path / "out", "--no-verify").code == 0
