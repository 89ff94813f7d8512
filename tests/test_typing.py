"""What a type checker knows of the package when it checks somebody's script with `--strict`."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import workbench as wb

# each expression with the type that mypy finds for it, its modules left out
SCRIPT = """
import workbench as wb

model = wb.open_model("digits")  # Model
plan = wb.Plan.join(image="image", digits=model, wires=["pixels=myInput"])  # Plan
draft = wb.apply(plan)  # Draft

wb.check(plan)  # CheckedPlan
wb.commit(draft, "merged", proving=wb.Proving(seed=1))  # Report
wb.run(model, {"myInput": [[0.0] * 784]})  # dict[str, ndarray[Any, Any]]
wb.probe(model, ["MatMul"]).first_nan()  # ProbedTensor | None
wb.probe_wires("merged")  # ProbedWires
wb.explain(model, "MatMul")  # Explanation
wb.verify("merged", against="other")  # Proof
wb.check_model(model)  # Checked
wb.scan(model)  # tuple[Danger, ...]
wb.freeze(model)  # Draft
wb.flatten("digits", format="tf1")  # Draft
wb.change_signatures(model, rename={"a": "b"}, drop=["train"])  # Draft
wb.parse_step("freeze")  # Step
wb.Plan.edit(model, wb.Freeze(), wb.Flatten(format="auto"))  # Plan
wb.draw(plan, format="svg")  # Picture
wb.to_networkx(model)  # MultiDiGraph[str, dict[str, Any], dict[str, Any]]
wb.list_lessons()  # list[Lesson]
wb.open_lesson("savedmodel").questions  # tuple[Question, ...]
wb.mark_answers([])  # list[Marked]
wb.prove_lesson(wb.sample_models())  # list[Finding]
wb.sample_models()  # Path
wb.__version__  # str

model.meta  # MetaGraph
model.findings  # list[Finding]
model.networkx()  # MultiDiGraph[str, dict[str, Any], dict[str, Any]]
model.meta.signature().inputs["myInput"].dtype  # DType
model.meta.signature().inputs["myInput"].dtype.name  # str
model.meta.signature().inputs["myInput"].shape  # tuple[int | None, ...] | None
model.meta.variables[0].dtype  # DType
model.meta.callables[0].variants  # tuple[Variant, ...]
model.proto  # SavedModel
model.proto.meta_graphs[0].graph_def.node  # RepeatedMessage[NodeDef]
model.meta.nodes["x"].attr["dtype"].type  # int
model.meta.nodes["x"].attr["value"].tensor.float_val  # RepeatedScalar[float]
model.meta.functions["f"].ret  # ScalarMap[str, str]
model.meta.proto.signature_def["s"].inputs["x"].coo_sparse  # CooSparse
draft.meta  # MetaGraph
"""
WRONG = """
import workbench as wb

model = wb.open_model("digits")
model.meta.nodes["x"].attrs
model.meta.nodes["x"].HasField("nosuch")
model.meta.nodes["x"].name = 3
model.meta.nodes["x"].attr["T"] = model.meta.nodes["y"].attr["T"]
wb.draw(model, format="png")
wb.nosuch
"""
_NAMED_TUPLE = re.compile(r"tuple\[(?:[^\[\]]|\[[^\[\]]*\])*, fallback=(\w+)\]")
_EXPRESSION = re.compile(r"(?:(?P<name>\w+) = )?(?P<expression>.+?)  # +(?P<type>.+)")


def check(tmp_path: Path, text: str) -> list[str]:
    """What mypy says about a script elsewhere, a message a line: `line: text`."""
    script = tmp_path / "script.py"
    script.write_text(text, encoding="utf-8")
    words = ["--strict", "--no-error-summary", "--hide-error-context", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *words, script.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert not done.stderr, done.stderr
    return [line.removeprefix("script.py:") for line in done.stdout.splitlines()]


@pytest.mark.exhaustive
def test_a_strict_script_knows_every_type(tmp_path: Path) -> None:
    """And fields of messages that do not exist are errors."""
    lines, wanted = [], []
    for line in SCRIPT.splitlines():
        match = _EXPRESSION.fullmatch(line)
        if match is None:
            lines.append(line)
            continue
        name = match["name"]
        lines += [f"{name} = {match['expression']}"] * bool(name)
        lines.append(f"reveal_type({name or match['expression']})")
        wanted.append(match["type"])
    found = check(tmp_path, "\n".join(lines))
    revealed = [re.search(r'Revealed type is "(.*)"', line) for line in found]
    assert all(revealed), found
    short = [re.sub(r"\b(?:\w+\.)+(?=\w)", "", match[1]) for match in revealed if match]
    assert [_NAMED_TUPLE.sub(r"\1", one) for one in short] == wanted

    wrong = check(tmp_path, WRONG)
    assert [int(line.split(":")[0]) for line in wrong if ": error: " in line] == [5, 6, 7, 8, 9, 10], wrong


def test_the_script_calls_every_public_function() -> None:
    for name in wb.__all__:
        if inspect.isfunction(getattr(wb, name)):
            assert f"wb.{name}(" in SCRIPT, name
