"""`python -m workbench`, and the console script."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    gc.disable()  # importing makes no garbage; the command line turns it on for the command
    from workbench.cli.main import main as run

    code = run()
    gc.freeze()  # the process ends: a last walk over all that was read would only take time
    sys.exit(code)


if __name__ == "__main__":
    main()
