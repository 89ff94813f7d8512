"""`workbench COMMAND …`: find the command, import its module, report errors."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from time import monotonic
from typing import Any, NoReturn, cast

from workbench.cli.output import Output
from workbench.describe.text import size
from workbench.errors import CannotWrite, PlanError, UsageError, WorkbenchError
from workbench.findings import only_names
from workbench.names import did_you_mean, show

INTERRUPTED = 130

COMMANDS: dict[str, tuple[str, str]] = {
    "inspect": (
        "workbench.cli.commands.inspect",
        "show signatures, callables, variables, ops, functions and assets",
    ),
    "check": (
        "workbench.cli.commands.check",
        "find what is wrong with a model, for TensorFlow Serving as well",
    ),
    "explain": (
        "workbench.cli.commands.explain",
        "explain a model, a node, a function or a word in plain sentences",
    ),
    "merge": ("workbench.cli.commands.merge", "join models: connect outputs of one to inputs of the next"),
    "edit": ("workbench.cli.commands.edit", "change a model by several operations, verified once"),
    "apply": ("workbench.cli.commands.apply", "replay a recipe, on its sources or on others"),
    "verify": ("workbench.cli.commands.verify", "verify a result again, or compare two models"),
    "run": ("workbench.cli.commands.run", "run a signature on given values"),
    "probe": ("workbench.cli.commands.probe", "run a signature and show values on the way, inside calls too"),
    "tui": (
        "workbench.cli.commands.tui",
        "open the terminal UI: look into models, wire them, preview, commit",
    ),
    "draw": ("workbench.cli.commands.draw", "draw the graph behind a signature as text, SVG, DOT or Mermaid"),
    "demo": (
        "workbench.cli.commands.demo",
        "join a base64 image decoder to a digit classifier, step by step",
    ),
    "learn": (
        "workbench.cli.commands.learn",
        "learn in lessons what is in a SavedModel; prove and mark lessons",
    ),
    "show": ("workbench.cli.commands.show", "show a model as saved_model_cli show does"),
    "scan": (
        "workbench.cli.commands.scan",
        "list unsafe ops: those that reach files, network, process or Python",
    ),
    "completion": ("workbench.cli.commands.completion", "print a completion script for bash, zsh or tcsh"),
}
"""Command → (module, summary). A module gives `EXAMPLES`, `configure(parser)` and `run(args, out) -> int`.

Besides these, each operation that changes one model is a command.
"""

_EXAMPLES = """\
examples:
  workbench inspect ./model
  workbench merge ./image ./digits --wire pixels=myInput -o ./merged
  workbench run ./merged --input base64_input=base64url:@three.png
  workbench inspect --help
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `UsageError` and offers the nearest names.

    Attributes:
        examples: returns the examples, which stand at the end of the help. Called only when the help is shown.
    """

    examples: Callable[[], str] = str
    _usage = ""

    def format_usage(self) -> str:
        """Return the usage; argparse asks for it before it parses anything."""
        self._usage = self._usage or super().format_usage()
        return self._usage

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong."""
        unknown = "unrecognized arguments: "
        if message.startswith(unknown):
            word = next(iter(message[len(unknown) :].split()), " ")
            close = ""
            if word.startswith("-"):
                options = [option for action in self._actions for option in action.option_strings]
                hint = did_you_mean(word.partition("=")[0], options, noun="options")
                close = f"{hint} " if hint.startswith("Did") else ""
            raise UsageError(
                f"{self.prog} does not know {show(word)!r}.", hint=f"{close}See {self.prog} --help."
            )
        raise UsageError(f"{self.prog}: {show(message, 1000)}.", hint=f"See {self.prog} --help.")

    def format_help(self) -> str:
        """Return the help, with the keys of the command's JSON at its end."""
        from workbench.cli.json_keys import described

        self.epilog = self.examples()
        return super().format_help() + described(self.prog.rpartition(" ")[2])

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            name = "/".join(action.option_strings) or action.metavar or action.dest
            raise UsageError(
                f"{show(str(value))!r} is not a value of {name}.", hint=did_you_mean(str(value), choices)
            )


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Wrap paragraphs and keep examples; find the width without importing shutil."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_help_width())

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        import textwrap

        parts = text.strip().split("\n\n")
        filled = [part if "\n  " in part else textwrap.fill(part, width) for part in parts]
        return textwrap.indent("\n\n".join(filled), indent) + "\n"


@cache
def _help_width() -> int:
    try:
        columns = int(os.environ.get("COLUMNS", "")) or os.get_terminal_size().columns
    except (ValueError, OSError):
        columns = 80
    return max(min(columns, 110) - 2, 40)


