"""Arguments of the commands that run one signature: which, on what, where its values go."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli import verifying
from workbench.cli.arguments import add_overwrite, completes_files
from workbench.cli.output import Output
from workbench.errors import InputError, UsageError
from workbench.names import show

if TYPE_CHECKING:
    import numpy as np

    from workbench.model import Model
    from workbench.probing.target import Target
    from workbench.runtime.component_tensors import ComponentTensor

    Array = np.ndarray[Any, Any]


def add_model(parser: argparse.ArgumentParser, *, with_dir: bool = False) -> None:
    """Add the model; `with_dir` also as saved_model_cli names it."""
    text = "SavedModel folder or frozen GraphDef file"
    number = "?" if with_dir else None
    completes_files(parser.add_argument("model", metavar="MODEL", type=Path, nargs=number, help=text))
    if with_dir:
        same = "the same, as for saved_model_cli"
        completes_files(parser.add_argument("--dir", metavar="MODEL", type=Path, help=same))


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


def add_files_and_expressions(parser: argparse.ArgumentParser) -> None:
    """Add the flags of saved_model_cli that give values."""
    group = parser.add_argument_group("values as for saved_model_cli", "Each is KEY=…;KEY=…, and repeatable.")
    group.add_argument(
        "--inputs", action="append", default=[], metavar="KEY=FILE[NAME]", dest="files",
        help="values from .npy files and arrays of .npz files; pickles are refused",
    )  # fmt: skip
    group.add_argument(
        "--input_exprs", "--input-exprs", action="append", default=[], metavar="KEY=EXPRESSION", dest="expressions",
        help="NumPy expressions: np.ones((1,784)), [[1,2]]*3; random numbers are the same each time",
    )  # fmt: skip
    group.add_argument(
        "--input_examples", "--input-examples", action="append", default=[], metavar="KEY=LIST", dest="examples",
        help="a serialized tf.train.Example for each dict of a list: [{'age': [22.0]}]",
    )  # fmt: skip


def given_values(args: argparse.Namespace, components: Mapping[str, ComponentTensor]) -> dict[str, Array]:
    """Return the values that the flags give, by component.

    Raises:
        InputError: one does not fit, or is given twice.
    """
    from workbench.runtime.inputs.values import parse_inputs
    from workbench.runtime.inputs.written.saved_model_cli import (
        parse_examples,
        parse_expressions,
        parse_files,
    )

    found = parse_inputs(args.inputs, components)
    for parse, texts in (
        (parse_files, args.files),
        (parse_expressions, args.expressions),
        (parse_examples, args.examples),
    ):
        for name, value in parse(texts, components).items():
            if name in found:
                raise InputError("It is given twice.", where=show(name), hint="Give each input one value.")
            found[name] = value
    return found


def add_results(parser: argparse.ArgumentParser, what: str, written_by: str = "--npz") -> None:
    """Add the flags for results, and those that say how TensorFlow is run.

    Args:
        parser: of the command.
        what: it writes with `--npz`.
        written_by: the options that write files.
    """
    parser.add_argument("--json", action="store_true", help="print one line of JSON to stdout")
    parser.add_argument("--npz", type=Path, metavar="FILE", help=f"write {what} to a .npz file")
    add_overwrite(parser, written_by)
    verifying.add_child_flags(parser.add_argument_group("TensorFlow"))


def open_target(args: argparse.Namespace, out: Output) -> Target:
    """Return what the arguments say to run; notes on the model go to stderr."""
    from workbench.disk.atomic.outputs import check_output
    from workbench.model import open_model
    from workbench.probing.target import find_target

    model: Model = open_model(model_path(args), args.tag_set)
    if args.npz is not None:
        check_output(args.npz, overwrite=args.overwrite, sources=[model.place])
    for note in model.notes:
        out.talk(note)
    texts = [*args.inputs, *args.files, *args.expressions, *args.examples, *getattr(args, "other_inputs", ())]
    fed = [text.strip().partition("=")[0] for text in texts]
    return find_target(model, None, args.signature, fed=fed, fetched=getattr(args, "tensors", ()))


def model_path(args: argparse.Namespace) -> Path:
    """Return the path of the model.

    Raises:
        UsageError: none is named, or it is named in two ways.
    """
    found: list[Path] = [path for path in (args.model, getattr(args, "dir", None)) if path is not None]
    if len(found) > 1:
        raise UsageError("MODEL is given twice.", hint="Leave out --dir or MODEL.")
    if not found:
        raise UsageError("No MODEL is given.", hint="Name a SavedModel folder.")
    return found[0]


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
