"""A finding: what is wrong, what happens because of it, and the next move."""

from __future__ import annotations

from workbench.checks.codes import registry
from workbench.checks.unsafe.report import Danger
from workbench.describe.actions import Face, words
from workbench.explaining.explanation import Explanation, Line, section
from workbench.explaining.view import listed, quoted
from workbench.findings import Finding
from workbench.names import CALL_SEPARATOR, show

_SEVERITY = {
    "error": "An error: TensorFlow refuses it, or computes wrong values.",
    "warning": "A warning: it may be wrong, or may fail for some inputs.",
    "info": "Good to know; nothing has to be done.",
}
_TIER = {
    "code": "It can run any code.",
    "process": "It acts on the process or its devices.",
    "write": "It writes or removes files.",
    "read": "It reads files.",
    "network": "It uses the network.",
}


def explain_finding(finding: Finding, face: Face = "command line", link: str | None = None) -> Explanation:
    """Return the explanation of a finding: its message, why it matters, what to do.

    Args:
        finding: of any check.
        face: in whose words the next move is.
        link: what `explain` takes for the finding's place, or None.
    """
    code = registry().get(finding.code)
    title = f"{code.title[:1].upper()}{code.title[1:]}. " if code is not None else ""
    hint = words(finding.hint, face)
    general = words(code.fix, face) if code is not None else ""
    sections = (
        section("What was found", Line(finding.message)),
        section("Where", Line(quoted(finding.where), link) if finding.where else None),
        section("Why it matters", code.why if code is not None else None),
        section("What to do", hint or None, general if general and general != hint else None),
        section("Code", f"{finding.code}: `workbench check --explain {finding.code}` explains it as well."),
    )
    return Explanation(
        f"finding:{finding.code}",
        "finding",
        f"{title}{_SEVERITY[finding.severity]}",
        tuple(one for one in sections if one.lines),
    )


def explain_danger(danger: Danger) -> Explanation:
    """Return the explanation of an unsafe op: what it does, what reaches it, what that means for running."""
    address = CALL_SEPARATOR.join((*danger.path, danger.node))
    reached = listed([quoted(one) for one in danger.signatures])
    if danger.excuse is not None:
        runs = f"It runs without asking: {danger.excuse}."
    elif reached:
        runs = f"It is reached by {reached}. Running that needs your permission."
    else:
        runs = "No signature, callable or loading step reaches it."
    return Explanation(
        f"op:{danger.op}",
        "finding",
        f"The op {show(danger.op)} does more than compute: {danger.why}. {_TIER.get(danger.tier, '')}".strip(),
        (
            section("Where", Line(quoted(address), address)),
            section("What reaches it", runs),
            section(
                "The op", Line(f"What `{show(danger.op)}` does is explained with the op.", f"op:{danger.op}")
            ),
        ),
    )