@cache
def make_parser(name: str) -> Parser:
    """Return the parser of one command, with the options that all have; a lesson runs many commands."""
    module = command(name)
    parser = Parser(
        prog=f"workbench {name}",
        description=module.__doc__,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.examples = lambda: module.EXAMPLES
    module.configure(parser)
    add_common(parser)
    return parser


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options every command has."""
    parser.add_argument("-q", "--quiet", action="store_true", help="print only data, verdicts and errors")
    parser.add_argument("-v", "--verbose", action="store_true", help="print details and times to stderr")


def summaries() -> dict[str, str]:
    """Return what each command does, without importing one; those of operations last."""
    from workbench.surgery.step import summary

    own = {name: told for name, (_, told) in COMMANDS.items()}
    return own | {name: summary(name) for name in _operations()}


@cache
def _operations() -> tuple[str, ...]:
    from workbench.surgery.step import commands

    return commands()


def command(name: str) -> Any:
    """Return the module of a command, or what stands in its place for an operation."""
    if name in COMMANDS:
        from importlib import import_module

        return import_module(COMMANDS[name][0])
    return _operation_command(name)


@cache
def _operation_command(name: str) -> Any:
    from workbench.cli.operation_command import OperationCommand

    return OperationCommand(name)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        argv: the words after `workbench`; None for those of this process.

    Returns:
        The exit code: 0 done, 1 a finding or verdict stopped it, 2 usage, 3 cannot read or write, 130
        interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that can't show a sign gets its escape, not a crash
            stream.reconfigure(errors="backslashreplace")
    out = Output(json="--json" in words, quiet="-q" in words or "--quiet" in words)
    started = monotonic()
    try:
        code = _dispatch(words, out)
        out.flush()
        out.detail(_cost(monotonic() - started))
        return code
    except WorkbenchError as problem:
        try:
            out.error(problem)
            out.flush()
        except CannotWrite:
            _let_go_of_stdout()
        return _exit_code(problem)
    except KeyboardInterrupt as stop:
        out.interrupted(getattr(stop, "__notes__", ()))
        return INTERRUPTED


def _exit_code(problem: WorkbenchError) -> int:
    """Return the exit code of an error.

    A name that is not there is a fault of usage, in a plan as anywhere else.
    """
    if isinstance(problem, PlanError) and only_names(problem.findings):
        return UsageError.exit_code
    return problem.exit_code


def _cost(seconds: float) -> str:
    """Return what a command took, for `-v`."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # there is none on Windows
        return f"took {seconds:.2f} s"
    peak = getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return f"took {seconds:.2f} s and up to {size(peak)} of memory"


def _dispatch(words: list[str], out: Output) -> int:
    if not words:
        if sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty():
            words = ["tui"]
        else:
            out.stdout.write(top_help())
            return UsageError.exit_code
    name, rest = words[0], words[1:]
    if name in ("-h", "--help", "help"):
        if rest and (rest[0] in COMMANDS or rest[0] in _operations()):
            make_parser(rest[0]).print_help()
        else:
            out.stdout.write(top_help())
        return 0
    if name == "--version":
        from workbench.version import __version__

        out.stdout.write(f"workbench {__version__}\n")
        return 0
    if name not in COMMANDS and name not in _operations():
        what, known = (
            ("option", ["--help", "--version"]) if name.startswith("-") else ("command", [*summaries()])
        )
        hint = did_you_mean(name, known, noun=f"{what}s", limit=50)
        raise UsageError(f"workbench has no {what} {show(name)!r}.", hint=f"{hint} See workbench --help.")
    try:
        args = make_parser(name).parse_intermixed_args(rest)
    except SystemExit as done:  # argparse ends --help this way
        return int(done.code or 0)
    out.json = bool(getattr(args, "json", False))
    out.quiet, out.verbose = args.quiet, args.verbose
    gc.set_threshold(300_000)  # a command makes many objects, hardly any of them garbage, and ends
    gc.enable()  # off while importing
    return cast(int, command(name).run(args, out))


def top_help() -> str:
    """Return the help of `workbench` itself."""
    found = summaries()
    width = max(map(len, found))
    lines = {name: f"  {name.ljust(width)}  {summary}\n" for name, summary in found.items()}
    return (
        "usage: workbench COMMAND [OPTIONS]\n\n"
        "Inspect, check, join, change and run TensorFlow SavedModels.\n\n"
        f"commands:\n{''.join(line for name, line in lines.items() if name in COMMANDS)}\n"
        f"commands that change one model:\n"
        f"{''.join(line for name, line in lines.items() if name not in COMMANDS)}\n"
        "options:\n"
        "  -h, --help  show this help, or with COMMAND its own\n"
        "  --version   show the version\n\n"
        f"{_EXAMPLES}"
    )


def _let_go_of_stdout() -> None:
    """Point stdout at nothing, so that a full disk does not fail twice."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
