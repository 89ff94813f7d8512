"""Open the terminal UI: look into models, wire them, preview the joined graph, commit.

Without MODEL it starts with recent models and the sample models. A plan saved as a recipe (.json) can be opened, too.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from workbench.cli.arguments import completes_files
from workbench.cli.output import Output
from workbench.errors import UsageError

EXAMPLES = """\
examples:
  workbench tui
  workbench tui ./image ./digits
  workbench tui plan.json
  workbench tui ./image ./digits --serve
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    completes_files(
        parser.add_argument("models", nargs="*", type=Path, metavar="MODEL", help="models, or one recipe")
    )
    parser.add_argument(
        "--theme",
        default="",
        metavar="NAME",
        help="dark, light, 16 (the terminal's colours), or the name of a Textual theme",
    )
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    parser.add_argument(
        "--no-mouse", action="store_true", help="do not use the mouse, so that the terminal can select text"
    )
    parser.add_argument(
        "--serve",
        action="store_true",
        help="show the UI in a browser on this machine, at a secret address",
    )
    parser.add_argument("--port", type=int, default=0, help="port for --serve (default: any free port)")


def run(args: argparse.Namespace, out: Output) -> int:
    """Start the terminal UI."""
    if args.serve:
        from workbench.tui.serve import serve

        return serve(args.models, args.port, theme=args.theme, ascii=args.ascii)
    served = "TEXTUAL_DRIVER" in os.environ
    if not served and not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError(
            "The terminal UI needs a terminal.",
            hint="In scripts, use workbench inspect and workbench merge; see workbench --help.",
        )
    theme = {"dark": "workbench-dark", "light": "workbench-light", "16": "workbench-16"}.get(
        args.theme, args.theme
    )
    from workbench.tui.start import start

    return start(args.models, theme=theme, ascii=args.ascii, mouse=not args.no_mouse)
