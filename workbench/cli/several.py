"""Commands over several models: one that can't be read does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.cli.output import Output
from workbench.errors import WorkbenchError


def each(paths: Sequence[str], out: Output, one: Callable[[str], int]) -> int:
    """Run an action on each model, a blank line between; return the largest exit code.

    Args:
        paths: of the models.
        out: where an error is shown, if there are several.
        one: takes a path and returns an exit code.

    Raises:
        WorkbenchError: of the only model.
    """
    worst = 0
    for number, path in enumerate(paths):
        if number:
            out.line()
        try:
            worst = max(worst, one(path))
        except WorkbenchError as problem:
            if len(paths) == 1:
                raise
            out.error(problem)
            worst = max(worst, problem.exit_code)
    return worst
