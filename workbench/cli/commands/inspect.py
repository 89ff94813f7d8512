"""Show what a model is: its signatures, callables, variables, ops, functions and assets.

Reads SavedModel folders (TF1 and TF2, .pb and .pbtxt), saved_model.pb files and frozen GraphDefs, without TensorFlow.
Models that TensorFlow cannot load are shown as well; findings at the end say what is wrong with them.
"""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any

from workbench.cli.arguments import add_json, completes_files
from workbench.cli.output import Output
from workbench.cli.several import each
from workbench.errors import UnknownName, UsageError
from workbench.model.model import Model, open_model
from workbench.names import did_you_mean, show

if TYPE_CHECKING:
    from workbench.graph.level import Level
    from workbench.model.meta import MetaGraph
    from workbench.model.signature import Signature

EXAMPLES = """\
examples:
  workbench inspect ./model
  workbench inspect ./model --signature serving_default
  workbench inspect ./model --nodes '*MatMul*'
  workbench inspect ./model --variables
  workbench inspect ./a ./b --json | jq '.meta_graphs[].signatures'

A node inside a function is written CALL::node, where CALL is the node that calls the function.
Exit codes: 0 done, 2 usage or an unknown name, 3 a model that cannot be read.
"""
MAX_NODES = 1_000_000
_LEVEL = 50  # what a body costs besides its nodes: functions that call the next one twice make a million


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    models = parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="SavedModel folder, saved_model.pb or GraphDef file"
    )
    completes_files(models)
    parser.add_argument(
        "--signature", metavar="S", help="show only this signature, and what it needs of the graph"
    )
    parser.add_argument(
        "--nodes",
        nargs="?",
        const="*",
        metavar="GLOB",
        help="list nodes whose name matches GLOB, also in functions (default: all)",
    )
    parser.add_argument(
        "--variables", action="store_true", help="list all variables, not only the 20 largest"
    )
    parser.add_argument("--functions", action="store_true", help="list all functions and callables")
    add_json(parser, "print one line of JSON per model")


def run(args: argparse.Namespace, out: Output) -> int:
    """Show each model; report one that can't be read and go on."""
    _models(args)
    collecting = gc.isenabled()
    gc.disable()  # what is made here is looked at once; walking it for garbage takes a tenth of the time
    try:
        return each(args.models, out, partial(_one, args, out))
    finally:
        if collecting:
            gc.enable()


def _one(args: argparse.Namespace, out: Output, path: str) -> int:
    if path != args.models[0]:
        gc.collect()
    _inspect(path, args, out)
    return 0


def _models(args: argparse.Namespace) -> None:
    """Take a model behind `--nodes` as a model: a glob may be left out there.

    Raises:
        UsageError: there is no model.
    """
    if args.nodes is not None and os.path.exists(args.nodes) and not args.models:
        args.models, args.nodes = [args.nodes], "*"
    if not args.models:
        raise UsageError("No MODEL is given.", hint="Name a SavedModel folder or a GraphDef file.")


def _inspect(path: str, args: argparse.Namespace, out: Output) -> None:
    model = open_model(path)
    shown = _chosen(model, args.signature)
    if out.json:
        from workbench.cli.pages import inspect_json

        report: dict[str, Any] = inspect_json.report(model, shown)
        if args.nodes is not None:
            for meta, entry in zip(model.meta_graphs, report["meta_graphs"], strict=True):
                entry["node_list"] = list(inspect_json.node_list(find_nodes(meta, args.nodes)))
        out.emit(report)
        return
    from workbench.cli.pages import inspect_page

    page = inspect_page.Page(out, model, all_variables=args.variables, all_functions=args.functions)
    if args.nodes is not None:
        found = [(meta, list(find_nodes(meta, args.nodes))) for meta in model.meta_graphs]
        if not any(nodes for _, nodes in found):
            raise _no_node(model, args.nodes)
        page.nodes(found)
    elif args.signature is not None:
        page.signature_in_depth(shown)
    else:
        page.whole(only_lists=args.variables or args.functions)


def _chosen(model: Model, key: str | None) -> list[Mapping[str, Signature]]:
    """Return the signatures to show of each MetaGraph.

    Raises:
        UnknownName: no MetaGraph has the signature.
    """
    if key is None:
        return [meta.shown_signatures for meta in model.meta_graphs]
    chosen: list[Mapping[str, Signature]] = [
        {key: meta.signatures[key]} if key in meta.signatures else {} for meta in model.meta_graphs
    ]
    if not any(chosen):
        known = [name for meta in model.meta_graphs for name in meta.shown_signatures]
        raise UnknownName(
            f"There is no signature {show(key)!r}.",
            where=show(str(model.path)),
            hint=did_you_mean(key, known, noun="signatures"),
        )
    return chosen


def find_nodes(meta: MetaGraph, pattern: str) -> Iterator[tuple[Level, str]]:
    """Yield nodes, in functions too, whose written place matches a glob.

    The pattern is compared with the whole place (`CALL::CALL::node`) and with the node's own name. After
    a million nodes the unfolding ends.
    """
    from workbench.graph.level import Level as Levels

    seen = 0
    for level in Levels.of(meta).levels():
        seen += _LEVEL
        prefix = level.full_name("")
        for name in level.nodes:
            seen += 1
            if (
                pattern == "*"
                or fnmatchcase(name, pattern)
                or (prefix and fnmatchcase(prefix + name, pattern))
            ):
                yield level, name
        if seen > MAX_NODES:
            return


def _no_node(model: Model, pattern: str) -> UnknownName:
    names = [name for meta in model.meta_graphs for name in meta.nodes]
    return UnknownName(
        f"No node matches {show(pattern)!r}.",
        where=show(str(model.path)),
        hint=f"That is a path. To list all its nodes, write {show(pattern)} --nodes."
        if os.path.exists(pattern)
        else did_you_mean(pattern.strip("*"), names, noun="nodes"),
    )
