"""Verify a result again, or compare two models with equal signatures.

A result is compared with the sources in its recipe. They are found by their digests: where they were last used, beside
the result, in the working folder, or where --source says. A source with another digest is refused. A missing source
that is itself a result is rebuilt from its own recipe. With --against, both models are run on the same inputs. Nothing
is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli import verifying
from workbench.cli.arguments import add_json, completes_folders, pairs
from workbench.cli.output import NAME, TEXT, Output
from workbench.cli.verdict import differences
from workbench.describe.actions import words
from workbench.errors import UsageError
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model import Model
    from workbench.verification.report import Proof

EXAMPLES = """\
examples:
  workbench verify ./merged
  workbench verify ./merged --source img=./image --source net=/models/digits
  workbench verify ./merged --python /other/venv/bin/python
  workbench verify ./merged --input base64_input=@requests.npz
  workbench verify ./converted --against ./model --signature serving_default --input @requests.npz

Exit codes: 0 verified, 1 different, inconclusive or not allowed to run, 2 usage, 3 a model, recipe or source is missing
or cannot be read.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "model", type=Path, metavar="RESULT", help="result of workbench; with --against any model"
    )
    completes_folders(
        parser.add_argument(
            "--source", action="append", default=[], metavar="HANDLE=DIR", dest="sources",
            help="folder of a source; repeatable. For a source of a source, HANDLE is like merged/img",
        )
    )  # fmt: skip
    parser.add_argument(
        "--against", type=Path, metavar="MODEL", help="compare with this model instead of the sources"
    )
    parser.add_argument("--signature", metavar="KEY", help="with --against: signature of both models")
    parser.add_argument(
        "--tag-set", metavar="TAGS", help="with --against: tag set of both models, such as serve,gpu"
    )
    add_json(parser, "print one line of JSON to stdout")
    verifying.configure(parser, publishes=False)


def run(args: argparse.Namespace, out: Output) -> int:
    """Verify the model; return 0 if it is verified."""
    from workbench.model import open_model

    sources = {handle: Path(path) for handle, path in pairs("--source", args.sources, "HANDLE=DIR").items()}
    if args.against is None:
        for flag in ("signature", "tag_set"):
            if getattr(args, flag) is not None:
                name = flag.replace("_", "-")
                raise UsageError(
                    f"--{name} needs --against; without it the recipe says what is compared.",
                    hint=f"Leave out --{name}.",
                )
        model = open_model(args.model)
    elif sources:
        raise UsageError("--source and --against exclude each other.", hint="Leave out one of them.")
    else:
        model = open_model(args.model, args.tag_set)
    for note in model.notes:
        out.talk(note)
    proof = _again(args, out, model, sources) if args.against is None else _against(args, out, model)
    if out.json:
        out.emit(proof.as_json())
    else:
        _page(out, proof)
    return 0 if proof.ok else 1


def _again(args: argparse.Namespace, out: Output, model: Model, sources: dict[str, Path]) -> Proof:
    from workbench.disk.atomic.scratch import Scratch
    from workbench.verification.recheck import verify_again
    from workbench.verification.replay import replay

    with Scratch() as scratch:
        made = replay(model, sources, scratch.folder / "sources")
        for source in made.sources:
            out.detail(f"  {show(source.handle)} is {show(str(source.path))}")
        signature = made.made.meta.signatures[made.signature] if made.signature is not None else None
        proving = verifying.proving_of(args, made.made.meta, signature)
        return verify_again(model, made, made.work(proving, verifying.Talker(out)))


def _against(args: argparse.Namespace, out: Output, model: Model) -> Proof:
    from workbench.model import open_model
    from workbench.verification.compare import pair, verify_against

    other = open_model(args.against, args.tag_set)
    for note in other.notes:
        out.talk(note)
    found = pair(model, other, args.signature)
    proving = verifying.proving_of(args, found.other_meta, found.other_signature)
    return verify_against(found, proving, progress=verifying.Talker(out))


def _page(out: Output, proof: Proof) -> None:
    out.heading(f"{show(str(proof.path))}: {proof.verdict}", f"{sum(proof.seconds.values()):.1f} s")
    if out.quiet and proof.ok:
        return
    out.line(proof.reason, indent=2)
    for key, verification in proof.signatures.items():
        if len(proof.signatures) > 1:
            out.line(show(key), indent=2)
        differences(out, verification)
    for note in proof.notes:
        out.line(note, style="dim", indent=2)
    versions = next((one.versions for one in proof.signatures.values() if one.versions), {})
    if versions:
        out.line(
            f"Run with {', '.join(f'{name} {show(text)}' for name, text in versions.items())}",
            style="dim",
            indent=2,
        )
    if not proof.ok and proof.hint:
        for text in words(proof.hint, "command line").splitlines():
            out.line(text, style="dim", indent=2)
    if proof.sources:
        out.line()
        out.heading("Sources")
        rows = [
            (
                show(one.handle),
                "rebuilt from its recipe" if one.made_again else show(str(one.path)),
                f"sha256 {one.digest[:12]}…",
            )
            for one in proof.sources
        ]
        out.table(rows, [NAME, TEXT, TEXT])
