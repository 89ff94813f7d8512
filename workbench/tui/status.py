"""How a plan stands, as pieces of the head line and of the tabs: models, what is picked, what hinders a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.findings import total
from workbench.names import count, show
from workbench.session.steps import counted
from workbench.tui import glyphs

if TYPE_CHECKING:
    from workbench.session.lists.picking import Picked
    from workbench.session.session import Session

Piece = tuple[str, str]


def models(session: Session, title: str) -> list[Piece]:
    """Return the pieces of the title: the models, an arrow along their wires."""
    pieces: list[Piece] = [(f"{title}  ", "strong")]
    wired = {session.ends_of(wire) for wire in session.plan.wires}
    handles = session.handles
    for position, source in enumerate(session.plan.sources):
        if position:
            forth = (handles[position - 1], source.handle)
            arrow = glyphs.arrow(forth in wired, forth[::-1] in wired)
            pieces.append((f"  {arrow}  ", "quiet"))
        pieces.append((f"{glyphs.mark(position)} {show(source.handle)}", f"model-{position % 4}"))
    return pieces


def standing(session: Session, picked: Picked | None) -> list[Piece]:
    """Return the state of the plan: the pick, or the wires and steps and whether they can be committed."""
    if picked is not None:
        told = "an output wires it, on an input shares it" if picked.side == "target" else "an input wires it"
        return [
            (f"{glyphs.PICKED} {show(picked.endpoint.written, 40)}", "strong"),
            (f"  space on {told}", "quiet"),
        ]
    plan = session.plan
    made = counted(len(plan.wires), len(plan.other_steps)) or ("0 wires" if plan.sources[1:] else "")
    found: list[Piece] = [(made, "quiet")] if made else []
    outcome = session.outcome
    if outcome is None:
        return found
    warnings = total(outcome.findings, "warning")
    if outcome.errors:
        found.append((f"  {glyphs.NO} {count(outcome.errors, 'error')}", "bad"))
    elif outcome.draft is not None:
        found.append((f"  {glyphs.FITS} can be committed", "good"))
    if warnings:
        found.append((f"  ! {count(warnings, 'warning')}", "maybe"))
    return found


def tabs(session: Session) -> list[tuple[str, str]]:
    """Return (region, label) of each tab."""
    labels = [
        (f"pane-{position}", f"{glyphs.mark(position)} {show(source.handle)}")
        for position, source in enumerate(session.plan.sources)
    ] or [("pane-0", "no model")]
    findings = total(session.outcome.findings) if session.outcome is not None else 0
    wires, steps = len(session.plan.wires), len(session.plan.other_steps)
    listed = [f"wires {wires}"] if wires or session.plan.sources[1:] else []
    if steps:
        listed.append(f"steps {steps}")
    lists = [("wires", ", ".join(listed))] if listed else []
    return [*labels, *lists, ("findings", f"findings {findings:,}")]


def list_title(session: Session) -> str:
    """Return the title of the list of wires and steps, by what it may hold."""
    plan = session.plan
    if not plan.sources[1:] and not plan.wires:
        return "Steps"
    return "Wires and steps" if plan.other_steps else "Wires"
