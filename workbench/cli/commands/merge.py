"""Join models: connect outputs of one to inputs of the next.

Variables are kept, and the result is verified before it is published. Give a model as HANDLE=PATH to choose its handle,
the prefix of all its names in the result; the default is the name of its folder. A wire connects two endpoints. An
endpoint is a signature key (pixels), SIGNATURE#KEY, a tensor (node:0, %node:0), or a tensor inside function calls
(CALL::CALL::node:0); with more than two models, write HANDLE@ENDPOINT. One output may feed several inputs. Inputs
without a wire become inputs of the result. Models can share an input: the result takes it once.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli import editing, verifying
from workbench.cli.arguments import add_overwrite, keys_of, pairs
from workbench.cli.output import Output
from workbench.errors import PlanError, UsageError
from workbench.names import did_you_mean, show
from workbench.surgery.operations.share import Share
from workbench.surgery.plan import DEFAULT_SIGNATURE, DEFAULT_TAGS, Plan, ResultOptions, Source, SourceList
from workbench.surgery.step import parse_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workbench.model import Model
    from workbench.runtime.child_process.child import Child

EXAMPLES = """\
examples:
  workbench merge ./image ./digits --wire pixels=myInput -o ./merged
  workbench merge img=./image net=./digits --wire img@pixels=net@myInput -o ./out
  workbench merge ./image ./digits --wire pixels=myInput --dry-run
  workbench merge ./image ./digits -o ./out \\
    --wire 'pixels | resize 28 28 | scale 1/255 | flatten = myInput'
  workbench merge a=./m b=./m c=./m --wire a@y=b@x --wire b@y=c@x \\
    --signature-of a=predict -o ./chain
  workbench merge ./animals ./plants --share image=image -o ./both
  workbench merge a=./one b=./two --share image=a@image,b@pixels -o ./ensemble \\
    --step 'mean scores=a@scores,b@scores'
  workbench merge ./animals ./digits --side-by-side -o ./two_in_one
  workbench merge ./image ./digits --wire pixels=myInput --serving -o ./served \\
    --input base64_input=base64url:@three.png
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("models", nargs="*", metavar="[HANDLE=]MODEL", help="two or more models")
    parser.add_argument(
        "-w", "--wire", action="append", default=[], metavar="OUT=IN", dest="wires",
        help="connect an output to an input, through adapters: 'OUT | resize 28 28 = IN'; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--share", action="append", default=[], metavar="KEY=[HANDLE@]INPUT,…", dest="shares",
        help="one input KEY of the result feeds these inputs; INPUT alone is that of every model that has one; "
        "repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--side-by-side", action="store_true", help="models may be without a wire or a shared input"
    )
    parser.add_argument(
        "-s", "--step", action="append", default=[], metavar="STEP", dest="steps",
        help="what is done to the joined model: 'NAME field=value …', as for edit; repeatable",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="new folder for the result")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and write nothing")
    parser.add_argument("--json", action="store_true", help="print one line of JSON to stdout")
    sources = parser.add_argument_group("signature and tag set of each model")
    sources.add_argument(
        "--signature-of", action="append", default=[], metavar="HANDLE=KEY", help="signature of a model"
    )
    sources.add_argument(
        "--tag-set-of",
        action="append",
        default=[],
        metavar="HANDLE=TAGS",
        help="tag set of a model, such as serve,gpu",
    )
    for letter, which in (("a", "first"), ("b", "second")):
        sources.add_argument(f"--signature-{letter}", metavar="KEY", help=f"signature of the {which} model")
        sources.add_argument(f"--tag-set-{letter}", metavar="TAGS", help=f"tag set of the {which} model")
    result = parser.add_argument_group("result")
    result.add_argument(
        "--signature",
        default=None,
        metavar="KEY",
        help=f"key of its signature (default: {DEFAULT_SIGNATURE})",
    )
    for side in ("input", "output"):
        result.add_argument(
            f"--rename-{side}", action="append", default=[], metavar="OLD=NEW",
            help=f"rename an {side} of the result",
        )  # fmt: skip
    result.add_argument("--tag-set", default=None, metavar="TAGS", help="its tag set (default: serve)")
    result.add_argument(
        "--keep-outputs", action="store_true", help="keep the outputs of models that feed another model"
    )
    result.add_argument(
        "--keep-signatures", action="store_true", help="keep the models' own signatures as well"
    )
    result.add_argument(
        "--format", choices=["tf1", "tf2"], metavar="tf1|tf2",
        help="tf2 has an object graph and can be trained (default where possible), tf1 has none",
    )  # fmt: skip
    result.add_argument("--freeze", action="store_true", help="convert variables to constants")
    result.add_argument("--serving", action="store_true", help="write to the next version number under DIR")
    result.add_argument(
        "--save-recipe", type=Path, metavar="FILE", help="save the plan as a recipe, which --recipe replays"
    )
    add_overwrite(result, "--save-recipe")
    result.add_argument(
        "--recipe", type=Path, metavar="FILE", help="replay a recipe instead of giving MODEL and --wire"
    )
    verifying.configure(parser)


