"""The form of a run: what can be run, and an input with a value that is made from the graph."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.describe.actions import words
from workbench.describe.example_values import kind_of, string_kinds
from workbench.disk import dtypes
from workbench.errors import InputError
from workbench.model import MetaGraph, Model, Signature, shapes
from workbench.names import show
from workbench.probing.target import find_target
from workbench.runtime.component_tensors import ComponentTensor, input_components
from workbench.runtime.inputs.values import BASE64_FILE, parse_value, split_assignment

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_NAMED = 2


@dataclass(frozen=True, slots=True)
class Runnable:
    """Something of a model that can be run.

    Attributes:
        name: key of a signature, or `__call__[2]` of a callable.
        kind: `signature` or `callable`.
        about: what it takes and gives: `float32 [?,784] → float32 [?,10]`.
    """

    name: str
    kind: str
    about: str


@dataclass(frozen=True, slots=True)
class RunInput:
    """An input of the form.

    Attributes:
        component: the tensor that takes the value.
        made: the value that is taken if none is typed; None if none can be made.
        note: how it was made, or why not.
        kind: what its strings are: `image`, `base64 image`, or empty.
    """

    component: ComponentTensor
    made: Array | None
    note: str
    kind: str = ""

    @property
    def name(self) -> str:
        """The name of its value."""
        return self.component.name

    @property
    def may_be_left_out(self) -> bool:
        """Whether the model has a value of its own for it."""
        return self.component.optional or self.component.default is not None


@dataclass(frozen=True, slots=True)
class RunForm:
    """What is run, and its inputs.

    Attributes:
        name: of the signature or callable.
        meta: the MetaGraph; of a callable a copy in which it is a signature.
        signature: what is run.
        inputs: in the order of the signature.
    """

    name: str
    meta: MetaGraph
    signature: Signature
    inputs: tuple[RunInput, ...]


def runnables(model: Model) -> list[Runnable]:
    """Return what can be run of a model: its signatures, then its callables."""
    from workbench.surgery.resolve.callables import callable_ports, variant_name

    meta = model.meta
    found = [
        Runnable(key, "signature", _takes_and_gives(signature))
        for key, signature in meta.shown_signatures.items()
    ]
    for item in meta.callables if meta.has_object_graph else ():
        for variant in item.variants:
            about = _takes_and_gives(callable_ports(meta, variant))
            found.append(Runnable(variant_name(meta, item, variant), "callable", about))
    return found


def usual(model: Model) -> str | None:
    """Return the name of what is run if nothing is chosen; None if nothing can be run."""
    names = [one.name for one in runnables(model)]
    return "serving_default" if "serving_default" in names else next(iter(names), None)


def make_form(model: Model, name: str, sample: Mapping[str, Array] | None = None) -> RunForm:
    """Return the form of a signature or callable, with a value made for each input.

    It looks through the graph, so call it in a thread.

    Args:
        model: the opened model.
        name: one of `runnables`.
        sample: values it is known to run on, which are offered instead of made ones.

    Raises:
        UnknownName: there is no such signature, or the callable can't be run.
    """
    target = find_target(model, None, name)
    meta, signature = target.meta, target.signature
    components = input_components(meta, signature)
    kinds = string_kinds(meta, signature)
    values, notes = _made(meta, signature)
    fitting = sample is not None and sample.keys() >= {
        one.name for one in components.values() if not one.optional
    }
    inputs = []
    for key, component in components.items():
        value, note = values.get(key), notes.get("", "")
        if key in notes:
            note = f"made for it: {notes[key]}"
        if fitting and sample is not None and key in sample:
            value, note = sample[key], "as the result was verified with"
        inputs.append(RunInput(component, value, note, kinds.get(key, "")))
    return RunForm(name, meta, signature, tuple(inputs))


def parse(form: RunForm, texts: Mapping[str, str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the values of a form, and what is wrong with each input, in words.

    Args:
        form: the form.
        texts: what is typed, by input; the made value is taken where nothing is.
    """
    values: dict[str, Array] = {}
    problems: dict[str, str] = {}
    for one in form.inputs:
        text = texts.get(one.name, "").strip()
        if not text:
            if one.made is not None:
                values[one.name] = one.made
            elif not one.may_be_left_out:
                problems[one.name] = _lacks(one)
            continue
        try:
            values[one.name] = parse_value(text, one.component)
        except InputError as error:
            hint = words(error.hint, "terminal UI")
            problems[one.name] = f"{error.message} {hint}".strip()
            continue
        if wrong := _not_decodable(one, values[one.name], text):
            problems[one.name] = wrong
    return values, problems


def _lacks(one: RunInput) -> str:
    """Return what is wrong with an input that has no value, and the next move."""
    if one.component.dtype in (dtypes.RESOURCE, dtypes.VARIANT):
        kind = dtypes.name(one.component.dtype)
        return f"It takes a {kind}, which cannot be typed. Run another signature or callable (f3)."
    return f"It has no value. {one.note} Type one: {one.component.describe()}."


def typed_inputs(texts: Sequence[str], meta: MetaGraph, signature: Signature) -> dict[str, str]:
    """Return values written `KEY=VALUE` by input; those of no input are left out."""
    components = input_components(meta, signature)
    found = {}
    for text in texts:
        with suppress(InputError):
            name, value = split_assignment(text, components)
            found[name] = value
    return found


def from_file(one: RunInput, path: object) -> str:
    """Return what is typed for a file that was picked for an input."""
    return f"{BASE64_FILE}{path}" if one.kind == "base64 image" else f"@{path}"


def encoded_image(value: bytes) -> bytes:
    """Return the image file in a string that may be the file itself or web-safe base64 of it; empty if it is none."""
    kind = kind_of(value)
    if kind == "image":
        return value
    if kind is None:
        return b""
    try:
        return base64.urlsafe_b64decode(value + b"=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        return b""


def _not_decodable(one: RunInput, value: Array, text: str) -> str:
    """Return what is wrong with an image that the graph would not decode; empty if nothing is."""
    if one.kind != "base64 image" or not value.size:
        return ""
    first = value.reshape(-1)[0]
    if not isinstance(first, bytes) or kind_of(first) != "image":
        return ""
    file = text[1:] if text.startswith("@") else "FILE"
    return f"The model decodes web-safe base64, but this is the image itself. Type {BASE64_FILE}{show(file, 200)}"


def _made(meta: MetaGraph, signature: Signature) -> tuple[dict[str, Array], dict[str, str]]:
    """Return made values and how they were made; under the empty name why none can be made."""
    from workbench.runtime.inputs.make_inputs import Unmakeable, make_inputs

    try:
        found = make_inputs(meta, signature, batch=1)
    except Unmakeable as problem:
        return {}, {"": f"None can be made: {problem}."}
    return dict(found.values), dict(found.notes)


def _takes_and_gives(signature: Signature) -> str:
    sides = []
    for ports in (signature.inputs, signature.outputs):
        typed = [shapes.typed(port.dtype, port.shape) for port in ports.values()]
        more = [f"and {len(typed) - _NAMED:,} more"] if len(typed) > _NAMED else []
        sides.append(", ".join([*typed[:_NAMED], *more]) or "nothing")
    return " → ".join(sides)
