"""Run a signature on given values, in a TensorFlow process of its own.

A VALUE is JSON (cast to the input's dtype; a cast that loses information is an error), a bare word for a string input,
@file.npy, @file.npz[name], @any.file (its bytes as one string), or base64url:@any.file. A sparse input takes
KEY.indices=, KEY.values= and KEY.dense_shape=.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.cli.running import add_choice, add_model, add_results, child_options, open_target
from workbench.describe.values import arrays_json, text_of
from workbench.names import show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.runtime.child_process.child import Child

EXAMPLES = """\
examples:
  workbench run ./merged --input base64_input=base64url:@three.png
  workbench run ./model --input x=[[1,2,3,4]] --json
  workbench run ./model --signature classify --input inputs=@x.npy --npz y.npz
"""
_MAX_LINES = 24


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model(parser)
    add_choice(parser)
    add_results(parser, "the outputs")


def run(args: argparse.Namespace, out: Output) -> int:
    """Run a signature and print its outputs."""
    from workbench.describe.storing import save_npz

    signature, outputs = call(args, out)
    if args.npz is not None:
        save_npz(args.npz, outputs, overwrite=args.overwrite, sources=[args.model])
        out.talk(f"{len(outputs)} {'output is' if len(outputs) == 1 else 'outputs are'} in {args.npz}")
    if out.json:
        out.emit({"schema_version": 1, "signature": signature, "outputs": arrays_json(outputs)})
    elif args.npz is None:
        print_outputs(out, outputs)
    return 0


def call(args: argparse.Namespace, out: Output, child: Child | None = None) -> tuple[str, Mapping[str, Any]]:
    """Return the signature's key and its outputs for the values that the arguments give."""
    from workbench.probing.run import run as run_model
    from workbench.runtime.component_tensors import input_components
    from workbench.runtime.inputs.values import parse_inputs

    target = open_target(args, out)
    values = parse_inputs(args.inputs, input_components(target.meta, target.signature))
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
