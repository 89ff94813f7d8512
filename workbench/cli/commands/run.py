"""Run a signature on given values, in a TensorFlow process of its own.

A VALUE is JSON (cast to the input's dtype; a cast that loses information is an error), a bare word for a string input,
@file.npy, @file.npz[name], @any.file (its bytes as one string), or base64url:@any.file. A sparse input takes
KEY.indices=, KEY.values= and KEY.dense_shape=.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli import verifying
from workbench.cli.arguments import add_overwrite
from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.describe.values import arrays_json, text_of
from workbench.errors import CannotWrite
from workbench.names import show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.model import Model
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
    parser.add_argument("model", metavar="MODEL", type=Path, help="SavedModel folder or frozen GraphDef file")
    parser.add_argument(
        "-i", "--input", action="append", default=[], metavar="KEY=VALUE", dest="inputs",
        help="value of an input; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--signature", metavar="KEY", help="signature to run (default: serving_default, else the only one)"
    )
    parser.add_argument("--tag-set", metavar="TAGS", help="tag set of the MetaGraph, such as serve,gpu")
    parser.add_argument("--json", action="store_true", help="print one line of JSON to stdout")
    parser.add_argument("--npz", type=Path, metavar="FILE", help="write the outputs to a .npz file")
    add_overwrite(parser, "--npz")
    verifying.add_child_flags(parser.add_argument_group("TensorFlow"))


def run(args: argparse.Namespace, out: Output) -> int:
    """Run a signature and print its outputs."""
    from workbench.disk.atomic.outputs import check_output
    from workbench.model import open_model

    model = open_model(args.model, args.tag_set)
    if args.npz is not None:
        check_output(args.npz, overwrite=args.overwrite, sources=[model.place])
    signature, outputs = call(args, out, model=model)
    if args.npz is not None:
        save(args.npz, outputs, overwrite=args.overwrite, sources=[model.place])
        out.talk(f"{len(outputs)} {'output is' if len(outputs) == 1 else 'outputs are'} in {args.npz}")
    if out.json:
        out.emit({"schema_version": 1, "signature": signature, "outputs": arrays_json(outputs)})
    elif args.npz is None:
        print_outputs(out, outputs)
    return 0


def call(
    args: argparse.Namespace, out: Output, child: Child | None = None, model: Model | None = None
) -> tuple[str, Mapping[str, Any]]:
    """Return the signature's key and its outputs; from `child` and `model` if given."""
    from workbench.model import open_model
    from workbench.runtime.api import run as run_model
    from workbench.runtime.component_tensors import input_components
    from workbench.runtime.inputs.values import parse_inputs

    model = model or open_model(args.model, args.tag_set)
    signature = model.meta.signature(args.signature)
    values = parse_inputs(args.inputs, input_components(model.meta, signature))
    for note in model.notes:
        out.talk(note)
    outputs = run_model(
        model,
        values,
        signature.key,
        child=child,
        python=args.python,
        imports=tuple(args.imports),
        op_libraries=tuple(args.op_libraries),
        gpu=args.gpu,
        time_limit=args.time_limit,
        allow_unsafe=args.allow_unsafe,
    )
    return signature.key, outputs


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


def save(
    path: Path, outputs: Mapping[str, Any], *, overwrite: bool = False, sources: Sequence[Path] = ()
) -> None:
    """Write an .npz that needs no pickle; refuse what it can't hold without loss."""
    import zipfile

    import numpy as np

    from workbench.disk.atomic.outputs import open_output

    plain = {key: _storable(key, array) for key, array in outputs.items()}
    with (
        open_output(path, overwrite=overwrite, sources=sources) as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for key, array in plain.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _storable(key: str, array: Any) -> Any:
    """Return an array in numpy's own format.

    Strings are `S`, bfloat16 and the like are float32.
    """
    import numpy as np

    if array.dtype == object:
        if any(item[-1:] == b"\0" for item in array.ravel().tolist()):
            raise CannotWrite(
                "A string ends with a zero byte, which a .npz file cannot keep.",
                where=show(key),
                hint="Use --json.",
            )
        return np.array(array.tolist(), "S").reshape(array.shape)
    return array.astype(np.float32) if array.dtype.kind == "V" else array
