"""Run a signature on given values, in a TensorFlow process of its own.

A VALUE is JSON (cast to the input's dtype; a cast that loses information is an error), a bare word for a string input,
@file.npy, @file.npz[name], @any.file (its bytes as one string), or base64url:@any.file. A sparse input takes
KEY.indices=, KEY.values= and KEY.dense_shape=. The flags of saved_model_cli are understood too.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.arguments import completes_folders
from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.cli.pages.probe_page import first_values
from workbench.cli.running import (
    add_choice,
    add_files_and_expressions,
    add_model,
    add_results,
    child_options,
    given_values,
    model_path,
    open_target,
)
from workbench.describe.values import arrays_json, text_of
from workbench.names import count, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.runtime.child_process.child import Child

EXAMPLES = """\
examples:
  workbench run ./merged --input base64_input=base64url:@three.png
  workbench run ./model --input x=[[1,2,3,4]] --json
  workbench run ./model --signature classify --input inputs=@x.npy --npz y.npz
  workbench run ./model --signature '__call__[2]' --made
  workbench run --dir ./model --tag_set serve --signature_def serving_default --input_exprs 'x=np.ones((1,784))'
"""
_MAX_LINES = 24


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model(parser, with_dir=True)
    add_choice(parser)
    parser.add_argument(
        "--made", action="store_true", help="make the inputs that are not given, and show them"
    )
    add_files_and_expressions(parser)
    completes_folders(
        parser.add_argument(
            "--outdir", type=Path, metavar="DIR", help="write each output to a .npy file in this folder"
        )
    )
    add_results(parser, "the outputs", written_by="--npz or --outdir")


def run(args: argparse.Namespace, out: Output) -> int:
    """Run a signature and print its outputs."""
    from workbench.describe.storing import check_npy_files, save_npy_files, save_npz

    sources = [model_path(args)]
    if args.outdir is not None:
        check_npy_files(args.outdir, sources)
    signature, outputs = call(args, out)
    if args.npz is not None:
        save_npz(args.npz, outputs, overwrite=args.overwrite, sources=sources)
        out.talk(f"{_outputs_are(outputs)} in {args.npz}")
    if args.outdir is not None:
        written = save_npy_files(args.outdir, outputs, overwrite=args.overwrite, sources=sources)
        out.talk(f"{_outputs_are(outputs)} in {args.outdir}: {', '.join(written)}")
    if out.json:
        out.emit({"schema_version": 1, "signature": signature, "outputs": arrays_json(outputs)})
    elif args.npz is None and args.outdir is None:
        print_outputs(out, outputs)
    return 0


def _outputs_are(outputs: Mapping[str, Any]) -> str:
    return f"{count(len(outputs), 'output')} {'is' if len(outputs) == 1 else 'are'}"


def call(args: argparse.Namespace, out: Output, child: Child | None = None) -> tuple[str, Mapping[str, Any]]:
    """Return the signature's key and its outputs for the values that the arguments give."""
    from workbench.probing.made_inputs import fill_inputs
    from workbench.probing.probed_tensor import probed
    from workbench.probing.run import run as run_model
    from workbench.runtime.component_tensors import input_components

    target = open_target(args, out)
    components = input_components(target.meta, target.signature)
    values = given_values(args, components)
    if args.made:
        values, made = fill_inputs(target, components, values)
        for name, note in made.items():
            out.line(f"{show(name)} was made: {note}", style="dim")
            shown = probed(name, "", values[name], keep=False)
            out.line(first_values(shown), style="dim", indent=2)
    outputs = run_model(target.model, values, args.signature, child=child, **child_options(args))
    return target.signature.key, outputs


def print_outputs(out: Output, outputs: Mapping[str, Any]) -> None:
    """Print each output with dtype, shape and values; numpy shortens long ones."""
    import numpy as np

    from workbench.model.shapes import text

    for key, array in outputs.items():
        is_string = array.dtype.kind in "OSU"
        dtype = "string" if is_string else array.dtype.name
        out.table([(show(key), f"{dtype} {text(tuple(array.shape))}")], [NAME, DTYPE], indent=0)
        if is_string:
            lines = [text_of(item) for item in array.reshape(-1)[:_MAX_LINES]]
        else:
            lines = np.array2string(array, max_line_width=76, precision=6, suppress_small=True).splitlines()
        for line in lines[:_MAX_LINES]:
            out.line(line, indent=2)
        if len(lines) > _MAX_LINES or (is_string and array.size > _MAX_LINES):
            out.line("… use --json or --npz FILE for all values", style="dim", indent=2)
        one_row = array.ndim and array.size == array.shape[-1] > 1
        if one_row and array.dtype.kind == "f" and np.isfinite(array).all():
            best = int(np.argmax(array))
            out.table([(f"largest: [{best}]", f"{float(array.reshape(-1)[best]):.4g}")], [TEXT, TEXT])
