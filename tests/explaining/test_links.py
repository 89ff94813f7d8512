"""Links of explanations: each leads to something that can be explained; arguments; findings."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.sampling import plainly
from workbench.checks.codes import registry
from workbench.checks.unsafe.ops import TIERS
from workbench.checks.unsafe.report import Danger
from workbench.explaining.api import Explainer
from workbench.explaining.explanation import Line, Span
from workbench.explaining.findings import explain_danger, explain_finding
from workbench.explaining.texts.glossary import GLOSSARY
from workbench.explaining.wires import explain_wire, explain_wire_of
from workbench.findings import Finding
from workbench.surgery.plan import Plan


@pytest.mark.parametrize(
    "name",
    plainly(["digits", "digits_tf2", "image_base64", "image_bytes_batch"], "digits_tf2", "image_base64"),
)
def test_every_link_can_be_followed(sample_models: Path, name: str) -> None:
    explainer = Explainer(wb.open_model(sample_models / name))
    todo: list[str | None] = [None]
    seen: set[str | None] = set(todo)
    while todo and len(seen) < 400:
        found = explainer.explain(todo.pop())
        for part in found.sections:
            for line in part.lines:
                assert "".join(span.text for span in line.spans) == line.text
                links = [span.link for span in line.spans if span.link]
                assert line.link is None or line.link in links
                todo += [link for link in links if link not in seen]
                seen.update(links)
        todo += [f"term:{term}" for term in found.terms if f"term:{term}" not in seen]
        seen.update(f"term:{term}" for term in found.terms)
    assert len(seen) > 20


def test_each_name_of_a_line_has_its_own_link() -> None:
    line = Line(
        "output `y`: used by `a` (Add) and `b` (Mul).", "call::a", {"`a`": "call::a", "`b`": "call::b"}
    )
    assert [span for span in line.spans if span.link] == [Span("`a`", "call::a"), Span("`b`", "call::b")]
    assert Line("The saver needs it.", "term:saver").spans[1] == Span("saver", "term:saver")
    assert Line("1. applies softmax", "net/Softmax").spans == (Span("1. applies softmax", "net/Softmax"),)
    assert Line("plain").spans == (Span("plain"),)


def test_words_of_the_glossary_are_found_in_sentences(sample_models: Path) -> None:
    found = wb.explain(sample_models / "digits_tf2", "function:__inference___call___3590")
    assert "capture" in found.terms and "function" in found.terms and set(found.terms) <= set(GLOSSARY)
    assert "capture" not in wb.explain(None, "term:capture").terms


def test_an_argument_is_explained(sample_models: Path) -> None:
    found = wb.explain(
        sample_models / "digits_tf2", "StatefulPartitionedCall::StatefulPartitionedCall::myinput"
    )
    text = str(found)
    assert "argument of the function `__inference___call___3590`: float32 [?,784]" in text
    assert "That is `serving_default_myInput` (Placeholder) in the end." in text
    assert "`MatMul` (MatMul)" in text


def test_explanations_are_made_once(sample_models: Path) -> None:
    explainer = Explainer(wb.open_model(sample_models / "digits"))
    assert explainer.kept("MatMul") is None
    assert explainer.explain("MatMul") is explainer.explain("MatMul") is explainer.kept("MatMul")


def test_a_wire_of_a_plan_is_explained_alone(sample_models: Path) -> None:
    models = {name: wb.open_model(sample_models / name) for name in ("image_base64", "digits", "digits_tf2")}
    plan = Plan.join(models["image_base64"], models["digits"], wires=["pixels=myInput"])
    opened = dict(zip(plan.handles, [models["image_base64"], models["digits"]], strict=True))
    found = explain_wire_of(plan, opened, plan.wires[0])
    assert found == explain_wire(models["image_base64"], models["digits"], "pixels=myInput")
    assert found.summary.startswith("The wire fits")


def test_every_code_of_a_finding_is_explained() -> None:
    for name, code in registry().items():
        found = explain_finding(Finding(name, code.severity, "here", "It is so.", "Do this."), link="here")
        text = str(found)
        assert code.why in text and "It is so." in text and "Do this." in text and name in text


def test_an_unsafe_op_is_explained() -> None:
    for tier in TIERS:
        danger = Danger("ReadFile", tier, "reads a file", "read", ("call",), ("serving_default",))
        text = str(explain_danger(danger))
        assert "`call::read`" in text and "`serving_default`" in text and text.count("It ") >= 2
