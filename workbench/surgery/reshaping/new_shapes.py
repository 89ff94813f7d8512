"""The new shapes of a signature's inputs, as a step asks for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.graph.body import Output
from workbench.model import shapes
from workbench.model.op_classes import PLACEHOLDERS
from workbench.model.shapes import Shape
from workbench.model.signature import Port, Signature
from workbench.names import did_you_mean, input_node, input_tensor, show
from workbench.surgery.workspace import Workspace

FREE = "?"
_SHAPE = re.compile(r"\s*(\?|\d+)\s*(,\s*(\?|\d+)\s*)*\Z")


@dataclass(frozen=True, slots=True)
class NewShape:
    """An input that changes.

    Attributes:
        port: of the signature.
        old: its shape before; the placeholder's own, or where that is silent the declared one.
        new: its shape afterwards.
    """

    port: Port
    old: Shape
    new: tuple[int | None, ...]

    @property
    def output(self) -> Output:
        """The node, and the number of its output."""
        tensor = input_tensor(self.port.tensor)
        return tensor.node, tensor.index

    @property
    def frees(self) -> bool:
        """Whether the first dimension was fixed, and is another now."""
        return (
            bool(self.old) and self.old is not None and self.old[0] is not None and self.old[0] != self.new[0]
        )


def new_shapes(
    workspace: Workspace, signature: Signature, batch: str | None, given: Mapping[str, str]
) -> list[NewShape]:
    """Return the inputs that change, with their new shapes; refusals become findings.

    Args:
        workspace: gets the findings.
        signature: the signature.
        batch: the first dimension of all inputs, `?` or a number; None to leave it.
        given: key of an input to its shape, as it is written.
    """
    work = _Asked(workspace, signature)
    work.look_up(batch, given)
    return work.found


@dataclass(slots=True)
class _Asked:
    workspace: Workspace
    signature: Signature
    found: list[NewShape] = field(default_factory=list)

    def wrong(self, code: str, where: str, message: str, hint: str | None = None) -> None:
        self.workspace.note(code, "error", where, message, hint)

    def look_up(self, batch: str | None, given: Mapping[str, str]) -> None:
        if batch is None and not given:
            self.wrong(
                "reshape-nothing",
                show(self.signature.key),
                "No new shape is given.",
                "Give batch=? or batch=8.",
            )
            return
        if batch is not None and batch != FREE and not (batch.isdecimal() and int(batch) > 0):
            self.wrong(
                "reshape-shape", "batch", f"The batch is {show(batch)}; it has to be ? or a positive number."
            )
            return
        for key, text in given.items():
            if key not in self.signature.inputs:
                told = f"The signature {show(self.signature.key)!r} has no input {show(key)!r}."
                hint = did_you_mean(key, self.signature.inputs, noun="inputs")
                self.wrong("signature-input", show(key), told, hint)
            elif not _SHAPE.match(text):
                self.wrong(
                    "reshape-shape",
                    show(key),
                    f"{show(text)!r} is no shape.",
                    "Write sizes with commas: ?,224,224,3",
                )
        if self.workspace.blocked:
            return
        for port in self.signature.inputs.values():
            if port.key in given:
                self._one(port, given[port.key])
            elif batch is not None:
                self._batch(port, batch)
        if not self.found and not self.workspace.blocked:
            told = f"Every input of {show(self.signature.key)!r} has this shape already."
            self.wrong(
                "reshape-nothing",
                show(self.signature.key),
                told,
                "Choose another size, or leave the step out.",
            )

    def _old(self, port: Port) -> Shape:
        """Return an input's shape: the placeholder's own where it has one."""
        actual = self.workspace.original.node_tensor(port.tensor)
        own = actual.shape if actual is not None else None
        if own is None or port.shape is None or len(own) != len(port.shape):
            return port.shape if own is None else own
        return tuple(b if a is None else a for a, b in zip(own, port.shape, strict=True))

    def _default(self, port: Port) -> Shape:
        """Return the shape of the value that an input has where it is left out; None if that is not known."""
        node = self.workspace.original.nodes.get(input_node(port.tensor))
        if node is None or node.op != "PlaceholderWithDefault" or not node.input:
            return None
        value = self.workspace.original.node_tensor(node.input[0])
        return value.shape if value is not None else None

    def _can_change(self, port: Port) -> bool:
        node = self.workspace.original.nodes.get(input_node(port.tensor))
        if port.kind != "dense" or node is None or node.op not in PLACEHOLDERS:
            told = f"is {port.kind}" if port.kind != "dense" else "is no placeholder"
            self.wrong(
                "reshape-input",
                show(port.key),
                f"Input {show(port.key)!r} {told}; only the shape of a dense placeholder can be changed.",
                "Name the inputs that are to change: shape=KEY=?,784",
            )
            return False
        return True

    def _batch(self, port: Port, batch: str) -> None:
        """Change the first dimension of an input; a scalar has none and stays."""
        old = self._old(port)
        if old == () or not self._can_change(port):
            return
        if old is None:
            self.wrong(
                "reshape-input",
                show(port.key),
                f"The rank of input {show(port.key)!r} is not known.",
                f"Give its shape: shape={show(port.key)}=?,784",
            )
            return
        self._add(port, old, (None if batch == FREE else int(batch), *old[1:]))

    def _one(self, port: Port, text: str) -> None:
        """Give an input a new shape."""
        if not self._can_change(port):
            return
        new = tuple(None if size.strip() == FREE else int(size) for size in text.split(","))
        old = self._old(port)
        if old is not None and len(old) != len(new):
            told = f"Input {show(port.key)!r} is {shapes.text(old)}, which has another rank than {shapes.text(new)}."
            self.wrong("reshape-shape", show(port.key), told, "Give as many sizes as it has.")
            return
        moved = [at for at, size in enumerate(old or ()) if at and size is not None and size != new[at]]
        if moved:
            self.wrong(
                "reshape-shape",
                show(port.key),
                f"Input {show(port.key)!r} is {shapes.text(old)}; dimension {moved[0]} is fixed, and only the first "
                "dimension can be changed or freed.",
                "Keep its other sizes.",
            )
            return
        self._add(port, old, new)

    def _add(self, port: Port, old: Shape, new: tuple[int | None, ...]) -> None:
        default = self._default(port)
        if shapes.fits(default, new) == "refuted":
            self.wrong(
                "reshape-shape",
                show(port.key),
                f"Input {show(port.key)!r} has a default of the shape {shapes.text(default)}, which does not fit "
                f"{shapes.text(new)}.",
                "Choose ? for the batch, or give the input another default in a step before: default "
                f"input={show(port.key)} value=JSON.",
            )
            return
        same = next((one for one in self.found if one.port.tensor == port.tensor and one.new != new), None)
        if same is not None:
            self.wrong(
                "reshape-shape",
                show(port.key),
                f"Inputs {show(same.port.key)!r} and {show(port.key)!r} are one tensor, {show(port.tensor)}, which "
                f"can't be both {shapes.text(same.new)} and {shapes.text(new)}.",
                "Give both the same shape.",
            )
            return
        if old != new or port.shape != new:
            self.found.append(NewShape(port, old, new))
