"""Arguments of the commands that run one signature: which, on what, where its values go."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli import verifying
from workbench.cli.arguments import add_overwrite, completes_files
from workbench.cli.output import Output

if TYPE_CHECKING:
    from workbench.model import Model
    from workbench.probing.target import Target


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the model and what of it is run."""
    completes_files(
        parser.add_argument(
            "model", metavar="MODEL", type=Path, help="SavedModel folder or frozen GraphDef file"
        )
    )


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the flags that choose what is run and on what."""
    parser.add_argument(
        "-i", "--input", action="append", default=[], metavar="KEY=VALUE", dest="inputs",
        help="value of an input; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--signature", "--signature_def", metavar="KEY",
        help="signature to run, or a callable such as __call__[2] (default: serving_default, else the only one)",
    )  # fmt: skip
    parser.add_argument(
        "--tag-set", "--tag_set", metavar="TAGS", help="tag set of the MetaGraph, such as serve,gpu"
    )


def add_results(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the flags for results, and those that say how TensorFlow is run."""
    parser.add_argument("--json", action="store_true", help="print one line of JSON to stdout")
    parser.add_argument("--npz", type=Path, metavar="FILE", help=f"write {what} to a .npz file")
    add_overwrite(parser, "--npz")
    verifying.add_child_flags(parser.add_argument_group("TensorFlow"))


def open_target(args: argparse.Namespace, out: Output) -> Target:
    """Return what the arguments say to run; notes on the model go to stderr."""
    from workbench.disk.atomic.outputs import check_output
    from workbench.model import open_model
    from workbench.probing.target import find_target

    model: Model = open_model(args.model, args.tag_set)
    if args.npz is not None:
        check_output(args.npz, overwrite=args.overwrite, sources=[model.place])
    for note in model.notes:
        out.talk(note)
    return find_target(model, None, args.signature)


def child_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `wb.run` and `wb.probe` that say how TensorFlow is run."""
    return {
        "python": args.python,
        "imports": tuple(args.imports),
        "op_libraries": tuple(args.op_libraries),
        "gpu": args.gpu,
        "time_limit": args.time_limit,
        "allow_unsafe": args.allow_unsafe,
    }
