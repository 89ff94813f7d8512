"""Command line, `--json` and terminal UI say the same words and numbers of the same plan and the same result."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_unsafe import reads_a_file
from tests.surgery.tiny import doubler, plan
from workbench.cli.output import Output
from workbench.cli.pages.merge_page import MergePages
from workbench.describe.actions import words
from workbench.describe.calling import Needs, needs_of
from workbench.describe.findings import counts_text
from workbench.describe.plan import plan_json, plan_text
from workbench.describe.text import size
from workbench.describe.values import row_text
from workbench.names import count
from workbench.publishing.commit import commit
from workbench.session.options import CommitOptions
from workbench.session.texts.detail import Detail
from workbench.session.texts.summary import call_of, what_became, what_it_does
from workbench.surgery.draft import apply
from workbench.surgery.operations.adapt import Adapt
from workbench.surgery.plan import Plan
from workbench.surgery.result import Draft


def lines(text: str) -> list[str]:
    """Lines with single blanks."""
    return [" ".join(line.split()) for line in text.splitlines()]


def printed(write: Callable[[Output], None]) -> list[str]:
    stdout = io.StringIO()
    write(Output(stdout=stdout, stderr=io.StringIO()))
    return lines(stdout.getvalue())


def shown(detail: Detail) -> list[str]:
    return lines("\n".join("".join(span.text for span in line) for line in detail.lines))


def as_data(value: dict[str, Any]) -> dict[str, Any]:
    """What a reader of `--json` gets."""
    found: dict[str, Any] = json.loads(json.dumps(value))
    return found


def joined(models: Path, image: str, digits: str, **options: Any) -> Draft:
    return apply(Plan.join(image=models / image, net=models / digits, wires=["pixels=myInput"], **options))


def with_findings(folder: Path) -> Draft:
    """Two ops that TensorFlow does not have: a warning each, and infos."""
    made = doubler(folder / "a").node("z", "Zeta>Op", "y").signature(odd_out="z:0")
    return apply(plan(made.save(), doubler(folder / "b").save(), keep_outputs=True))


DRAFTS: dict[str, Callable[[Path, Path], Draft]] = {
    "variables": lambda models, folder: joined(models, "image_base64", "digits"),
    "TF2 format": lambda models, folder: joined(models, "image_base64_tf2", "digits_tf2"),
    "frozen": lambda models, folder: joined(models, "image_base64", "digits", freeze=True),
    "findings": lambda models, folder: with_findings(folder),
    "adapters": lambda models, folder: apply(
        Plan.join(
            image=models / "image_base64",
            net=models / "digits",
            wires=["pixels | scale 2 | scale 1/2 = myInput"],
            steps=[Adapt(after={"myOutput": "top-k 3"})],
        )
    ),
}


@pytest.fixture(params=DRAFTS)
def draft(request: pytest.FixtureRequest, sample_models: Path, tmp_path: Path) -> Draft:
    return DRAFTS[request.param](sample_models, tmp_path)


def test_a_plan(draft: Draft) -> None:
    page, screen, data = (
        printed(lambda out: MergePages(draft, Needs()).dry_run(out)),
        shown(what_it_does(draft, details=True)),
        as_data(plan_json(draft)),
    )
    both = "\n".join(page), "\n".join(screen)
    told = plan_text(draft)

    assert data["nodes"].keys() == set(draft.plan.handles)
    for handle, numbers in data["nodes"].items():
        nodes = f"{count(numbers['kept'], 'node')} kept, {numbers['pruned']:,} pruned"
        if numbers["added"]:
            nodes += f", {numbers['added']:,} added"
        for fact in (nodes, count(numbers["functions"], "function")):
            assert all(fact in text for text in both), (handle, fact)
        for rule, number in data["renames"][handle]["counts"].items():
            assert all(f"{rule} {number:,} renamed" in one for one in (page, screen)), (handle, rule)

    assert data["rewritten"]["frozen"] == (2 if draft.plan.result.freeze else 0)
    for handle, kept in data["checkpoints"].items():
        row = f"variables of {handle} {size(kept['bytes'])}, {count(kept['tensors'], 'tensor')} in "
        row += count(kept["data_files"], "data file")
        assert row in page and row in screen, row
    for line in (told.variables, *told.conversions):
        assert line in page and line in screen
    files = f"Files to write {size(data['bytes'])}"
    assert files in page and files in screen

    for side, ports in (("in", data["after"]["inputs"]), ("out", data["after"]["outputs"])):
        for key, port in ports.items():
            sizes = ",".join("?" if one is None else str(one) for one in port["shape"])
            assert all(f"{side} {key} {port['dtype']} [{sizes}]" in one for one in (page, screen)), key

    through = [chain for chain in (*data["wires"], *data["adapters"]) if "through" in chain]
    assert len(through) == len(told.chains)
    for chain in through:
        for one in chain["through"]:
            assert all(f"{one['adapter']} {one['makes']}" in text for text in both), one

    severities = [finding["severity"] for finding in data["findings"]]
    counted = counts_text({one: severities.count(one) for one in ("error", "warning", "info")})
    assert (f"Findings {counted}" in page) == (f"Findings {counted}" in screen) == bool(counted)


def test_renames_are_shown_on_request(sample_models: Path) -> None:
    draft = joined(sample_models, "image_base64", "digits")
    brief, whole = ("\n".join(shown(what_it_does(draft, "./out", details=full))) for full in (False, True))
    assert "renamed" in whole and "renamed" not in brief and "f2" in brief and "f2" not in whole
    for line in ("2 variables keep their values: 31.4 kB", "./out/", "in base64_input string []"):
        assert line in brief and line in whole
    frozen = joined(sample_models, "image_base64", "digits", freeze=True)
    told = shown(what_it_does(frozen))
    assert "The result has no variables." in told and "2 variables are converted to constants" in told


def test_the_plan_with_findings_has_some(tmp_path: Path) -> None:
    data = plan_json(with_findings(tmp_path))
    assert [one["code"] for one in data["findings"] if one["severity"] == "warning"] == ["R8-unknown-op"]


def published(draft: Draft, target: Path, options: CommitOptions) -> None:
    """A result is told alike by all."""
    report = commit(draft, target, verify=options.verify)
    needs = needs_of(draft.meta, draft.signature.key, allowed=options.allow_unsafe, verified=options.verify)
    page = printed(lambda out: MergePages(draft, needs).outcome(out, report))
    screen, data = shown(what_became(draft, report)), as_data(report.as_json())
    assert data["verdict"] == report.verdict
    assert page[0].startswith(f"{target}: {data['verdict']} {size(data['bytes'])}, ")
    assert screen[0] == f"✓ {data['verdict']}" and screen[1] == f"{target} {size(data['bytes'])}"
    assert data["reason"] in page and data["reason"] in screen
    for output in (data["verification"] or {}).get("outputs", ()):
        assert output["equal"]
        said = f"largest difference {output['max_abs']:.3g}" if output["max_abs"] else "equal"
        assert all(any(output["output"] in line and said in line for line in one) for one in (page, screen))
        values = f"values {row_text(output['values']['result'])}"
        assert output["values"]["reference"] == output["values"]["result"] and len(values) > 40
        assert all(values in line for line in (page, screen)), values
    call = call_of(draft, report, options)
    at = page.index("Call it from a shell") + 1
    assert page[at : at + len(call.shell)] == lines("\n".join(call.shell))
    assert lines("\n".join(call.python))[-1] in page


def test_a_result(draft: Draft, tmp_path: Path) -> None:
    published(draft, tmp_path / "out", CommitOptions(verify=False))


@pytest.mark.needs_tf
def test_a_verified_result(sample_models: Path, tmp_path: Path) -> None:
    published(joined(sample_models, "image_base64", "digits"), tmp_path / "out", CommitOptions())


def test_a_result_that_was_not_run(tmp_path: Path) -> None:
    """The same action, in the words of each face."""
    bad = reads_a_file(tmp_path / "a").save()
    draft = apply(plan(bad, doubler(tmp_path / "b").save()))
    report = commit(draft, tmp_path / "out")
    needs = needs_of(draft.meta, draft.signature.key, allowed=False, verified=True)
    page = printed(lambda out: MergePages(draft, needs).outcome(out, report))
    screen, data = shown(what_became(draft, report)), as_data(report.as_json())
    assert (data["verdict"], data["path"]) == ("not run", None)
    assert page[0].startswith("Not published: not run") and screen[0] == "✗ not run"
    assert data["reason"] in page and data["reason"] in screen
    assert data["action"] == {"name": "allow-unsafe", "arguments": {}}
    assert data["hint"] == words(report.hint, "command line") and data["hint"] in page
    assert words(report.hint, "terminal UI") in screen
    assert "--allow-unsafe" in data["hint"] and "--" not in words(report.hint, "terminal UI")
