"""List unsafe ops: those that reach files, the network, the process, Python or unknown libraries.

The main graph and every function are searched, branches and loop bodies included. Each op is reported with its scope
and with the signatures, callables and loading steps that reach it. Tiers, worst first: code, process, write, read,
network. Ops of the saver, and ops that read an asset of the model, are listed but not counted: they run without
--allow-unsafe. With --op_denylist only the given ops are searched for, as `saved_model_cli scan` does.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from workbench.checks.unsafe.ops import TIERS
from workbench.cli.arguments import add_json
from workbench.cli.commands.show import add_dir, given_models
from workbench.cli.output import NAME, SCHEMA_VERSION, TEXT, Column, Output
from workbench.cli.several import each
from workbench.names import count, show

if TYPE_CHECKING:
    from workbench.checks.unsafe import Danger
    from workbench.model.meta import MetaGraph

EXAMPLES = """\
examples:
  workbench scan ./model
  workbench scan --dir ./model --tag_set serve
  workbench scan ./model --op_denylist ReadFile,WriteFile,PrintV2
  workbench scan ./model --json

Exit codes: 0 no unsafe op, 1 unsafe ops found, reached or not, 2 usage, 3 a model that cannot be read. Models whose
signatures or loading reach an unsafe op are run only with --allow-unsafe.
"""
_TIER = Column(style="bold yellow")
_EXCUSED = (NAME, Column(), TEXT)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_dir(parser)
    parser.add_argument("--tag_set", "--tag-set", metavar="T", help="scan only the MetaGraph with these tags")
    parser.add_argument(
        "--op_denylist",
        "--op-denylist",
        metavar="OPS",
        help="search for these ops instead, separated by commas",
    )
    add_json(parser, "print one line of JSON per model")


def run(args: argparse.Namespace, out: Output) -> int:
    """Scan models; return 1 if anything was found."""
    return each(given_models(args), out, partial(_scan, args, out))


def _scan(args: argparse.Namespace, out: Output, path: str) -> int:
    from workbench.checks import unsafe
    from workbench.model import open_model

    model = open_model(path)
    if len(args.models) > 1:
        out.heading(show(path))
    metas = model.meta_graphs if args.tag_set is None else (model.select(args.tag_set),)
    denylist = None
    if args.op_denylist is not None:
        denylist = {op.strip() for op in args.op_denylist.split(",") if op.strip()}
    found = [unsafe.scan(meta) if denylist is None else unsafe.on_denylist(meta, denylist) for meta in metas]
    if out.json:
        out.emit(_report(str(model.read_from), metas, found))
    else:
        for meta, reported in zip(metas, found, strict=True):
            _write(meta, reported, denylist, out)
    return 1 if any(one.excuse is None for reported in found for one in reported) else 0


def _report(path: str, metas: Sequence[MetaGraph], found: Sequence[list[Danger]]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "path": path,
        "meta_graphs": [
            {
                "tags": list(meta.tags),
                "dangers": [_plain(one) for one in reported if one.excuse is None],
                "excused": [one._asdict() for one in reported if one.excuse is not None],
            }
            for meta, reported in zip(metas, found, strict=True)
        ],
    }


def _plain(danger: Danger) -> dict[str, Any]:
    return {name: value for name, value in danger._asdict().items() if name != "excuse"}


def _write(meta: MetaGraph, found: list[Danger], denylist: set[str] | None, out: Output) -> None:
    tags = list(map(show, meta.tags))
    where = f"MetaGraph {','.join(tags) or 'without tags'}"
    reported = [one for one in found if one.excuse is None]
    if denylist is not None:
        ops = sorted({show(one.op) for one in reported})
        what = f"contains the following denylisted ops: {_set(ops)}"
        if not ops:
            what = f"does not contain the default denylisted ops: {_set(sorted(denylist))}"
        out.stdout.write(f"MetaGraph with tag set {tags} {what}\n")
    elif not reported:
        out.line(f"{where}: no unsafe ops.")
    else:
        out.heading(where, count(len(reported), "unsafe op"))
    for one in sorted(reported, key=lambda danger: TIERS.index(danger.tier)):
        reached = ", ".join(map(show, one.signatures)) or "no signature, callable or loading step"
        out.table([(one.tier, show(one.op), one.why)], (_TIER, NAME, TEXT))
        if denylist is None:
            out.line(f"reached by {reached}", indent=4)
        out.line(" > ".join(map(show, (*one.path, one.node))), style="dim", indent=4)
    excused: dict[tuple[str, str], list[Danger]] = {}
    for one in found:
        if one.excuse is not None:
            excused.setdefault((one.op, one.excuse), []).append(one)
    if excused:
        out.line("listed only, they run without --allow-unsafe:", style="dim", indent=2)
        out.table([_group(*group, many) for group, many in excused.items()], _EXCUSED, indent=4)


def _group(op: str, excuse: str, many: Sequence[Danger]) -> tuple[str, ...]:
    more = f" and {len(many) - 1:,} more" if len(many) > 1 else ""
    return show(op), excuse, " > ".join(map(show, (*many[0].path, many[0].node))) + more


def _set(words: list[str]) -> str:
    return "{" + ", ".join(map(repr, words)) + "}" if words else "set()"
