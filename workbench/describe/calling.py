"""Write calls of a model for the shell, for Python and for REST, with its own keys, shapes and values."""

from __future__ import annotations

import keyword
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.describe.example_values import Value, example, string_kinds
from workbench.disk import dtypes
from workbench.model import MetaGraph, Port, Signature
from workbench.model.model import SERVE
from workbench.model.signature import DEFAULT
from workbench.runtime.component_tensors import (
    SPARSE_PARTS,
    ComponentTensor,
    component_names,
    input_components,
)

if TYPE_CHECKING:
    from workbench.runtime.chain import Sample
    from workbench.runtime.comparison.verification import Verification

WIDTH = 78
"""Columns after which a command continues on the next line."""


class Call(NamedTuple):
    """How a signature of a model is called, in three languages.

    Attributes:
        shell: lines for a shell.
        python: lines of a Python program.
        rest_path: where TensorFlow Serving takes the request.
        rest: its body, or None if it can't be asked this way.
        rest_note: why not, or what to put into it; or None.
    """

    shell: tuple[str, ...]
    python: tuple[str, ...]
    rest_path: str
    rest: dict[str, Any] | None
    rest_note: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the call as `merge --json` shows it."""
        rest = {"path": self.rest_path, "body": self.rest, "note": self.rest_note}
        return {"shell": "\n".join(self.shell), "python": "\n".join(self.python), "rest": rest}


class Needs(NamedTuple):
    """What has to be there for a model to run at all.

    Attributes:
        unsafe: it reaches ops that run only with the user's word.
        imports: modules with custom ops.
        op_libraries: shared objects with custom ops.
        python: another interpreter that has its TensorFlow; None for the running one.
        tags: the tag set to name, where the model has several MetaGraphs; None where it has one.
    """

    unsafe: bool = False
    imports: tuple[str, ...] = ()
    op_libraries: tuple[str, ...] = ()
    python: str | None = None
    tags: tuple[str, ...] | None = None

    @property
    def tag_set(self) -> str | None:
        """The tag set that is not chosen by itself, as it is written."""
        return None if self.tags is None or set(self.tags) == set(SERVE) else ",".join(self.tags)

    def words(self) -> list[str]:
        """Return the flags of `workbench run`."""
        found = ["--tag-set", self.tag_set] if self.tag_set is not None else []
        found += ["--allow-unsafe"] if self.unsafe else []
        for flag, values in (("--import", self.imports), ("--op-library", self.op_libraries)):
            for value in values:
                found += [flag, value]
        return [*found, *(["--python", self.python] if self.python else [])]

    def keywords(self) -> str:
        """Return the further arguments of `workbench.run`, each after a comma."""
        given = {
            "allow_unsafe": self.unsafe,
            "imports": list(self.imports),
            "op_libraries": list(self.op_libraries),
            "python": self.python,
        }
        tags = "" if self.tag_set is None else f", tags={self.tag_set!r}"
        return tags + "".join(f", {name}={value!r}" for name, value in given.items() if value)


_NONE = Needs()


def needs_of(
    meta: MetaGraph,
    signature: str,
    *,
    allowed: bool,
    verified: bool,
    imports: Sequence[str] = (),
    op_libraries: Sequence[str] = (),
    python: str | None = None,
    several: bool = False,
) -> Needs:
    """Return what a result needs to be run: what its verification needed, and the permission for unsafe ops.

    Args:
        meta: its MetaGraph.
        signature: the key of what is run.
        allowed: unsafe ops were allowed.
        verified: it was run; if not, its ops are looked at.
        imports: modules with custom ops.
        op_libraries: shared objects with custom ops.
        python: another interpreter, or None.
        several: the model has other MetaGraphs as well.
    """
    from workbench.checks.unsafe import unsafe_ops
    from workbench.checks.unsafe.ops import may_be_unsafe

    asked = allowed or (not verified and may_be_unsafe(meta.ops))
    unsafe = asked and bool(unsafe_ops(meta, [signature]))
    return Needs(unsafe, tuple(imports), tuple(op_libraries), python, meta.tags if several else None)


def how_to_call(
    path: Path,
    meta: MetaGraph,
    signature: Signature,
    sample: Sample | None = None,
    picture: str | None = None,
    *,
    loads: bool = True,
    needs: Needs = _NONE,
) -> Call:
    """Return the call of a signature.

    Args:
        path: where the model is.
        meta: its MetaGraph.
        signature: what is called.
        sample: values by component it is known to run on, or None.
        picture: an image file that is there, or None.
        loads: whether `tf.saved_model.load` loads it; if not, `workbench.run` calls it.
        needs: what has to be there for it.
    """
    components = input_components(meta, signature)
    kinds = {} if sample is not None else string_kinds(meta, signature)
    values = {
        name: example(
            component,
            (sample or {}).get(name),
            kinds.get(name),
            picture or "image.png",
            signature.inputs[component.key].shape,
        )
        for name, component in components.items()
    }
    name = path.parent.name if path.name.isdecimal() else path.name
    body, note = _rest(signature, components, values)
    return Call(
        tuple(_shell(path, signature, values, needs)),
        tuple(
            _python(path, signature, values, needs)
            if loads and _loadable(signature)
            else _python_run(path, signature, values, needs)
        ),
        f"/v1/models/{name}:predict",
        body,
        note,
    )


def call_of_result(
    path: Path,
    meta: MetaGraph,
    signature: Signature,
    verification: Verification | None,
    needs: Needs,
    picture: Path,
) -> Call:
    """Return the call of a published result, with values of the kind it was verified with.

    Args:
        path: where it is.
        meta: its MetaGraph.
        signature: what is called.
        verification: how it was run, or None.
        needs: what has to be there for it.
        picture: an image file to use if it exists.
    """
    samples = verification.samples if verification is not None else ()
    loaders = verification.loaders if verification is not None else ()
    smallest = min(samples, key=lambda sample: sum(array.size for array in sample.values()), default=None)
    return how_to_call(
        path,
        meta,
        signature,
        smallest,
        short(picture) if picture.exists() else None,
        loads=all(check.status == "equal" for check in loaders if check.loader == "v2"),
        needs=needs,
    )


def short(path: Path) -> str:
    """Return a path as it is shortest from the working folder."""
    try:
        near = os.path.relpath(path)
    except (OSError, ValueError):  # there is no working folder any more, or it is on another drive
        return str(path)
    return near if len(near) < len(str(path)) else str(path)


def command(words: Sequence[str]) -> list[str]:
    """A command as lines that can be pasted into a shell: a long one continues after a backslash."""
    whole = shlex.join(words)
    if len(whole) <= WIDTH:
        return [whole]
    groups: list[str] = []
    for word in words:
        quoted = shlex.quote(word)
        last = groups[-1] if groups else ""
        value_of_flag = last.startswith("-") and " " not in last
        if value_of_flag or (
            len(groups) == 1 and len(last) + len(quoted) < WIDTH and not word.startswith("-")
        ):
            groups[-1] = f"{last} {quoted}"
        else:
            groups.append(quoted)
    lines = [groups[0]]
    for group in groups[1:]:
        if len(lines[-1]) + len(group) + 3 <= WIDTH:
            lines[-1] += f" {group}"
        else:
            lines[-1] += " \\"
            lines.append(f"  {group}")
    return lines


# -- the three languages


def _shell(path: Path, signature: Signature, values: Mapping[str, Value], needs: Needs) -> list[str]:
    words = ["workbench", "run", str(path)]
    if signature.key != DEFAULT:
        words += ["--signature", signature.key]
    for name, value in values.items():
        words += ["--input", f"{name}={value.shell}"]
    words += needs.words()
    return [*(value.setup for value in values.values() if value.setup), *command(words)]


def _python(path: Path, signature: Signature, values: Mapping[str, Value], needs: Needs) -> list[str]:
    modules = {module for value in values.values() for module in value.modules} - {"numpy"}
    lines = [f"import {module}" for module in sorted(modules)]
    lines.append("import tensorflow as tf")
    lines += [f"import {module}  # its custom ops" for module in needs.imports]
    lines += [f"tf.load_op_library({library!r})" for library in needs.op_libraries]
    tags = "" if needs.tags is None else f", tags={list(needs.tags)!r}"
    lines += [f"model = tf.saved_model.load({str(path)!r}{tags})"]
    arguments, odd = [], []
    for port in signature.inputs.values():
        for name, text in _python_arguments(port, values):
            if name.isidentifier() and not keyword.iskeyword(name):
                arguments.append(f"{name}={text}")
            else:
                odd.append(f"{name!r}: {text}")
    if odd:
        arguments.append(f"**{{{', '.join(odd)}}}")
    call = f"model.signatures[{signature.key!r}]"
    if len(call) + len(", ".join(arguments)) + 9 <= WIDTH:
        return [*lines, f"print({call}({', '.join(arguments)}))"]
    return [
        *lines,
        f"outputs = {call}(",
        *(f"    {argument}," for argument in arguments),
        ")",
        "print(outputs)",
    ]


def _python_run(path: Path, signature: Signature, values: Mapping[str, Value], needs: Needs) -> list[str]:
    """The same for a model that only a v1 Session runs."""
    modules = {module for value in values.values() for module in value.modules} | {"workbench"}
    lines = [f"import {module}" for module in sorted(modules)]
    lines += ["inputs = {", *(f"    {name!r}: {value.plain}," for name, value in values.items()), "}"]
    key = "" if signature.key == DEFAULT else f", {signature.key!r}"
    return [*lines, f"print(workbench.run({str(path)!r}, inputs{key}{needs.keywords()}))"]


def _python_arguments(port: Port, values: Mapping[str, Value]) -> list[tuple[str, str]]:
    """Keyword arguments of an input: the loader takes the parts of a composite one by one."""
    components = component_names(port)
    if port.kind == "dense":
        return [(port.key, values[components[0]].python)]
    parts = SPARSE_PARTS if port.kind == "sparse" else [f"component_{at}" for at in range(len(components))]
    return [
        (f"{port.key}_{part}", values[component].python)
        for part, component in zip(parts, components, strict=True)
    ]


def _loadable(signature: Signature) -> bool:
    """Whether keys stay apart when `tf.saved_model.load` makes them names of parameters."""
    names = {"".join(char if char.isalnum() else "_" for char in key) for key in signature.inputs}
    return len(names) == len(signature.inputs)


def _rest(
    signature: Signature, components: Mapping[str, ComponentTensor], values: Mapping[str, Value]
) -> tuple[dict[str, Any] | None, str | None]:
    """TensorFlow Serving's REST request: its body or None, and a note.

    `instances` sends a batch, so it fits only where every input has a first dimension of free size; all else takes
    `inputs`, the columns as they are.
    """
    if any(port.kind != "dense" for port in signature.inputs.values()):
        return None, "The REST API of TensorFlow Serving has no sparse or ragged inputs; use gRPC."
    if any(
        dtypes.name(component.dtype).startswith("complex")
        for component in components.values()
        if component.dtype
    ):
        return None, "The REST API of TensorFlow Serving has no complex numbers; use gRPC."
    head: dict[str, Any] = {} if signature.key == DEFAULT else {"signature_name": signature.key}
    columns = {key: value.rest for key, value in values.items()}
    single = len(columns) == 1
    free = all(component.shape and component.shape[0] is None for component in components.values())
    counts = {len(value) for value in columns.values() if isinstance(value, list)}
    if columns and free and len(counts) == 1 and 0 not in counts:
        rows = [{key: value[at] for key, value in columns.items()} for at in range(counts.pop())]
        return {**head, "instances": [next(iter(row.values())) for row in rows] if single else rows}, None
    return {**head, "inputs": next(iter(columns.values())) if single else columns}, None
