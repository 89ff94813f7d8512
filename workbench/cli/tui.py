"""The terminal workbench: open models, look into them, wire them, see the joined graph, commit.

Without MODEL it starts with recent and sample models. A plan saved as a recipe (.json) can be opened as well.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import cast

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
    """Adds the arguments."""
    completes_files(
        parser.add_argument("models", nargs="*", type=Path, metavar="MODEL", help="models, or one saved plan")
    )
    parser.add_argument("--theme", default="", metavar="NAME", help="dark, light, 16, or a name of Textual's")
    parser.add_argument("--ascii", action="store_true", help="draw without Unicode box glyphs")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument(
        "--serve",
        action="store_true",
        help="show it in a browser of this machine, at an address only you are told",
    )
    parser.add_argument("--port", type=int, default=0, help="for --serve; 0 takes a free one")


def run(args: argparse.Namespace, out: Output) -> int:
    """Starts it."""
    if args.serve:
        serve = import_module("workbench.tui.serve")
        return cast(int, serve.serve(args.models, args.port, theme=args.theme, ascii=args.ascii))
    served = "TEXTUAL_DRIVER" in os.environ
    if not served and not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError(
            "The terminal workbench needs a terminal.",
            hint="In scripts use workbench inspect and workbench merge; see workbench --help.",
        )
    theme = {"dark": "workbench-dark", "light": "workbench-light", "16": "workbench-16"}.get(
        args.theme, args.theme
    )
    # by name, so that the two faces never know each other
    start = import_module("workbench.tui.start")
    return cast(int, start.start(args.models, theme=theme, ascii=args.ascii, mouse=not args.no_mouse))
