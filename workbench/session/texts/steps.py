"""The explanation of a step: what its operation does, and its fields."""

from __future__ import annotations

import dataclasses

from workbench.explaining.explanation import Explanation, section
from workbench.surgery.step import Step, print_step, summary


def explain_step(step: Step) -> Explanation:
    """Return the explanation of a step of a plan."""
    text = summary(step.NAME)
    fields = [
        f"{field.name}: {field.metadata['help']}."
        for field in dataclasses.fields(step)
        if getattr(step, field.name) != field.default
    ]
    return Explanation(
        print_step(step),
        "wire",
        f"A step of the plan: {text[:1].lower()}{text[1:].rstrip('.')}.",
        (
            section("Fields that are set", *fields),
            section("As `--step` takes it", print_step(step)),
            section("What to do", "Enter changes the step; d removes it; u undoes the last change."),
        ),
    )
