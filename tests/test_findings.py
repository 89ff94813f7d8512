"""Findings for people: many alike are counted."""

from __future__ import annotations

from workbench.findings import Action, Finding, Hint, in_short


def test_many_alike_are_counted_where_they_stood() -> None:
    alike = [Finding("a", "error", f"n{number}", "Wrong.") for number in range(98)]
    short = in_short([*alike[:50], Finding("b", "warning", "x", "Odd."), *alike[50:]], limit=3)
    assert [finding.where for finding in short] == ["n0", "n1", "n2", "x", ""]
    assert short[-1] == Finding("a", "error", "", "95 more like this.", Hint("", Action("list-all")), 95)


def test_few_are_all_there() -> None:
    few = [
        Finding("a", severity, str(number), "Wrong.") for severity in ("error", "info") for number in range(3)
    ]
    assert in_short(few, limit=3) == few