def run(args: argparse.Namespace, out: Output, child: Child | None = None) -> int:
    """Merge the models, in `child` if there is one already."""
    from workbench.cli.committing import commit_and_report
    from workbench.cli.pages.merge_page import MergePages
    from workbench.surgery.draft import build
    from workbench.surgery.resolve.join import open_sources

    plan, wires = make_plan(args)
    models = open_sources(plan)
    plan = with_renames(with_wires(plan, wires, models), args, models)
    draft, findings = build(plan, models)
    if draft is None:
        errors = [finding for finding in findings if finding.severity == "error"]
        raise PlanError(
            "The models can't be joined like this: "
            + ("one error." if len(errors) == 1 else f"{len(errors)} errors."),
            findings,
            hint=_suggest(models, plan) if any(one.code == "R1-no-wire" for one in errors) else None,
        )
    if args.output is None and not args.dry_run:
        raise UsageError(
            "No folder for the result is given.", hint="Add -o DIR, or --dry-run to write nothing."
        )
    if args.dry_run:
        from workbench.surgery.conditions.preconditions import unsafe_findings

        draft.findings = [*draft.findings, *unsafe_findings(draft.meta, draft.references)]
    return commit_and_report(draft, args, out, MergePages(draft, editing.needs(args, draft)), child)


def make_plan(args: argparse.Namespace) -> tuple[Plan, list[str]]:
    """Return the plan of the flags without its wires, and the wires as written."""
    if args.recipe is not None:
        from workbench.surgery.recipe import load

        if args.models or args.wires or args.steps or args.shares or args.side_by_side:
            raise UsageError(
                "--recipe already names models and wires.",
                hint="Leave out MODEL, --wire, --share, --side-by-side and --step, or leave out --recipe.",
            )
        return load(args.recipe), []
    if len(args.models) < 2:
        raise UsageError(
            "merge needs two or more models.", hint="workbench merge A B --wire OUTPUT=INPUT -o DIR"
        )
    if args.signature == "":
        raise UsageError("The signature of the result needs a key.", hint="--signature serving_default")
    sources = SourceList()
    for text in args.models:
        handle, path = split_source(text)
        sources.add(path, handle)
    handles = [source.handle for source in sources.sources]
    signatures = _by_handle(
        "--signature-of", args.signature_of, handles, (args.signature_a, args.signature_b)
    )
    tag_sets = _by_handle("--tag-set-of", args.tag_set_of, handles, (args.tag_set_a, args.tag_set_b))
    chosen = tuple(
        Source(
            source.handle,
            source.path,
            _tags(tag_sets[source.handle]) if source.handle in tag_sets else None,
            signatures.get(source.handle),
        )
        for source in sources.sources
    )
    plan = Plan(
        chosen,
        (*map(Share.parse, args.shares), *map(parse_step, args.steps)),
        ResultOptions(
            args.signature or DEFAULT_SIGNATURE,
            _tags(args.tag_set) if args.tag_set is not None else DEFAULT_TAGS,
            args.keep_outputs,
            args.keep_signatures,
            args.freeze,
            args.format or "auto",
            side_by_side=args.side_by_side,
        ),
    )
    return plan, list(args.wires)


def with_renames(plan: Plan, args: argparse.Namespace, models: Mapping[str, Model]) -> Plan:
    """Add the keys that the options rename to a plan; a recipe has its own."""
    inputs: set[str] = set()
    outputs: set[str] = set()
    for handle, model in models.items():
        for known, keys in zip((inputs, outputs), keys_of(model.meta.signatures.values()), strict=True):
            known |= keys | {f"{handle}_{key}" for key in keys}
    for_inputs = pairs("--rename-input", args.rename_input, known=inputs)
    for_outputs = pairs("--rename-output", args.rename_output, known=outputs)
    return plan.with_result(
        rename_inputs=tuple(for_inputs.items()) or plan.result.rename_inputs,
        rename_outputs=tuple(for_outputs.items()) or plan.result.rename_outputs,
    )


def with_wires(plan: Plan, wires: Iterable[str], models: Mapping[str, Model]) -> Plan:
    """Return the plan with the wires as written added to it."""
    from workbench.surgery.resolve.join import split_wire

    for text in wires:
        plan = plan.with_wire(split_wire(text, plan, models))
    return plan


def split_source(text: str) -> tuple[str | None, Path]:
    """Return handle and path of `HANDLE=PATH` or `PATH`.

    A path that exists as it stands is a path.
    """
    head, equals, rest = text.partition("=")
    if not equals or "/" in head or Path(text).exists():
        return None, Path(text)
    if not rest:
        raise UsageError(f"{show(text)!r} names no model.", hint="Write HANDLE=PATH.")
    return head, Path(rest)


def _tags(text: str) -> tuple[str, ...]:
    return tuple(tag.strip() for tag in text.split(",") if tag.strip())


def _by_handle(
    flag: str, texts: Iterable[str], handles: list[str], short: tuple[str | None, str | None]
) -> dict[str, str]:
    found = {handle: value for handle, value in zip(handles, short, strict=False) if value is not None}
    for text in texts:
        handle, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{flag} {show(text)}: write HANDLE=VALUE.")
        if handle not in handles:
            raise UsageError(
                f"{flag}: there is no model with the handle {show(handle)!r}.",
                hint=did_you_mean(handle, handles, noun="handles"),
            )
        found[handle] = value
    return found


def _suggest(models: Mapping[str, Model], plan: Plan) -> str | None:
    """Return wires that would fit, and inputs that can be shared, for a plan that has neither."""
    from workbench.surgery.resolve.suggest import suggest, suggest_adapted, suggest_shares

    shares = [
        f"--share {shlex.quote(str(one))}"
        for one in suggest_shares(plan, models)[:5]
        if Share.parse(str(one)) == one
    ]
    shared = "\n".join(["Inputs that can be shared:", *shares]) if shares else ""
    found, title = suggest(plan, models), "Compatible wires"
    if not found:
        found, title = suggest_adapted(plan, models), "Wires that adapters make compatible"
    if not found:
        told = "No output of a model is compatible with an input of the next, nor made so by adapters."
    else:
        told = "\n".join([f"{title}:", *(f"--wire {shlex.quote(str(wire))}" for wire in found[:5])])
    return f"{told}\n{shared}" if shared else told
