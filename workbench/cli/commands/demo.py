"""Run the main job on the sample models: two models become one that reads a digit from a base64 PNG.

It inspects both models, merges them into a new folder, verifies the result, and classifies a PNG with it. Each step
prints the command that does the same.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli import verifying
from workbench.cli.arguments import add_json
from workbench.cli.output import SCHEMA_VERSION, Output
from workbench.describe.values import arrays_json
from workbench.disk.samples import sample_models
from workbench.errors import MissingFile

if TYPE_CHECKING:
    from workbench.runtime.child_process.child import Child

EXAMPLES = """\
examples:
  workbench demo
  workbench demo -o ./merged
"""
_DIGIT = 3


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="new folder (default: demo/merged, or the next free name)",
    )
    add_json(parser, "print one line of JSON for all steps")
    verifying.add_child_flags(parser.add_argument_group("TensorFlow"))


def run(args: argparse.Namespace, out: Output) -> int:
    """Run the demo; each step is the command that it prints."""
    from workbench.cli.commands import inspect, merge
    from workbench.cli.commands import run as runner
    from workbench.describe.calling import short
    from workbench.runtime.child_process.child import TIME_LIMIT, Child

    samples = sample_models()
    image, digits = samples / "image_base64", samples / "digits"
    png = samples / "digits_png" / f"sample-{_DIGIT}.png"
    for path in (image, digits, png):
        if not path.exists():
            raise MissingFile(
                "The sample models are incomplete.", where=str(path), hint="Reinstall the package."
            )
    target = str(args.output or _free(Path("demo/merged")))
    child = Child(
        args.python,
        imports=args.imports,
        op_libraries=args.op_libraries,
        gpu=args.gpu,
        time_limit=args.time_limit or TIME_LIMIT,
    )
    if out.json:
        return _as_json(child, [short(image), short(digits)], target, short(png), out)
    with child:  # one TensorFlow for all steps; it is imported while the first is read
        words = [short(image), short(digits)]
        inspect.run(_step(out, "1. Inspect both models.", "inspect", words), out)
        words += ["--wire", "pixels=myInput", "-o", target]
        code = merge.run(_step(out, "2. Join them and verify the result.", "merge", words), out, child)
        if code:
            return code
        words = [target, "--input", f"base64_input=base64url:@{short(png)}"]
        _, outputs = runner.call(
            _step(out, f"3. Send the result a picture of a {_DIGIT}.", "run", words), out, child
        )
    runner.print_outputs(out, outputs)
    out.line()
    out.heading(
        f"It answers {int(outputs['myOutput'].argmax())}.",
        f"Its variables are still variables: workbench inspect {shlex.quote(target)}",
    )
    return 0


def _as_json(child: Child, models: list[str], target: str, png: str, out: Output) -> int:
    """Run the same steps with --json and print one line."""
    from workbench.cli.commands import inspect, merge
    from workbench.cli.commands import run as runner
    from workbench.cli.main import make_parser

    steps: list[dict[str, Any]] = []

    def step(name: str, words: list[str]) -> tuple[argparse.Namespace, Output]:
        words = [*words, "--json"]
        collected = _Collected(out)
        steps.append({"command": shlex.join(["workbench", name, *words]), "output": collected.found})
        return make_parser(name).parse_args(words), collected

    digit = None
    with child:
        inspect.run(*step("inspect", models))
        code = merge.run(*step("merge", [*models, "--wire", "pixels=myInput", "-o", target]), child)
        if not code:
            args, collected = step("run", [target, "--input", f"base64_input=base64url:@{png}"])
            key, outputs = runner.call(args, collected, child)
            collected.emit({"schema_version": 1, "signature": key, "outputs": arrays_json(outputs)})
            digit = int(outputs["myOutput"].argmax())
    out.emit({"schema_version": SCHEMA_VERSION, "steps": steps, "digit": digit})
    return code


class _Collected(Output):
    """Keeps a command's output as data."""

    def __init__(self, out: Output) -> None:
        super().__init__(
            json=True, quiet=out.quiet, verbose=out.verbose, stdout=out.stdout, stderr=out.stderr
        )
        self.found: list[object] = []

    def emit(self, value: object) -> None:
        """Keep it."""
        self.found.append(value)


def _step(out: Output, title: str, name: str, words: list[str]) -> argparse.Namespace:
    """Print a step and its command; return the command's arguments."""
    from workbench.cli.main import make_parser
    from workbench.describe.calling import command

    lines = command(["workbench", name, *words])
    out.line()
    out.heading(title)
    out.code([f"{'  ' if number else '$ '}{text}" for number, text in enumerate(lines)], "cyan")
    out.line()
    out.flush()
    return make_parser(name).parse_args(words)


def _free(path: Path) -> Path:
    candidate, number = path, 2
    while candidate.exists():
        candidate, number = path.with_name(f"{path.name}-{number}"), number + 1
    return candidate
