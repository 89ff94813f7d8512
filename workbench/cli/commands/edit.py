"""Change a model by any operations, one after the other, and verify the result once.

Write a step as NAME field=value …, quoted as in a shell. A value is JSON where it parses as such and the field takes
more than text; a field that is given several times is a list. The operations and their fields are listed by --list.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.cli import editing
from workbench.cli.output import NAME, TEXT, Output
from workbench.errors import UsageError

EXAMPLES = """\
examples:
  workbench edit ./model --step 'signature rename=serving_default=predict' --step freeze -o ./frozen
  workbench edit ./model --step 'signature rename_inputs=x=image drop=train' --step 'flatten format=tf1' --dry-run
  workbench edit --list
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "model", nargs="?", type=Path, metavar="MODEL", help="SavedModel folder or GraphDef file"
    )
    parser.add_argument(
        "-s", "--step", action="append", default=[], metavar="STEP", dest="steps",
        help="what is done: 'NAME field=value …'; repeatable",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="list the operations and their fields")
    parser.add_argument(
        "--tag-set", metavar="TAGS", help="tag set of the MetaGraph to change, such as serve,gpu"
    )
    editing.add_result(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Change the model and return the exit code."""
    from workbench.surgery.step import parse_step

    if args.list:
        _list(out)
        return 0
    if args.model is None:
        raise UsageError("No model is given.", hint="workbench edit MODEL --step 'NAME field=value …' -o DIR")
    if not args.steps:
        raise UsageError("No changes requested.", hint="Add --step; workbench edit --list lists operations.")
    plan = editing.edit_plan(args, *map(parse_step, args.steps))
    return editing.change_and_report(plan, {plan.handles[0]: editing.open_it(args)}, args, out)


def _list(out: Output) -> None:
    from workbench.surgery.step import described, operation_names

    found = {name: described(name) for name in operation_names()}
    if out.json:
        out.emit(
            {
                "schema_version": 1,
                "operations": {
                    name: {"summary": summary, "fields": dict(fields)}
                    for name, (summary, fields) in found.items()
                },
            }
        )
        return
    for name, (summary, fields) in found.items():
        out.heading(name, summary)
        if fields:
            out.table(fields, [NAME, TEXT])
        out.line()
