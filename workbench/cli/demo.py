"""Show the main job on the sample models: two models become one that reads a digit from a base64 PNG.

It inspects both, merges them into a new folder, proves the result, classifies a PNG with it, and prints each command
it stands for.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from types import SimpleNamespace

from workbench import sample_models
from workbench.cli import verifying
from workbench.cli.output import Output
from workbench.errors import MissingFile

EXAMPLES = """\
examples:
  workbench demo
  workbench demo -o ./merged
"""
_DIGIT = 3


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="the new folder (demo/merged, the next free)"
    )
    verifying.add_child_flags(parser.add_argument_group("how TensorFlow is run"))


def run(args: argparse.Namespace, out: Output) -> int:
    """Tells the story."""
    from workbench.cli import merge
    from workbench.cli.merge_page import short
    from workbench.cli.run import print_outputs
    from workbench.model import open_model
    from workbench.surgery.draft import apply
    from workbench.surgery.plan import Plan, SourceList

    samples = sample_models()
    image, digits = samples / "image_base64", samples / "digits"
    png = samples / "digits_png" / f"sample-{_DIGIT}.png"
    for path in (image, digits, png):
        if not path.exists():
            raise MissingFile(
                "The sample models are not complete.", where=str(path), hint="Install the package again."
            )
    target = args.output or _free(Path("demo/merged"))

    _step(out, "1. What have we got?", ["workbench", "inspect", short(image), short(digits)])
    _brief(out, image, digits)
    wire = ["--wire", "pixels=myInput"]
    _step(out, "2. Join them.", ["workbench", "merge", short(image), short(digits), *wire, "-o", str(target)])
    sources = SourceList()
    sources.add(image)
    sources.add(digits)
    plan = merge.with_wires(
        Plan(tuple(sources.sources)),
        ["pixels=myInput"],
        {source.handle: open_model(source.path) for source in sources.sources},
    )
    flags = SimpleNamespace(
        output=target, serving=False, no_verify=False, inputs=[], tolerance=None, **_child_flags(args)
    )
    code = merge.commit_and_tell(apply(plan), flags, out)  # type: ignore[arg-type]
    if code:
        return code
    value = f"base64_input=base64url:@{short(png)}"
    _step(out, f"3. Send it a picture of a {_DIGIT}.", ["workbench", "run", str(target), "--input", value])
    from workbench.runtime.api import run as run_model
    from workbench.runtime.slots import input_slots
    from workbench.runtime.values import parse_inputs

    merged = open_model(target)
    signature = merged.meta.signature()
    inputs = parse_inputs([f"base64_input=base64url:@{png}"], input_slots(merged.meta, signature))
    outputs = run_model(merged, inputs, python=args.python)
    print_outputs(out, outputs)
    answer = int(outputs["myOutput"].argmax())
    out.line()
    out.heading(
        f"It says {answer}.",
        "the variables are variables still: workbench inspect " + shlex.quote(str(target)),
    )
    return 0


def _child_flags(args: argparse.Namespace) -> dict[str, object]:
    names = ("allow_unsafe", "python", "imports", "op_libraries", "gpu", "time_limit")
    return {name: getattr(args, name) for name in names}


def _step(out: Output, title: str, words: list[str]) -> None:
    from workbench.cli.calling import command

    out.line()
    out.heading(title)
    out.code([f"{'  ' if number else '$ '}{text}" for number, text in enumerate(command(words))], "cyan")
    out.line()
    out.flush()


def _brief(out: Output, *paths: Path) -> None:
    from workbench.cli import inspect
    from workbench.cli.main import make_parser

    inspect.run(make_parser("inspect").parse_args([str(path) for path in paths]), out)


def _free(path: Path) -> Path:
    candidate, number = path, 2
    while candidate.exists():
        candidate, number = path.with_name(f"{path.name}-{number}"), number + 1
    return candidate
