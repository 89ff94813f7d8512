"""Check a model for faults that SavedModels are known to have, without TensorFlow.

It checks edges, signatures, function calls, objects, captures, variables, partitions, checksums, assets, versions,
kernels and names. Each finding has a code; --explain CODE describes it. Nothing is run and nothing is changed.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.arguments import add_json, completes_folders
from workbench.cli.output import NAME, SCHEMA_VERSION, TEXT, Column, Output
from workbench.cli.several import each
from workbench.describe.actions import finding_json, words
from workbench.describe.findings import SEVERITIES, counts_text
from workbench.describe.text import size
from workbench.errors import UsageError
from workbench.names import count, did_you_mean, show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.checks.check import Checked
    from workbench.checks.codes import Code
    from workbench.findings import Finding, Severity
    from workbench.model import Model

EXAMPLES = """\
examples:
  workbench check ./model
  workbench check ./model --for serving
  workbench check ./models/*
  workbench check ./model --strict --json
  workbench check ./model --no-checksums
  workbench check --explain R3-dtype
  workbench check --codes

Exit codes: 0 no errors (warnings and infos allowed; with --strict infos alone), 1 errors found, 2 usage,
3 a model that cannot be read.
"""
_SEVERITY = {"error": "bold red", "warning": "yellow", "info": "dim"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    completes_folders(
        parser.add_argument("models", nargs="*", metavar="MODEL", help="SavedModel folders or GraphDef files")
    )
    parser.add_argument(
        "--for", dest="purpose", choices=["serving"], metavar="serving",
        help="also check what TensorFlow Serving and its clients need",
    )  # fmt: skip
    parser.add_argument("--tag-set", metavar="TAGS", help="check only the MetaGraph with these tags")
    parser.add_argument(
        "--no-checksums", action="store_true", help="do not read tensors to compare their checksums"
    )
    parser.add_argument("--all", action="store_true", help="list every finding, not the first 5 of each code")
    parser.add_argument("--strict", action="store_true", help="count warnings as errors")
    parser.add_argument("--explain", metavar="CODE", help="explain what a code means and what to do")
    parser.add_argument(
        "--codes", action="store_true", help="list all codes, also those of merges, changes and errors"
    )
    add_json(parser, "print one line of JSON per model")


def run(args: argparse.Namespace, out: Output) -> int:
    """Check models, or explain codes."""
    if args.codes or args.explain is not None:
        if args.models:
            flag = "--codes" if args.codes else "--explain"
            raise UsageError(f"{flag} is about codes and takes no model.")
        _list_codes(out) if args.codes else _explain(args.explain, out)
        return 0
    if not args.models:
        raise UsageError(
            "check needs a model.", hint="Name a SavedModel folder, or list the codes with --codes."
        )
    return each(args.models, out, partial(_check, args, out))


def _check(args: argparse.Namespace, out: Output, path: str) -> int:
    from workbench.checks.check import check_model
    from workbench.checks.codes import LISTED
    from workbench.model import open_model

    model = open_model(Path(path), args.tag_set)
    checked = check_model(
        model,
        only=None if args.tag_set is None else [model.meta],
        checksums=not args.no_checksums,
        serving=args.purpose == "serving",
        limit=None if args.all else LISTED,
    )
    if out.json:
        out.emit(_report(str(model.read_from), args, checked))
    else:
        _write(path, model, checked, args, out)
    bad = checked.count("error") + (checked.count("warning") if args.strict else 0)
    return 1 if bad else 0


def _report(path: str, args: argparse.Namespace, checked: Checked) -> dict[str, Any]:
    findings = [{**finding_json(one), "tag_set": None} for one in checked.model]
    for tags, found in checked.metas:
        findings += [{**finding_json(one), "tag_set": ",".join(tags)} for one in found]
    return {
        "schema_version": SCHEMA_VERSION,
        "path": path,
        "for": args.purpose,
        "nodes": checked.nodes,
        "functions": checked.functions,
        "checksums": None if args.no_checksums else {"tensors": checked.tensors, "bytes": checked.nbytes},
        "counts": _counts(checked),
        "findings": findings,
    }


def _counts(checked: Checked) -> dict[Severity, int]:
    return {severity: checked.count(severity) for severity in SEVERITIES}


def _write(path: str, model: Model, checked: Checked, args: argparse.Namespace, out: Output) -> None:
    counted = counts_text(_counts(checked))
    out.heading(show(path), counted or "nothing found")
    looked = [count(checked.nodes, "node"), count(checked.functions, "function")]
    if model.bundle is not None:
        looked.append(
            "no checksums"
            if args.no_checksums
            else f"checksums of {count(checked.tensors, 'tensor')} ({size(checked.nbytes)})"
        )
    out.line(f"checked {', '.join(looked)}", style="dim", indent=2)
    _findings(checked.model, out)
    for tags, found in checked.metas:
        if found and len(checked.metas) > 1:
            out.line()
            out.heading(f"MetaGraph {show(','.join(tags)) or 'without tags'}")
        _findings(found, out)
    if counted:
        out.line()
        out.line("workbench check --explain CODE explains a code.", style="dim")


def _findings(findings: Iterable[Finding], out: Output) -> None:
    for finding in findings:
        out.line()
        where = f"  {finding.where}" if finding.where else ""
        out.line(f"{finding.severity}  {finding.code}{where}", style=_SEVERITY[finding.severity], indent=2)
        out.line(finding.message, indent=4)
        if finding.hint:
            out.line(words(finding.hint, "command line"), style="dim", indent=4)


def _list_codes(out: Output) -> None:
    from workbench.checks.codes import groups

    if out.json:
        listed = [{**_code_json(code), "group": title} for title, codes in groups().items() for code in codes]
        out.emit({"schema_version": SCHEMA_VERSION, "codes": listed})
        return
    for number, (title, codes) in enumerate(groups().items()):
        if number:
            out.line()
        out.heading(title)
        rows = [(code.name, _severities(code), code.title) for code in codes]
        out.table(rows, (NAME, Column(style="dim"), TEXT), indent=2)


def _explain(name: str, out: Output) -> None:
    from workbench.checks.codes import registry

    code = registry().get(name)
    if code is None:
        hint = did_you_mean(name, registry(), noun="codes")
        raise UsageError(f"There is no code {show(name)!r}.", hint=f"{hint} --codes lists all codes.")
    if out.json:
        out.emit({"schema_version": SCHEMA_VERSION, **_code_json(code)})
        return
    out.heading(code.name, _severities(code))
    for text in (f"{code.title[0].upper()}{code.title[1:]}.", code.why, words(code.fix, "command line")):
        out.line(text, indent=2)


def _severities(code: Code) -> str:
    return " or ".join((code.severity, *code.also))


def _code_json(code: Code) -> dict[str, Any]:
    return {
        "code": code.name,
        "severity": code.severity,
        "also": list(code.also),
        "title": code.title,
        "why": code.why,
        "fix": words(code.fix, "command line"),
    }
