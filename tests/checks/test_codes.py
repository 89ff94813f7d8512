"""Every code is laid down, explained, and found on a model that has just this wrong."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import workbench
from tests.checks.cases import CASES, copy
from tests.sampling import plainly
from tests.sources import nodes_of, text_of
from workbench.checks.check import Checked, check_model
from workbench.checks.codes import GROUPS, Code, Found, groups, registry
from workbench.checks.folder import files
from workbench.checks.graphs.loading import is_elsewhere, package_of
from workbench.describe.actions import finding_json
from workbench.findings import Finding, in_short, total
from workbench.model import open_model

ROOM = Path(workbench.__file__).parent
# Errors that follow from the one that the case is for.
ALSO = {
    "call-arguments": {"input-dtype"},
    "call-results": {"noted-shapes"},
    "lfs-pointer": {"bad-shard"},
    "tensor-overlap": {"bad-tensor"},
}
# What makes a finding of a code that is given by its name: the place of the code, and the fewest arguments that tell
# it from other functions of that name.
TAKES_A_CODE = {
    **{"Finding": (0, 1), "_Some": (0, 1), "_finding": (0, 1), "_problem": (0, 1)},
    **{"note": (0, 4), "wrong": (0, 3), "_wrong": (4, 4), "Judgement": (3, 4)},
}
MAY_WRITE_A_CODE = re.compile(rf"\b(({'|'.join(TAKES_A_CODE)})\(|code\b)")
"""What is in the text of a module that `made_in` finds something in: the others need not be parsed."""
ELSEWHERE = (
    "Merging: endpoints",
    "Merging: wires",
    "Merging: the result",
    "Changing one model",
    "Lessons",
    "Errors",
)


def check(path: Path, *, serving: bool = True) -> Checked:
    return check_model(open_model(path), serving=serving)


@pytest.mark.parametrize("code", CASES)
def test_found_and_nothing_else(code: str, tmp_path: Path) -> None:
    made = CASES[code](tmp_path)
    found = {one.code: one for one in check(made, serving=code.startswith("serving")).findings}
    assert code in found, found
    assert found[code].severity == registry()[code].severity
    errors = {one.code for one in found.values() if one.severity == "error"}
    assert errors <= {code} | ALSO.get(code, set())


@pytest.mark.parametrize("sample", ["digits", "digits_tf2"])
def test_nothing_is_found_in_a_model_before_it_is_changed(sample: str, tmp_path: Path) -> None:
    good = copy(tmp_path, sample)
    for serving in (False, True):
        assert {one.code for one in check(good, serving=serving).findings} == set()


def test_every_code_has_a_case() -> None:
    of_checks = {one.name for title, codes in groups().items() if title not in ELSEWHERE for one in codes}
    assert of_checks == {*CASES, "proto-size"}


def test_near_two_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copy(tmp_path)
    assert "proto-size" not in {one.code for one in check(path).findings}
    monkeypatch.setattr(files, "NEAR", 8_000)
    (found,) = (one for one in check(path).findings if one.code == "proto-size")
    assert found.severity == "warning" and "2,147,483,647" in found.message


def test_all_are_explained() -> None:
    assert len(registry()) > 100
    for name, code in registry().items():
        assert re.fullmatch(r"(R[0-9]+-)?[a-z0-9]+(-[a-z0-9]+)*", name), name
        severities = (code.severity, *code.also)
        assert {*severities} <= {"error", "warning", "info"}, name
        assert len({*severities}) == len(severities), name
        assert not code.title.endswith(".") and not code.title[0].isupper(), name
        for text in (code.why, code.fix):
            assert len(text) > 10 and text.endswith((".", ".)")) and "  " not in text, (name, text)


@dataclass(frozen=True)
class Made:
    """A place in the sources where a finding of a code is made; the severity, if it is written there."""

    place: str
    code: str
    severities: frozenset[str]


def strings(node: ast.AST | None) -> list[str] | None:
    """The texts that an expression may be: a literal, or one literal or another. None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        either = (strings(node.body), strings(node.orelse))
        return None if None in either else [*(either[0] or ()), *(either[1] or ())]
    return None


