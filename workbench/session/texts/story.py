"""The story: two sample models are joined, step by step, with a line of guidance for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from workbench.disk.samples import STORY, sample_models

if TYPE_CHECKING:
    from workbench.session.session import Session

Place = Literal["models", "picture", "commit"]
"""A screen that the story leads to."""

STEPS = (
    "The first model turns a picture into 784 pixels; the second reads a digit from 784 numbers. The output pixels "
    "is picked, and ✓ marks the input that it fits. Press space to connect them.",
    "Connected: one model now. Press v to see its graph.",
    "Arrow keys select boxes, enter opens one, s shows the boundary between the two models. Press c to commit.",
    "Nothing is written yet. Press ^s: the model is written, run by TensorFlow, and compared with its two sources.",
    "Done: the new model takes a picture, and the verdict says that it computes what the two models did. "
    "Esc returns to the models; E explains what is under the cursor.",
)


@dataclass(slots=True)
class Story:
    """Where in the story a session is.

    Attributes:
        picked: whether the output was picked for the user.
        seen: the screens that were looked at.
    """

    picked: bool = False
    seen: frozenset[Place] = frozenset()

    def look(self, place: Place) -> None:
        """Note that a screen is shown."""
        self.seen |= {place}

    def step(self, session: Session) -> int:
        """Return the number of the step to do now, from 1."""
        if not session.plan.wires:
            return 1
        if not session.unsaved:
            return 5
        if "commit" in self.seen:
            return 4
        return 3 if "picture" in self.seen else 2

    def line(self, session: Session) -> str:
        """Return the guidance for the step to do now."""
        number = self.step(session)
        return f"{number} of {len(STEPS)}  {STEPS[number - 1]}"


def begin(session: Session) -> Story:
    """Open the models of the story in an empty session."""
    for name in STORY:
        session.add(sample_models() / name)
    return Story()


def is_told(session: Session) -> bool:
    """Return whether the models of the story are still open."""
    names = {source.path.name for source in session.plan.sources}
    return set(STORY) <= names
