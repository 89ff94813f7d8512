"""Options that run TensorFlow and the report of its progress, for all commands."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.cli.output import Output

if TYPE_CHECKING:
    from workbench.model import MetaGraph, Signature
    from workbench.publishing.running import Proving


def configure(parser: argparse.ArgumentParser, *, publishes: bool = True) -> None:
    """Add the flags of a verification."""
    group = parser.add_argument_group("verification")
    group.add_argument(
        "-i", "--input", action="append", default=[], metavar="KEY=VALUE", dest="inputs",
        help="value to verify with: JSON, a bare word, @file.npy, @file.npz[name], @any.file, base64url:@any.file. "
             "Many samples, stacked along the first axis: KEY=@requests.npz, or @requests.npz for all keys",
    )  # fmt: skip
    if publishes:
        group.add_argument("--no-verify", action="store_true", help="publish the result without running it")
    group.add_argument("--tolerance", type=not_negative, metavar="RTOL", help="relative tolerance for floats")
    add_child_flags(group)


def add_child_flags(
    group: argparse._ArgumentGroup | argparse.ArgumentParser, *, time_limit: bool = True
) -> None:
    """Add the flags that say how TensorFlow is run; the time limit may be one of the command's own."""
    group.add_argument(
        "--allow-unsafe",
        action="store_true",
        help="run models with unsafe ops: files, network, process, Python",
    )
    group.add_argument(
        "--python", metavar="PATH", help="Python interpreter that has TensorFlow (default: this one)"
    )
    group.add_argument(
        "--import", action="append", default=[], metavar="MODULE", dest="imports",
        help="module that registers custom ops, such as tensorflow_text",
    )  # fmt: skip
    group.add_argument(
        "--op-library", action="append", default=[], metavar="FILE.so", dest="op_libraries",
        help="shared library with custom ops",
    )  # fmt: skip
    group.add_argument("--gpu", action="store_true", help="let TensorFlow use GPUs")
    if time_limit:
        group.add_argument(
            "--time-limit", type=positive, metavar="SECONDS", help="limit for each run in TensorFlow"
        )


def not_negative(text: str) -> float:
    """Return a number of 0 or more, as argparse takes types."""
    return _number(text, lambda value: value >= 0, "a number of 0 or more, such as 1e-4")


def positive(text: str) -> float:
    """Return a number above 0, as argparse takes types."""
    return _number(text, lambda value: value > 0, "a number of seconds above 0")


def _number(text: str, fits: Callable[[float], bool], expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value) and fits(value):
        return value
    raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")


def proving_of(args: argparse.Namespace, meta: MetaGraph, signature: Signature | None) -> Proving:
    """Return the verification options of the flags.

    Given values are for `signature`.
    """
    from workbench.publishing.running import Proving

    inputs = None
    if args.inputs and signature is not None:
        from workbench.runtime.component_tensors import input_components
        from workbench.runtime.inputs.samples import parse_samples

        components = input_components(meta, signature)
        inputs = parse_samples(args.inputs, components, partly=True)
    return Proving(
        inputs=inputs,
        tolerance=args.tolerance,
        python=args.python,
        imports=tuple(args.imports),
        op_libraries=tuple(args.op_libraries),
        gpu=args.gpu,
        time_limit=args.time_limit,
        allow_unsafe=args.allow_unsafe,
    )


class Talker:
    """Prints progress on stderr, each phase once; details with `-v`."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._said: set[str] = set()

    def __call__(self, phase: str, text: str) -> None:
        """Print a progress message."""
        if phase in self._said:
            self._out.detail(f"  {phase}: {text}")
            return
        self._said.add(phase)
        if phase in ("tensorflow", "check"):
            self._out.detail(f"  {phase}: {text}")
        else:
            self._out.talk(f"{text} …")
