"""Changes of signatures, as they are asked for: renamed, dropped and added ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.surgery import values
from workbench.surgery.operation import Operation
from workbench.surgery.step import Record, normalise, option

Pairs = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Added:
    """A signature to add.

    Attributes:
        key: of the signature.
        inputs: key to a tensor, written like the endpoint of a wire (`node:0`, `CALL::node:0`, `SIGNATURE#KEY`), or to
            a key of a callable (`__call__#x`, `__call__[2]#x`); then all of them are keys of that.
        outputs: likewise.
    """

    key: str = option(values.Text(), "its key", metavar="NAME")
    inputs: Pairs = option(values.Pairs(), "inputs of the added signature", metavar="KEY=TENSOR")
    outputs: Pairs = option(values.Pairs(), "outputs of the added signature", metavar="KEY=TENSOR")

    def __post_init__(self) -> None:
        normalise(self)


@dataclass(frozen=True, slots=True)
class SignatureChanges(Operation):
    """The fields of an operation that changes signatures.

    Attributes:
        rename: old to new key of signatures.
        rename_inputs: old to new key of inputs of the chosen signature.
        rename_outputs: likewise.
        drop_inputs: keys of inputs of the chosen signature to remove; no output that stays may need them.
        drop_outputs: keys of its outputs to remove.
        drop: keys of signatures to remove.
        add: signatures to add.
        method: method name of the added signatures, or of the chosen one if none is added; None leaves it.
        signature: the chosen one, by its old key; None for `serving_default` if there, else the only one.
    """

    rename: Pairs = option(
        values.Pairs(), "rename a signature", metavar="OLD=NEW", default=(), keys="signatures"
    )
    rename_inputs: Pairs = option(
        values.Pairs(),
        "rename an input of the chosen signature",
        metavar="OLD=NEW",
        default=(),
        flag="rename-input",
        keys="inputs",
    )
    rename_outputs: Pairs = option(
        values.Pairs(),
        "rename an output of the chosen signature",
        metavar="OLD=NEW",
        default=(),
        flag="rename-output",
        keys="outputs",
    )
    drop_inputs: Sequence[str] = option(
        values.Texts(),
        "remove an input of the chosen signature that no output needs",
        metavar="KEY",
        default=(),
        flag="drop-input",
    )
    drop_outputs: Sequence[str] = option(
        values.Texts(),
        "remove an output of the chosen signature",
        metavar="KEY",
        default=(),
        flag="drop-output",
    )
    drop: Sequence[str] = option(values.Texts(), "remove a signature", metavar="KEY", default=())
    add: Sequence[Added] = option(
        Record(Added),
        "add a signature, made of any tensors or of a callable",
        metavar="JSON",
        default=(),
        refers=True,
    )
    method: str | None = option(
        values.Text(optional=True),
        "method name of the added signatures, or of the chosen one",
        metavar="NAME",
        default=None,
    )
    signature: str | None = option(
        values.Text(optional=True),
        "the chosen signature, by its old key (default: serving_default, else the only one)",
        metavar="KEY",
        default=None,
    )

    @property
    def changes(self) -> dict[str, Any]:
        """What is asked for besides the chosen signature, by field; empty if nothing is."""
        found: dict[str, Any] = {
            "rename": self.rename,
            "rename_inputs": self.rename_inputs,
            "drop": self.drop,
        }
        found |= {"drop_inputs": self.drop_inputs, "drop_outputs": self.drop_outputs}
        found |= {"rename_outputs": self.rename_outputs, "add": self.add, "method": self.method}
        return {name: value for name, value in found.items() if value not in ((), None)}

    @property
    def empty(self) -> bool:
        """Whether no change is requested."""
        return not self.changes
