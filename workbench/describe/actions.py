"""Word the actions of hints for the command line and the terminal UI; in Python a hint words itself.

An action is worded as an imperative, so that it can begin a sentence or end one: "add --allow-unsafe".
"""

from __future__ import annotations

import shlex
from typing import Any, Literal

from workbench.findings import IN_PYTHON, Action, Finding, Hint, joined

Face = Literal["command line", "terminal UI", "Python"]

COMMAND_LINE = {
    "adapt-wire": "use --wire {wire}",
    "adapt-input": "run `workbench adapt {handle} --before {key} '{chain}' -o DIR` first",
    "add-signature": "use --add {name} --inputs {inputs} --outputs {outputs}",
    "allow-unsafe": "add --allow-unsafe",
    "check-all": "list them with --all",
    "check-model": "run `workbench check`, which finds all that is wrong with it",
    "choose-format": "add --format {format}",
    "choose-python": "name a Python interpreter that has TensorFlow: --python PATH",
    "choose-signature": "use --signature {key}",
    "connect": "add --wire {output}={input} (`workbench inspect` shows the keys), --share {input}={input} for an input "
    "that models have in common, or --side-by-side for models that have nothing in common",
    "draw-less": "use --focus, a smaller --max-boxes, or a longer --time-limit",
    "drop-input": "use --drop-input {key}",
    "drop-signature": "use --drop {key}",
    "flatten": "run `workbench flatten MODEL -o DIR`",
    "give-input": "give values it can run on: --input {key}=VALUE",
    "give-samples": "give inputs that lead to different outputs: several as --input {key}=@samples.npz, along the "
    "first axis",
    "give-time": "give it more time: --time-limit SECONDS",
    "import-package": "add --import {package}",
    "keep-variables": "leave out --freeze",
    "leave-out-format": "leave out --format {format}",
    "list-all": "list them with --json",
    "list-operations": "list operations and their fields with `workbench edit --list`",
    "list-nodes": "list them with `workbench inspect --nodes`",
    "load-ops": "add --import MODULE or --op-library FILE.so",
    "no-verify": "add --no-verify",
    "overwrite": "replace the file with --overwrite",
    "rename-input": "use --rename-input {key}={new}",
    "rename-output": "use --rename-output {key}={new}",
    "rename-signature": "use --rename {key}={new}",
    "save-recipe": "save one with --save-recipe",
    "scan-model": "run `workbench scan`",
    "side-by-side": "keep it beside the others with --side-by-side",
    "show-keys": "list the keys with `workbench inspect`",
    "use-tensorflow": "use a TensorFlow that runs the sources: --python PATH, --import MODULE, --op-library FILE.so",
    "verify-against": "compare it with another model: `workbench verify MODEL --against OTHER`",
}

_ON_MODEL = {
    "add-signature": "--add {name} --inputs {inputs} --outputs {outputs}",
    "drop-input": "--drop-input {key}",
    "drop-signature": "--drop {key}",
    "rename-input": "--rename-input {key}={new}",
    "rename-output": "--rename-output {key}={new}",
    "rename-signature": "--rename {key}={new}",
}
"""Flags of `workbench signature`, for an action with an argument `model`: one that no command is changing yet."""

_STEPS = {
    "add-signature": "add the step `signature add=…` before it with A",
    "choose-signature": "set signature={key} in the step",
    "choose-format": "set format={format} in the step",
    "drop-signature": "add the step `signature drop={key}` before it with A",
    "leave-out-format": "leave format empty in the step",
    "rename-signature": "rename signature {key} to {new} in a step `signature`",
}
"""Words of the terminal UI for an action with an argument `step`: it is about a step of the plan."""

TERMINAL_UI = {
    "adapt-wire": "press = on it for the adapters `{through}`, | for others",
    "allow-unsafe": "turn on “Allow unsafe” in the commit form",
    "connect": "pick an output and an input with space, or two inputs that share one value",
    "give-input": "give values it can run on under “Verify with”",
    "give-samples": "give inputs that lead to different outputs under “Verify with”",
    "keep-variables": "turn off “Freeze” in the commit form",
    "list-operations": "choose the operation with A, which lists all of them",
    "list-nodes": "pick one in the list of nodes",
    "no-verify": "turn off “Verify” in the commit form",
    "side-by-side": "turn on “Side by side” in the commit form",
    "show-keys": "look at the keys in the list of the model",
}
"""What has no place in the terminal UI is worded for the command line there, too."""


def words(hint: str | None, face: Face) -> str:
    """Return a hint in the words of a face; the empty text for None."""
    if not isinstance(hint, Hint):
        return hint or ""
    if face == "Python":
        return str(hint)
    return joined(hint.before, action_words(hint.action, face), hint.after)


def action_words(action: Action, face: Face) -> str:
    """Return an action as an imperative in the words of a face."""
    if face == "Python":
        return action.fill(IN_PYTHON[action.name])
    given = action.arguments
    if face == "terminal UI":
        if action.name == "choose-signature" and "handle" in given:
            which = "the signature {key}" if "key" in given else "a signature"
            return action.fill(f"press a on {which} of {{handle}}")
        if "step" in given and action.name in _STEPS:
            return action.fill(_STEPS[action.name])
        if action.name in TERMINAL_UI:
            return action.fill(TERMINAL_UI[action.name])
        return f"on the command line, {_command(action)}"
    return _command(action)


def _command(action: Action) -> str:
    given = action.arguments
    if "model" in given and action.name in _ON_MODEL:
        return action.fill(f"run `workbench signature {{model}} {_ON_MODEL[action.name]} -o DIR`")
    if action.name == "choose-signature" and "handle" in given:
        return action.fill("use --signature-of {handle}={key}")
    if action.name == "give-source":
        handles = given.get("handles", "HANDLE").split(", ")
        return "say where: " + " ".join(f"--source {handle}=DIR" for handle in handles)
    if action.name == "adapt-wire" and "wire" in given:
        return f"use --wire {shlex.quote(given['wire'])}"
    return action.fill(COMMAND_LINE[action.name])


def hint_json(hint: str | None) -> dict[str, Any]:
    """Return a hint as `--json` shows it: `hint` in the words of the command line, and its `action` if it has one."""
    found: dict[str, Any] = {"hint": words(hint, "command line") or None}
    if isinstance(hint, Hint):
        found["action"] = {"name": hint.action.name, "arguments": dict(hint.action.arguments)}
    return found


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as `--json` of every command shows it."""
    found = {
        "code": finding.code,
        "severity": finding.severity,
        "where": finding.where,
        "message": finding.message,
        **hint_json(finding.hint),
    }
    return {**found, "more": finding.more} if finding.more else found
