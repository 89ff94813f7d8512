"""Rename, drop and add signatures, and rename their inputs and outputs.

One call can make several changes. Write OLD=NEW everywhere; a swap (a=b b=a) is allowed. The result is verified before
it is published: it must give the same values under its new keys in every loader. Write a tensor as for merge: node:0,
CALL::node:0 inside a call, SIGNATURE#KEY, or a key of a callable: __call__#x, __call__[2]#x.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from workbench.cli import editing
from workbench.cli.arguments import keys_of, pairs
from workbench.cli.committing import commit_and_report
from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.errors import UsageError
from workbench.names import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.model import MetaGraph, Model, Port
    from workbench.surgery.draft import Draft
    from workbench.surgery.operations.signature import ChangeSignature

EXAMPLES = """\
examples:
  workbench signature ./model --rename serving_default=predict -o ./renamed
  workbench signature ./model --rename-input image=image_raw --rename-output output_1=scores -o ./renamed
  workbench signature ./model --signature embed --rename-output y=vector --drop train -o ./renamed
  workbench signature ./model --add features --inputs x=x:0 --outputs hidden=dense/Relu:0 logits=logits:0 -o ./more
  workbench signature ./hub --add serving_default --inputs x=__call__#x --outputs y=__call__#output_0 -o ./servable
  workbench signature ./model --method tensorflow/serving/classify --dry-run
"""


_ENDS = "KEY=TENSOR"


class _Add(argparse.Action):
    """Begin a signature at `--add NAME`, which owns the options behind it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        added = list(getattr(namespace, "added", None) or [])
        if self.dest == "add":
            added.append((values, {"inputs": [], "outputs": []}))
        elif not added:
            parser.error(f"{option_string} must follow the --add NAME it belongs to")
        else:
            added[-1][1][self.dest] += list(values or ())
        namespace.added = added


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    change = parser.add_argument_group("changes")
    change.add_argument("--rename", action="append", default=[], metavar="OLD=NEW", help="rename a signature")
    for side in ("input", "output"):
        change.add_argument(
            f"--rename-{side}", action="append", default=[], metavar="OLD=NEW",
            help=f"rename an {side} of the chosen signature",
        )  # fmt: skip
    change.add_argument("--drop", action="append", default=[], metavar="KEY", help="remove a signature")
    change.add_argument(
        "--add", action=_Add, metavar="NAME", help="add a signature, made of any tensors or of a callable"
    )
    for side in ("inputs", "outputs"):
        change.add_argument(
            f"--{side}", action=_Add, nargs="+", metavar="KEY=TENSOR", help=f"{side} of the added signature"
        )
    change.add_argument(
        "--method", metavar="NAME", help="method name of the added signatures, or of the chosen one"
    )
    change.add_argument(
        "--signature", metavar="KEY",
        help="the chosen signature, by its old key (default: serving_default, else the only one)",
    )  # fmt: skip
    editing.configure(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Change the signatures and return the exit code."""
    model = editing.open_it(args)
    plan = editing.edit_plan(args, make_change(args, model))
    draft = editing.built(plan, {plan.handles[0]: model})

    def special(draft: Draft) -> tuple[Callable[[], None], dict[str, Any]]:
        before, after = model.meta, draft.meta
        changed = [key for key in after.signatures if _data(after, key) != _data(before, key)]
        gone = [key for key in before.signatures if key not in after.signatures]

        def page() -> None:
            for word, meta, keys in (("Before", before, [*gone, *changed]), ("After", after, changed)):
                for key in keys:
                    if key in meta.signatures:
                        found = meta.signatures[key]
                        out.heading(f"{word}: {show(key)}", show(found.method_name))
                        rows = _rows(found.inputs.values(), found.outputs.values())
                        out.table(rows, [TEXT, NAME, DTYPE, NAME])
                        out.line()

        return page, {"signatures": {key: _data(after, key) for key in after.signatures}}

    return commit_and_report(draft, args, out, editing.EditPages(draft, special))


def make_change(args: argparse.Namespace, model: Model) -> ChangeSignature:
    """Read the change that the options ask for.

    Raises:
        UsageError: one is not of its form, or none is there.
    """
    from workbench.surgery.operations.signature import Added, ChangeSignature

    signatures = model.meta.signatures
    inputs, outputs = keys_of(signatures.values())
    change = ChangeSignature(
        rename=pairs("--rename", args.rename, known=signatures),
        rename_inputs=pairs("--rename-input", args.rename_input, known=inputs),
        rename_outputs=pairs("--rename-output", args.rename_output, known=outputs),
        drop=tuple(dict.fromkeys(args.drop)),
        add=tuple(
            Added(key, pairs("--inputs", sides["inputs"], _ENDS), pairs("--outputs", sides["outputs"], _ENDS))
            for key, sides in getattr(args, "added", None) or ()
        ),
        method=args.method,
        signature=args.signature,
    )
    if not change.changes:
        raise UsageError(
            "No changes requested.",
            hint="Add a change, such as --rename-input OLD=NEW; see workbench signature --help.",
        )
    return change


def _data(meta: MetaGraph, key: str) -> dict[str, Any] | None:
    """Return a signature as JSON."""
    from workbench.disk import dtypes
    from workbench.model import shapes

    if key not in meta.signatures:
        return None
    found = meta.signatures[key]
    return {
        "method_name": found.method_name,
        **{
            side: {
                name: {
                    "tensor": port.tensor,
                    "dtype": dtypes.name(port.dtype),
                    "shape": shapes.as_json(port.shape),
                }
                for name, port in ports.items()
            }
            for side, ports in (("inputs", found.inputs), ("outputs", found.outputs))
        },
    }


def _rows(inputs: Iterable[Port], outputs: Iterable[Port]) -> list[tuple[str, str, str, str]]:
    from workbench.model import shapes

    return [
        (
            word,
            show(port.key),
            shapes.typed(port.dtype, port.shape),
            show(port.tensor),
        )
        for word, ports in (("in", inputs), ("out", outputs))
        for port in ports
    ]
