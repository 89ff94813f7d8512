"""The result of a probe, put together from what the recorders got."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.graph.control_flow import inside
from workbench.names import show
from workbench.picture.values import Image
from workbench.probing.instrumented import Answer, Runner
from workbench.probing.places import Place
from workbench.probing.probed_tensor import (
    Difference,
    Iteration,
    ProbedTensor,
    fields_of,
    left_out,
    probed,
    stacked,
)
from workbench.probing.target import Target
from workbench.runtime.child_process import codec
from workbench.runtime.component_tensors import component_names

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_NO_ROOM = "Its array is too large to be kept."


def assemble(
    target: Target,
    places: Sequence[Place],
    answer: Answer,
    values: Mapping[str, Array],
    returned: Collection[int],
) -> tuple[ProbedTensor, ...]:
    """Return the tensors of a probe.

    Args:
        target: what was run.
        places: the tensors, by slot.
        answer: of the runs.
        values: the inputs of the first one, by component.
        returned: the slots whose arrays were asked for.
    """
    found = []
    known = _known(target, values, answer.outputs[0])
    for slot, place in enumerate(places):
        runs = [run.get(slot) for run in answer.recorded]
        one = _tensor(place, runs[0], slot in returned, known)
        if len(runs) > 1:
            other = _tensor(place, runs[1], False, {})
            one = _compared(one, other, runs)
        found.append(one)
    return tuple(found)


def _known(target: Target, values: Mapping[str, Array], outputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return the tensors of the main graph whose values are known: a loader without a main graph records none."""
    found = {}
    for ports, arrays in ((target.signature.inputs, values), (target.signature.outputs, outputs)):
        for port in ports.values():
            for name, tensor in zip(component_names(port), port.tensors, strict=True):
                if name in arrays:
                    found[tensor] = arrays[name]
    return found


def _tensor(
    place: Place, recorded: dict[str, Any] | None, with_array: bool, known: Mapping[str, Array]
) -> ProbedTensor:
    if recorded is None:
        tensor = f"{place.value.name}:{place.value.index}"
        if not place.value.level.calls and tensor in known:
            return probed(place.address, place.op, known[tensor], images=1, keep=with_array)
        dtype = place.dtype
        return ProbedTensor(
            address=place.address, op=place.op, dtype=dtype, runs=0, note=place.no_value or _not_run(place)
        )
    indices = [tuple(index) for index, _ in recorded["rounds"]]
    arrays = [codec.decode(one) for one in recorded["arrays"]]
    runs = recorded["runs"]
    array = None
    note = left_out(runs, len(indices)) if indices else ""
    if with_array and arrays:
        array = stacked(indices, arrays) if runs > 1 else arrays[0]
    if with_array and recorded["cut"]:
        note = _NO_ROOM
    return ProbedTensor(
        address=place.address,
        op=place.op,
        runs=runs,
        note=note,
        iterations=tuple(
            Iteration(index=index, **_summary(part))
            for index, (_, part) in zip(indices, recorded["rounds"], strict=True)
        ),
        images=tuple(_image(one) for one in recorded["images"]),
        array=array,
        **_summary(recorded["summary"]),
    )


def _summary(encoded: Mapping[str, Any]) -> dict[str, Any]:
    return fields_of({**encoded, "first": codec.decode(encoded["first"])})


def _image(encoded: Mapping[str, Any]) -> Image:
    import base64

    return Image(**{**encoded, "pixels": base64.b64decode(encoded["pixels"])})


def _not_run(place: Place) -> str:
    """Return why a tensor was not computed."""
    if place.value.node is not None and inside(place.value.level.body, place.value.name) == "branch":
        return "Not computed: this branch did not run."
    for number in range(len(place.value.level.calls), 0, -1):
        call = place.value.level.calls[number - 1]
        if call.kind == "branch":
            return "Not computed: this branch did not run."
        if call.kind == "loop":
            return "Not computed: the loop ran no iteration."
    return "Not computed: this run did not need it."


# -- two runs


def _compared(one: ProbedTensor, other: ProbedTensor, runs: Sequence[dict[str, Any] | None]) -> ProbedTensor:
    """Return a tensor with its difference from that of a second run."""
    from dataclasses import replace

    first, second = runs
    if first is None or second is None:
        if first is None and second is None:
            return one
        which = "second" if first is None else "first"
        return replace(one, difference=Difference(note=f"Computed on the {which} run only."), other=other)
    parts = [(tuple(index), part) for index, part in second["differences"]]
    return replace(one, difference=_difference(one, other, parts), other=other)


def _difference(
    one: ProbedTensor, other: ProbedTensor, parts: Sequence[tuple[tuple[int, ...], Mapping[str, Any]]]
) -> Difference:
    note = ""
    if one.runs != other.runs:
        note = f"Computed {one.runs:,} times on the first run, {other.runs:,} times on the second."
    elif not parts:
        note = "Too large to be compared."
    elif len(parts) < one.runs:
        note = f"{len(parts):,} of {one.runs:,} iterations are compared."
    best: Difference | None = None
    differing = size = 0
    for index, part in parts:
        if "shapes" in part:
            shapes = tuple(part["shapes"][0]), tuple(part["shapes"][1])
            return Difference(shapes=shapes, iteration=index, note=note)
        differing += part["differing"]
        size += part["size"]
        if part["differing"] and (best is None or (part["largest"] or 0) > (best.largest or 0)):
            left, right = (codec.decode(value).tolist()[0] for value in part["values"])
            best = Difference(
                largest=part["largest"], at=tuple(part["at"]), values=(left, right), iteration=index
            )
    if best is None:
        largest = next((part["largest"] for _, part in parts), None)
        return Difference(size=size, largest=largest, note=note)
    return Difference(
        differing=differing,
        size=size,
        largest=best.largest,
        at=best.at,
        values=best.values,
        iteration=best.iteration,
        note=note,
    )


# -- outputs


def changed_outputs(
    runner: Runner,
    values: Mapping[str, Array],
    expected: Mapping[str, Array],
    found: Mapping[str, Array],
) -> list[str]:
    """Return a note for each output that the instrumented copy gives otherwise.

    The model itself is run once more then, to tell whether it differs from run to run.
    """
    differing = [key for key, array in expected.items() if key in found and not _same(array, found[key])]
    if not differing:
        return []
    again = runner.outputs(values)
    notes = []
    for key in differing:
        if not _same(expected[key], again[key]):
            notes.append(f"Output {show(key)!r} differs from run to run, so values may, too.")
        else:
            notes.append(f"Output {show(key)!r} differs from that of the model itself, so values may, too.")
    return notes


def _same(one: Array, other: Array) -> bool:
    import numpy as np

    if one.shape != other.shape:
        return False
    if one.dtype.kind not in "fcV":
        return bool(np.array_equal(one, other))
    wide = np.complex128 if one.dtype.kind == "c" else np.float64
    close = np.allclose(one.astype(wide), other.astype(wide), rtol=1e-4, atol=1e-6, equal_nan=True)
    return bool(close)