def made_in(path: Path) -> Iterator[Made]:
    """All codes that a module writes: given to what takes one, assigned to `code`, or the default of `code`."""
    for node in nodes_of(path):
        # by its exact class: of a hundred nodes a few are looked at
        find = WRITES_A_CODE.get(type(node))
        code, severity = (None, None) if find is None else find(node, path)
        if names := strings(code):
            levels = frozenset({*(strings(severity) or ())} & {"error", "warning", "info"})
            place = f"{path.relative_to(ROOM)}:{getattr(node, 'lineno', 0)}"
            yield from (Made(place, name, levels) for name in names)


Written = tuple[ast.expr | None, ast.expr | None]
"""What may be a code, and its severity."""


def of_call(node: ast.Call, path: Path) -> Written:
    if not isinstance(node.func, (ast.Name, ast.Attribute)):
        return None, None
    called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    at, fewest = TAKES_A_CODE.get(called, (0, 99))
    if len(node.args) < fewest:
        return None, None
    given = {word.arg: word.value for word in node.keywords}
    code = node.args[at] if len(node.args) > at else given.get("code")
    assert not isinstance(code, (ast.JoinedStr, ast.BinOp)), f"{path}:{node.lineno}"
    return code, node.args[at + 1] if len(node.args) > at + 1 else given.get("severity")


def of_assignment(node: ast.Assign, path: Path) -> Written:
    target = node.targets[0]
    return (node.value if isinstance(target, ast.Name) and target.id == "code" else None), None


def of_default(node: ast.arguments, path: Path) -> Written:
    named = [*node.posonlyargs, *node.args]
    given_by = zip(named[len(named) - len(node.defaults) :], node.defaults, strict=True)
    pairs = [*given_by, *zip(node.kwonlyargs, node.kw_defaults, strict=True)]
    return next((value for arg, value in pairs if arg.arg == "code"), None), None


WRITES_A_CODE: dict[type[ast.AST], Callable[[Any, Path], Written]] = {
    ast.Call: of_call,
    ast.Assign: of_assignment,
    ast.arguments: of_default,
}


@cache
def made() -> list[Made]:
    return [
        one
        for path in sorted(ROOM.rglob("*.py"))
        if not path.name.startswith("codes_of_") and MAY_WRITE_A_CODE.search(text_of(path))
        for one in made_in(path)
    ]


def test_every_code_in_the_sources_is_registered() -> None:
    """Whatever room makes a finding or raises an error: its code is explained, and may have its severity."""
    found = made()
    assert {"R3-dtype", "signature-unknown", "dangling-input", "missing-shard", "R6-rename"} <= {
        one.code for one in found
    }
    assert [one for one in found if one.code not in registry()] == []
    others = {name: {code.severity, *code.also} for name, code in registry().items()}
    assert [one for one in found if not one.severities <= others[one.code]] == []


def test_every_registered_code_is_used() -> None:
    """By its name in the sources, or as the `Code` that a check gives to `Found.add`."""
    used = {one.code for one in made()}
    texts = {path: text_of(path) for path in ROOM.rglob("*.py")}
    whole = "\n".join(texts.values())
    words = Counter(re.findall(r"\b[A-Z][A-Z0-9_]*\b", whole))
    for modules in GROUPS.values():
        for module in modules:
            path = ROOM / "checks" / f"{module.replace('.', '/')}.py"
            for constant, code in vars(import_module(f"workbench.checks.{module}")).items():
                if isinstance(code, Code) and code.name not in used:
                    literal = f'"{code.name}"'
                    elsewhere = whole.count(literal) - texts[path].count(literal)
                    assert words[constant] > 1 or elsewhere, f"{code.name} ({constant}) is used nowhere"


def test_no_code_is_registered_twice() -> None:
    names = [one.name for codes in groups().values() for one in codes]
    assert len(names) == len(set(names))


def test_the_room_makes_findings_of_laid_down_codes_only() -> None:
    """Everything goes through `Found.add`, which takes a `Code`; all of these are in the registry."""
    for path in sorted((ROOM / "checks").rglob("*.py")):
        calls = [
            node.func.id
            for node in nodes_of(path)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        ]
        if path.name not in ("codes.py", "open_model.py"):
            assert "Finding" not in calls, path
        name = ".".join(path.relative_to(ROOM / "checks").with_suffix("").parts)
        assert "Code" not in calls or any(name in modules for modules in GROUPS.values()), path


