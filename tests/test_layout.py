"""The layout of the package: rooms, the direction of imports, no circles of files, and what the README says of it."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeGuard

import networkx as nx
import pytest

import workbench
from tests.sources import import_statements, nodes_of, statements_of, text_of

PACKAGE = Path(workbench.__file__).parent
REPOSITORY = PACKAGE.parent
ENTRANCES = {"__init__", "__main__", "version"}  # above or beside all rooms
MODULES = {*ENTRANCES, "errors", "names", "findings", "notebook", "state"}
MOST_FILES = 15
CHILD = "workbench.runtime.child_script"  # a package under another name in a process of its own
# Catalogues: a file for each command, operation or topic of adapters, and none of them needs another.
CATALOGUES = {"cli/commands": 25, "surgery/operations": 25, "surgery/adapters": 20}


@dataclass(frozen=True)
class Import:
    """One import of a module of ours."""

    source: str
    target: str
    line: int


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULE_FILES = modules()


def named_by(node: ast.AST, module: str) -> list[str]:
    """The modules that a node of a module imports, by `import`, `from` or `import_module("…")`."""
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    if isinstance(node, ast.ImportFrom):
        source = str(node.module)
        if node.level:
            folder = module.rpartition(".")[0]
            assert (folder, node.level) == (CHILD, 1), "imports are written in full"
            source = f"{folder}.{source}"
        whole = [f"{source}.{one.name}" for one in node.names]
        return [one if one in MODULE_FILES else source for one in whole]
    if imports_by_name(node) and isinstance(node.args[0], ast.Constant):
        return [str(node.args[0].value)]
    return []


def imports_by_name(node: ast.AST) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call) or not node.args:
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return bool(name.endswith("import_module"))


def imports(module: str) -> Iterator[Import]:
    """Every import of ours, deferred ones and those for type checkers too."""
    path = MODULE_FILES[module]
    for node in nodes_of(path) if "import_module" in text_of(path) else import_statements(path):
        for target in named_by(node, module):
            if target.partition(".")[0] == "workbench" and target != module:
                yield Import(module, target, getattr(node, "lineno", 0))


@cache
def every_import() -> list[Import]:
    return [one for module in MODULE_FILES for one in imports(module)]


def layers() -> list[list[str]]:
    """The rooms of the contract in pyproject.toml, from the top down; those of a layer together."""
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (found,) = (one["layers"] for one in contracts if one["type"] == "layers")
    return [[name.strip().removeprefix("workbench.") for name in layer.split("|")] for layer in found]


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


@pytest.mark.exhaustive
def test_no_import_is_missed() -> None:
    """Imports are looked for in the text, because parsing all of it takes a second."""
    for path in MODULE_FILES.values():
        found = [(ast.dump(node), node.lineno) for node in import_statements(path)]
        for node in statements_of(path):
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert (ast.dump(node), node.lineno) in found, path


def test_no_circle_of_files() -> None:
    """Not even of deferred imports, or of those for types: each file can be understood after those that it imports."""
    graph = nx.DiGraph((one.source, one.target) for one in every_import() if one.target in MODULE_FILES)
    circles = [sorted(names) for names in nx.strongly_connected_components(graph) if len(names) > 1]
    assert circles == []


def test_every_import_goes_down_or_stays() -> None:
    """Also those in functions and by name: the entrances may look anywhere, and nobody imports them."""
    depth = {name: number for number, layer in enumerate(layers()) for name in layer}
    up = [
        one
        for one in every_import()
        if room(one.source) not in ENTRANCES
        and room(one.target) != "version"
        and room(one.source) != room(one.target)
        and depth.get(room(one.target), -1) <= depth[room(one.source)]
    ]
    assert up == []


def test_imports_by_a_computed_name_are_few() -> None:
    """`import_module(name)` hides from the contract what it imports: only tables of names in the same file use it."""
    computed = {
        name
        for name, path in MODULE_FILES.items()
        if "import_module" in text_of(path)
        for node in nodes_of(path)
        if imports_by_name(node) and not isinstance(node.args[0], ast.Constant)
    }
    tables = {
        "workbench",
        "workbench.cli.main",
        "workbench.checks.codes",
        "workbench.surgery.step",
        "workbench.surgery.adapters.registry",
        f"{CHILD}.process",  # what --import names
    }
    assert computed <= tables


def test_the_contract_covers_every_room() -> None:
    inside = [one for one in PACKAGE.iterdir() if not one.name.startswith(("_", "."))]
    there = {one.stem for one in inside if (one.is_dir() and any(one.glob("*.py"))) or one.suffix == ".py"}
    assert sorted(name for layer in layers() for name in layer) == sorted(there - ENTRANCES)


def test_nothing_else_lies_at_the_top() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == MODULES


def test_no_room_is_called_like_a_public_function() -> None:
    """A package `workbench.commit` would hide the function `workbench.commit`."""
    assert {name for layer in layers() for name in layer} & {*workbench.__all__} <= {"errors"}


def test_rooms_are_small() -> None:
    for folder in sorted({path.parent for path in MODULE_FILES.values()}):
        name = folder.relative_to(PACKAGE).as_posix()
        files = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= CATALOGUES.get(name, MOST_FILES), (name, files)


def built() -> str:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    return readme.partition("## How it is built")[2].partition("\n## ")[0]


def test_the_picture_of_the_readme_is_the_contract() -> None:
    picture = built().split("```")[1].strip().splitlines()
    drawn = [re.split(r"\s{2,}", line.strip())[0].split(" | ") for line in picture]
    assert drawn == layers()


def test_the_readme_names_every_sub_room() -> None:
    rows = [line.split("|")[1:3] for line in built().splitlines() if line.startswith("| `")]
    told = {
        f"{above.strip(' `/')}/{name}"
        for above, inside in rows
        for name in re.findall(r"`([a-z_]+)/`", inside)
    }
    there = {
        path.parent.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("__init__.py")
        if len(path.relative_to(PACKAGE).parts) > 2
    }
    assert told == there
