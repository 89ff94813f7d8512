"""Run a signature and show the values of tensors on the way, inside function calls and loops too.

Without TENSOR it shows every step from the inputs to the outputs, in the order in which they run. A TENSOR is node:0,
CALL::node:0 inside calls, LOOP[body]::node:0 for the values of all iterations of a loop. Inputs that are not given are
made, and how is shown. The model itself is not changed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli import verifying
from workbench.cli.arguments import add_overwrite
from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.describe.values import text_of
from workbench.errors import UsageError
from workbench.names import count, show

if TYPE_CHECKING:
    from workbench.probing.probe import Probe
    from workbench.probing.seen import Seen

EXAMPLES = """\
examples:
  workbench probe ./model
  workbench probe ./merged --input base64_input=base64url:@three.png
  workbench probe ./model StatefulPartitionedCall::dense/Relu:0 --input x=@x.npy --npz values.npz
  workbench probe ./model --first-nan --input x=@x.npy
"""
_BLOCKS = " ▁▂▃▄▅▆▇█"
_SHADES = " .:-=+*#%@"
_PICTURE = 28  # columns and rows at most


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="SavedModel folder or frozen GraphDef file")
    parser.add_argument("tensors", metavar="TENSOR", nargs="*", help="a tensor to show; repeatable")
    parser.add_argument(
        "-i", "--input", action="append", default=[], metavar="KEY=VALUE", dest="inputs",
        help="value of an input, as for run; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--signature", metavar="KEY", help="signature to run (default: serving_default, else the only one)"
    )
    parser.add_argument("--tag-set", metavar="TAGS", help="tag set of the MetaGraph, such as serve,gpu")
    parser.add_argument(
        "--first-nan", action="store_true", help="show only the first tensor with a NaN or infinity"
    )
    parser.add_argument(
        "--pictures", action="store_true", help="show tensors that look like pictures as pictures"
    )
    parser.add_argument(
        "--iterations",
        type=int,
        metavar="N",
        default=1000,
        help="iterations of a loop that are kept (default: 1000)",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON to stdout")
    parser.add_argument("--npz", type=Path, metavar="FILE", help="write the whole values to a .npz file")
    add_overwrite(parser, "--npz")
    verifying.add_child_flags(parser.add_argument_group("TensorFlow"))


def run(args: argparse.Namespace, out: Output) -> int:
    """Run the signature and show the values."""
    from workbench.cli.commands.run import save
    from workbench.disk.atomic.outputs import check_output
    from workbench.model import open_model
    from workbench.probing.probe import probe
    from workbench.runtime.component_tensors import input_components
    from workbench.runtime.inputs.values import parse_inputs

    if args.iterations < 1:
        raise UsageError("--iterations must be at least 1.")
    model = open_model(args.model, args.tag_set)
    if args.npz is not None:
        check_output(args.npz, overwrite=args.overwrite, sources=[model.place])
    for note in model.notes:
        out.talk(note)
    signature = model.meta.signature(args.signature)
    found = probe(
        model,
        args.tensors,
        parse_inputs(args.inputs, input_components(model.meta, signature)),
        signature.key,
        iterations=args.iterations,
        python=args.python,
        imports=tuple(args.imports),
        op_libraries=tuple(args.op_libraries),
        gpu=args.gpu,
        time_limit=args.time_limit,
        allow_unsafe=args.allow_unsafe,
    )
    if args.npz is not None:
        arrays = {one.address: one.array for one in found.seen}
        save(args.npz, arrays, overwrite=args.overwrite, sources=[model.place])
    if out.json:
        out.emit(found.as_json())
        return 0
    if args.first_nan:
        return _first_nan(found, out)
    for name, note in found.made.items():
        out.line(f"{show(name)} was made: {note}", style="dim")
    for note in found.notes:
        out.line(note, style="dim")
    for one in found.seen:
        _show(one, out, pictures=args.pictures)
    return 0


def _first_nan(found: Probe, out: Output) -> int:
    one = found.first_nan()
    if one is None:
        out.line(f"No NaN and no infinity in {count(len(found.seen), 'tensor')}.")
        return 0
    _show(one, out, pictures=False)
    return 1


def _show(one: Seen, out: Output, *, pictures: bool) -> None:
    """Write a tensor: address, op, dtype and shape; its range and histogram; its first values."""
    sizes = ",".join(map(str, one.shape))
    out.table(
        [(show(one.address, 200), f"{one.dtype} [{sizes}]", show(one.op))], [NAME, DTYPE, TEXT], indent=0
    )
    facts = []
    if one.least is not None and one.most is not None and one.mean is not None:
        facts.append(f"{one.least:.4g} to {one.most:.4g}, mean {one.mean:.4g}")
    if one.nans or one.infinities:
        facts.append(f"{one.nans:,} NaN, {one.infinities:,} infinite")
    if one.histogram:
        facts.append(histogram_text(one.histogram))
    if facts:
        out.line("   ".join(facts), indent=2)
    values = [text_of(value) if one.dtype == "string" else f"{value:.6g}" if isinstance(value, float) else str(value)
              for value in one.first]  # fmt: skip
    if values:
        more = " …" if one.array.size > len(values) else ""
        out.line(show(", ".join(values), 300) + more, indent=2, style="dim")
    if pictures:
        for line in picture_lines(one):
            out.line(line, indent=2)


def histogram_text(counts: tuple[int, ...]) -> str:
    """Return a histogram as one line of blocks; a bin that is not empty has at least the lowest."""
    most = max(counts)
    return "".join(_BLOCKS[0 if not one else max(1, round(8 * one / most))] for one in counts)


def picture_lines(one: Seen) -> list[str]:
    """Return a tensor that looks like a picture as lines of shades; none for others."""
    from workbench.probing.seen import picture_of

    picture = picture_of(one.array)
    if picture is None:
        return []
    grey = picture.mean(axis=-1)
    height, width = grey.shape
    step = max(1, -(-max(height, width) // _PICTURE))
    rows = grey[::step, ::step]
    last = len(_SHADES) - 1
    return ["".join(_SHADES[round(float(value) * last)] * 2 for value in row) for row in rows]
