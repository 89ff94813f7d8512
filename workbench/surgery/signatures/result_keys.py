"""Other keys for the inputs and outputs of a result."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.findings import Action, Finding, Hint
from workbench.names import UNUSABLE_ARGUMENT, did_you_mean, is_unusable_argument, show
from workbench.surgery.resolve.join import Join
from workbench.surgery.signatures.interface import Interface, ResultPort


def rename_keys(join: Join, interface: Interface) -> None:
    """Rename the keys of the result's signature as the plan says."""
    if join.blocked:
        return  # what is missing then may only be missing because of that
    plan = join.plan
    for noun, ports, renames in (
        ("input", interface.inputs, plan.result.rename_inputs),
        ("output", interface.outputs, plan.result.rename_outputs),
    ):
        if renames:
            ports[:] = _renamed(join, noun, ports, dict(renames))


def _renamed(join: Join, noun: str, ports: list[ResultPort], renames: Mapping[str, str]) -> list[ResultPort]:
    known = [port.key for port in ports]
    for old, new in renames.items():
        if old not in known:
            _wrong(
                join,
                old,
                f"The result has no {noun} {show(old)!r}.",
                did_you_mean(old, known, noun=f"{noun}s"),
                "R6-unknown",
            )
        if not new:
            _wrong(join, old, "A key can't be empty.", None)
        elif noun == "input" and is_unusable_argument(new):
            _wrong(
                join,
                new,
                f"{show(new)!r} can't be the key of an input: {UNUSABLE_ARGUMENT}.",
                f"Choose another key, for example {show(new)}_.",
            )
    keys = [renames.get(key, key) for key in known]
    for key in dict.fromkeys(one for one in keys if keys.count(one) > 1):
        _wrong(
            join,
            key,
            f"Two {noun}s of the result would be {show(key)!r}.",
            Hint(
                "Rename the other one as well: ", Action(f"rename-{noun}", {"key": show(key), "new": "OTHER"})
            ),
        )
    return [port._replace(key=key) for port, key in zip(ports, keys, strict=True)]


def _wrong(join: Join, where: str, message: str, hint: str | None, code: str = "R6-rename") -> None:
    join.findings.append(Finding(code, "error", show(where), message, hint))
