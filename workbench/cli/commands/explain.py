"""Explain a model in plain sentences, or a signature, node, tensor, function, op or word.

Without WHAT the whole model is explained: what it takes and returns, what happens from input to output, its
variables, what loading does, and what the other nodes are for. WHAT is a signature, a key of its inputs or outputs, a
node, a tensor `node:0`, a node inside calls `CALL::node`, a function, a callable or an op. --term explains a word of
TensorFlow, and shows where that thing is in the model. --wire explains whether an output of one model fits an input of
another. Nothing is run.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from workbench.cli.arguments import add_json, completes_files
from workbench.cli.output import SCHEMA_VERSION, Output
from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.explaining.explanation import Explanation

EXAMPLES = """\
examples:
  workbench explain ./model
  workbench explain ./model serving_default
  workbench explain ./model dense/MatMul
  workbench explain ./model StatefulPartitionedCall::dense/MatMul
  workbench explain ./model --term capture
  workbench explain --terms
  workbench explain ./image ./digits --wire pixels=myInput

Exit codes: 0 done, 2 usage or an unknown name, 3 cannot read.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    completes_files(
        parser.add_argument("model", nargs="?", metavar="MODEL", help="SavedModel folder or GraphDef file")
    )
    completes_files(
        parser.add_argument(
            "what", nargs="?", metavar="WHAT", help="what to explain in it; with --wire the second model"
        )
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument(
        "--term", metavar="WORD", help="explain a word, such as capture; MODEL may be left out"
    )
    asked.add_argument("--terms", action="store_true", help="list the words that --term explains")
    asked.add_argument(
        "--wire", metavar="OUT=IN", help="explain whether an output of MODEL fits an input of WHAT"
    )
    parser.add_argument("--signature", metavar="S", help="follow this signature, and take keys of it")
    parser.add_argument(
        "--tag-set", "--tag_set", metavar="T", help="tag set of the MetaGraph, such as serve,gpu"
    )
    add_json(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Explain and print."""
    found = _explanation(args)
    if out.json:
        out.emit({"schema_version": SCHEMA_VERSION, **found.as_json()})
        return 0
    out.line(found.summary)
    for section in found.sections:
        out.line()
        out.heading(section.title)
        for line in section.lines:
            out.line(line.text, indent=2)
    return 0


def _explanation(args: argparse.Namespace) -> Explanation:
    from workbench.explaining.api import explain

    if args.terms:
        return explain()
    if args.wire is not None:
        if args.model is None or args.what is None:
            raise UsageError("--wire needs two models.", hint="Write workbench explain A B --wire OUT=IN.")
        if args.signature is not None:
            raise UsageError("--wire does not take --signature.", hint="Write SIGNATURE#KEY in the wire.")
        from workbench.explaining.wires import explain_wire
        from workbench.model import open_model

        return explain_wire(
            open_model(args.model, args.tag_set), open_model(args.what, args.tag_set), args.wire
        )
    what = args.what
    if args.term is not None:
        if what is not None:
            raise UsageError(
                "--term explains a word, and WHAT is given as well.", hint="Leave one of them out."
            )
        what = f"term:{args.term}"
    if args.model is None and what is None:
        raise UsageError("No model is given.", hint="Write workbench explain MODEL, or --terms.")
    return explain(args.model, what, signature=args.signature, tags=args.tag_set)
