"""Helpers for tests of joins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.findings import Finding
from workbench.model import Model
from workbench.surgery.draft import Draft, build
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.flatten import Flatten
from workbench.surgery.operations.freeze import Freeze
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.rewrite.prefix import Rule
from workbench.surgery.step import Step

Models = Callable[[str], Source]
"""A name of the zoo, of `models.py` or of a sample model, with `#SIGNATURE` behind it if wanted → a source."""


def plan_of(models: Models, parts: Mapping[str, str], wires: Iterable[str], **options: Any) -> Plan:
    """A plan from handle → model name, and `OUT=IN` (split at ` = ` if there is one)."""
    sources = []
    for handle, name in parts.items():
        found = models(name)
        sources.append(Source(handle, found.path, found.tags, found.signature))
    return Plan(tuple(sources), tuple(map(wire, wires)), ResultOptions(**options))


def wire(text: str) -> Connect:
    left, _, right = text.partition(" = ") if " = " in text else text.partition("=")
    return Connect(left, right)


def draft_of(plan: Plan, *, without: Iterable[Rule] = ()) -> Draft:
    """The draft, or a failure that shows why there is none."""
    draft, findings = build(plan, without=without)
    assert draft is not None, "\n".join(map(str, findings))
    return draft


@dataclass(frozen=True)
class Refused:
    """What a plan that a finding forbids gives."""

    findings: list[Finding]


def changed(model: Model, *steps: Step) -> Any:
    """The draft of a plan that changes one opened model, or what was found if that is forbidden."""
    plan = Plan.edit(model, *steps)
    draft, findings = build(plan, {plan.handles[0]: model})
    return Refused(findings) if draft is None else draft


def made(model: Model, *steps: Step) -> Draft:
    """The same, or a failure that shows why there is no draft."""
    draft = changed(model, *steps)
    assert isinstance(draft, Draft), "\n".join(map(str, draft.findings))
    return draft


def tampered(draft: Draft) -> Draft:
    """The draft as if its message had been built as it is now: what was read of it before is forgotten."""
    for name in ("parts_of_message", "meta"):
        draft.__dict__.pop(name, None)
    return draft


def flattened(model: Model, format: Any = "auto") -> Draft:
    """A model flattened."""
    return made(model, Flatten(format))


def frozen(model: Model) -> Draft:
    """A model frozen."""
    return made(model, Freeze())


def findings_of(plan: Plan) -> list[Finding]:
    return build(plan)[1]


def codes(findings: Iterable[Finding], *severities: str) -> list[str]:
    return [found.code for found in findings if not severities or found.severity in severities]


def the(findings: Iterable[Finding], code: str) -> Finding:
    """The only finding with a code."""
    found = [one for one in findings if one.code == code]
    assert len(found) == 1, (code, list(map(str, findings)))
    return found[0]


def read_pb(folder: Path) -> Any:
    """The SavedModel message on disk."""
    from workbench.disk import schema

    return schema.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
