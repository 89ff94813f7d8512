"""The sizes of panes that a user chose, and which panes are hidden; kept as long as the session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class PaneLayout:
    """Sizes of panes by group, and what is hidden.

    Attributes:
        sizes: for a group of panes beside or above each other, the size of each as it was last set, in cells; panes
            share another width or height in these proportions.
        lower: whether the panes below the models are shown; None while the user has not said.
        details: whether details stand beside the list where there is room.
        alone: whether the pane with the focus has the screen.
    """

    sizes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    lower: bool | None = None
    details: bool = True
    alone: bool = False

    def of(self, group: str, number: int) -> tuple[int, ...] | None:
        """Return the sizes of a group of this many panes, or None if they were not set."""
        found = self.sizes.get(group)
        return found if found is not None and len(found) == number else None

    def move(self, group: str, now: Sequence[int], at: int, by: int, least: int) -> bool:
        """Move the boundary behind a pane of a group; return false if there is no room.

        Args:
            group: the group.
            now: sizes of its panes in cells.
            at: the pane before the boundary.
            by: cells, negative towards the first pane.
            least: cells that each of both panes keeps.
        """
        sizes = list(now)
        by = max(least - sizes[at], min(by, sizes[at + 1] - least))
        if sizes[at] + sizes[at + 1] < 2 * least or by == 0:
            return False
        sizes[at] += by
        sizes[at + 1] -= by
        self.sizes[group] = tuple(sizes)
        return True

    def reset(self) -> None:
        """Forget all sizes, and show what was hidden."""
        self.sizes.clear()
        self.lower, self.details, self.alone = None, True, False