def test_some_are_told_one_by_one_and_the_rest_counted(tmp_path: Path) -> None:
    from tests.checks.cases import FLOAT, node, tiny

    nodes = [node(f"n{i}", "MatMul", "x", T=FLOAT) for i in range(9)]
    path = tiny(tmp_path, *nodes, y="x:0")

    def of(limit: int | None) -> list[Finding]:
        found = check_model(open_model(path), limit=limit).findings
        return [one for one in found if one.code == "input-count"]

    assert [one.where for one in of(None)] == [f"n{i}" for i in range(9)]
    assert [one.where for one in of(5)] == ["n0", "n1", "n2", "n3", "n4", ""]
    assert of(5)[-1].message.startswith("4 more")
    for limit in (None, 5, 1):
        checked = check_model(open_model(path), limit=limit)
        assert checked.count("error") == total(of(None), "error") == 9, "what is not listed is counted"


def test_what_is_found_twice_is_counted_once() -> None:
    code = registry()["input-count"]
    for limit in (None, 1):
        found = Found(limit)
        for where in ("a", "b", "a", "b", "c"):
            found.add(code, where, "too many")
        assert total(found.findings) == 3


def test_a_summary_of_summaries_keeps_the_number() -> None:
    one = Finding("x", "warning", "here", "message")
    listed = [*[replace(one, where=str(number)) for number in range(4)], replace(one, where="", more=20)]
    short = in_short(listed, 3)
    assert [finding.count for finding in short] == [1, 1, 1, 21] and total(short) == total(listed) == 24
    assert "21 more" in short[-1].message and "count" not in finding_json(short[-1])


@pytest.mark.needs_tf
@pytest.mark.parametrize("step", plainly([1, 4], 4))
def test_tensorflow_refuses_what_is_called_an_error(step: int, tmp_path: Path) -> None:
    """A v1 Session or `tf.saved_model.load` fails to load the model or to run it; good copies pass both."""
    from tests.checks.loading import load_v1, load_v2

    passes = []
    for name, make in list(CASES.items())[::step]:
        code = registry()[name]
        # a graph that calls itself kills the process; an asset that is not read, or lies elsewhere, stops no loader
        if code.severity != "error" or name in ("recursion", "missing-asset", "asset-outside"):
            continue
        if name.startswith("serving"):
            continue
        (tmp_path / name).mkdir()
        path = make(tmp_path / name)
        if load_v1(path) is None and load_v2(path) is None:
            passes.append(name)
    assert passes == []
    for sample in ("digits", "digits_tf2"):
        good = copy(tmp_path / f"good_{sample}", sample)
        assert (load_v1(good), load_v2(good)) == (None, None)


@pytest.mark.parametrize(
    ("device", "elsewhere"),
    [
        ("", False),
        ("/gpu:0", False),
        ("/device:TPU:0", False),
        ("/job:localhost/replica:0/task:0/device:CPU:0", False),
        ("/job:localhost", False),
        ("/job:worker", True),
        ("/task:1", True),
        ("/replica:1", True),
        ("/job:*/task:0", False),
        ("/job:tpu_worker/replica:0/task:0/device:TPU:0", True),
    ],
)
def test_devices_of_other_tasks(device: str, elsewhere: bool) -> None:
    """As a v1 Session with soft placement takes or refuses them (TensorFlow 2.21)."""
    assert is_elsewhere(device) == elsewhere


@pytest.mark.parametrize(
    ("spec", "package"),
    [
        ("tfp.distributions.Normal_ACTTypeSpec", "tensorflow_probability"),
        ("tensorflow_gnn.GraphTensorSpec", "tensorflow_gnn"),
        ("my_project.MyTypeSpec", "my_project"),
        ("MyTypeSpec", None),
        ("__main__.Mask.Spec", None),
        ("tf x.Mask", None),
    ],
)
def test_package_of_a_type_spec(spec: str, package: str | None) -> None:
    """A registered name has the form PROJECT.TYPE."""
    assert package_of(spec) == package


def test_unknown_type_spec_names_its_package(tmp_path: Path) -> None:
    """The finding and its hint name the package to import."""
    model = CASES["type-spec-unknown"](tmp_path)
    (found,) = (one for one in check_model(model).findings if one.code == "type-spec-unknown")
    assert "tensorflow_probability" in found.message
    assert found.hint is not None and "imports=['tensorflow_probability']" in found.hint
