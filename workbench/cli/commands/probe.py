"""Run a signature and show the values of tensors on the way, inside function calls, loops and branches too.

Without TENSOR it shows every step from the inputs to the outputs, in the order in which they run. A TENSOR is node:0,
CALL::node:0 inside calls, LOOP[body]::node:0 for the iterations of a loop, IF[then_branch]::node:0, or an output's
key. Inputs that are not given are made, and how is shown. With --and it runs twice and shows how far each tensor
differs. With --wires it shows what arrives at each wire of a merged model. The model itself is not changed.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from workbench.cli.arguments import pairs
from workbench.cli.output import Output
from workbench.cli.running import (
    add_choice,
    add_files_and_expressions,
    add_model,
    add_results,
    child_options,
    given_values,
    open_target,
)
from workbench.errors import UsageError
from workbench.names import count

if TYPE_CHECKING:
    from workbench.probing.probe import Probe

EXAMPLES = """\
examples:
  workbench probe ./model
  workbench probe ./merged --input base64_input=base64url:@three.png
  workbench probe ./model StatefulPartitionedCall::dense/Relu:0 --input x=@x.npy --npz values.npz
  workbench probe ./model --input x=@a.npy --and x=@b.npy
  workbench probe ./model --first-nan --input x=@x.npy
  workbench probe ./merged --wires --source img=./image --input base64_input=base64url:@three.png
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model(parser)
    parser.add_argument("tensors", metavar="TENSOR", nargs="*", help="a tensor to show; repeatable")
    add_choice(parser)
    parser.add_argument(
        "--and", action="append", default=[], metavar="KEY=VALUE", dest="other_inputs",
        help="value of an input on a second run, which is compared with the first; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--wires", action="store_true",
        help="of a merged model: show what each wire carries, beside what the source alone gives",
    )  # fmt: skip
    parser.add_argument(
        "--source", action="append", default=[], metavar="HANDLE=DIR", dest="sources",
        help="with --wires: folder of a source; the others are found by their digests. Repeatable",
    )  # fmt: skip
    parser.add_argument("--all", action="store_true", help="show all steps, however many there are")
    parser.add_argument(
        "--first-nan", action="store_true", help="show only the first tensor with a NaN or infinity"
    )
    parser.add_argument(
        "--pictures", action="store_true", help="draw channels of features too, and into pipes and files"
    )
    parser.add_argument(
        "--iterations", type=int, metavar="N", default=100,
        help="iterations of a loop that are kept (default: 100)",
    )  # fmt: skip
    add_files_and_expressions(parser)
    add_results(parser, "the whole values")


def run(args: argparse.Namespace, out: Output) -> int:
    """Run the signature and show the values."""
    from workbench.cli.pages.probe_page import write_probe
    from workbench.describe.storing import save_npz

    if args.iterations < 1:
        raise UsageError("--iterations must be at least 1.")
    if args.wires or args.sources:
        return _wires(args, out)
    found = _probe(args, out)
    if args.npz is not None:
        arrays = {one.address: one.array for one in found.tensors if one.array is not None}
        save_npz(args.npz, arrays, overwrite=args.overwrite, sources=[args.model])
        left = sum(1 for one in found.tensors if one.array is None and one.has_value)
        if left:
            out.talk(f"{count(left, 'tensor')} left out of {args.npz}: too large, or of several shapes.")
    if args.first_nan:
        return _first_nan(found, out)
    if out.json:
        out.emit(found.as_json())
        return 0
    write_probe(found, out, pictures=args.pictures)
    return 0


def _probe(args: argparse.Namespace, out: Output) -> Probe:
    from workbench.probing.places import MOST
    from workbench.probing.probe import probe
    from workbench.runtime.component_tensors import input_components
    from workbench.runtime.inputs.values import parse_inputs

    target = open_target(args, out)
    components = input_components(target.meta, target.signature)
    others = parse_inputs(args.other_inputs, components) if args.other_inputs else None
    return probe(
        target.model,
        args.tensors,
        given_values(args, components),
        args.signature,
        other_inputs=others,
        arrays=args.npz is not None,
        iterations=args.iterations,
        on_progress=out.detail,
        steps=None if args.all or args.first_nan else MOST,
        **child_options(args),
    )


def _wires(args: argparse.Namespace, out: Output) -> int:
    """Show the values at the wires of a merged model; return 1 if one differs from that of its source."""
    from workbench.cli.pages.probe_page import write_wires
    from workbench.probing.wires import probe_wires
    from workbench.runtime.component_tensors import input_components

    for flag, given in (
        ("TENSOR", args.tensors),
        ("--and", args.other_inputs),
        ("--npz", args.npz),
        ("--first-nan", args.first_nan),
        ("--signature", args.signature),
    ):
        if given:
            raise UsageError(f"{flag} and --wires exclude each other.", hint="Leave out one of them.")
    target = open_target(args, out)
    found = probe_wires(
        target.model,
        given_values(args, input_components(target.meta, target.signature)),
        pairs("--source", args.sources, "HANDLE=DIR"),
        on_progress=out.detail,
        **child_options(args),
    )
    if out.json:
        out.emit(found.as_json())
    else:
        write_wires(found, out, pictures=args.pictures)
    return 0 if all(wire.difference.is_equal for wire in found.wires) else 1


def _first_nan(found: Probe, out: Output) -> int:
    """Show the first tensor with a NaN or an infinity; return 1 if there is one."""
    from dataclasses import replace

    from workbench.cli.pages.probe_page import write_tensor

    one = found.first_nan()
    out_of = count(sum(1 for each in found.tensors if each.has_value), "tensor")
    if out.json:
        out.emit(replace(found, tensors=() if one is None else (one,)).as_json())
    elif one is None:
        out.line(f"No NaN and no infinity in {out_of}.")
    else:
        write_tensor(one, out, pictures=False)
    return int(one is not None)
