"""The command line of a plan, so that a script can run it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.session.options import CommitOptions
from workbench.surgery.operations.share import Share
from workbench.surgery.plan import DEFAULT_SIGNATURE, DEFAULT_TAGS, Plan, SourceList
from workbench.surgery.step import print_step


def command_line(plan: Plan, options: CommitOptions | None = None, target: str | None = None) -> str:
    """Return the command line of a plan, quoted for a shell.

    It is `inspect` where the plan has no result. Arguments are as for `commit_words`.
    """
    if not plan.sources:
        return "workbench tui"
    if plan.has_result:
        return shlex.join(commit_words(plan, options, target))
    return shlex.join(["workbench", "inspect", *(str(source.path) for source in plan.sources)])


def commit_words(plan: Plan, options: CommitOptions | None = None, target: str | None = None) -> list[str]:
    """Return the words of the `merge` or `edit` line that does what a plan says.

    Args:
        plan: the plan.
        options: how it is committed; None for the usual way.
        target: what stands behind `-o` when the options name no target; None leaves `-o` out then.
    """
    options = options or CommitOptions()
    words = _merge_words(plan) if plan.joins else _edit_words(plan)
    for step in plan.later_steps:
        words += ["--step", print_step(step)]
    flags = {
        "--serving": options.serving,
        "--no-verify": not options.verify,
        "--allow-unsafe": options.allow_unsafe,
    }
    words += [flag for flag, given in flags.items() if given]
    for value in options.inputs:
        words += ["--input", value]
    if options.tolerance is not None:
        words += ["--tolerance", f"{options.tolerance:g}"]
    words += _child_words(options)
    where = options.target.strip() or target
    return [*words, "-o", where] if where else words


def _edit_words(plan: Plan) -> list[str]:
    (source,) = plan.sources
    words = ["workbench", "edit", _as_argument(str(source.path))]
    return words if source.tags is None else [*words, "--tag-set", ",".join(source.tags)]


def _merge_words(plan: Plan) -> list[str]:
    words = ["workbench", "merge"]
    listed = SourceList()
    for source in plan.sources:
        others = SourceList(list(listed.sources))
        path = str(source.path)
        # without its handle the command line would find the same one, unless the path looks like HANDLE=PATH
        obvious = others.add(source.path).handle == source.handle and "=" not in path
        words.append(path if obvious and not path.startswith("-") else f"{source.handle}={path}")
        listed.sources.append(source)
    for wire in plan.wires:
        words += ["--wire", str(wire)]
    plain = all(len(dict(one.inputs)) == 1 and Share.parse(str(one)) == one for one in plan.shares)
    for share in plan.shares:
        words += ["--share", str(share)] if plain else ["--step", print_step(share)]
    for source in plan.sources:
        if source.signature is not None:
            words += ["--signature-of", f"{source.handle}={source.signature}"]
        if source.tags is not None:
            words += ["--tag-set-of", f"{source.handle}={','.join(source.tags)}"]
    if plan.result.signature != DEFAULT_SIGNATURE:
        words += ["--signature", plan.result.signature]
    if plan.result.tags != DEFAULT_TAGS:
        words += ["--tag-set", ",".join(plan.result.tags)]
    flags = {
        "--keep-outputs": plan.result.keep_outputs,
        "--keep-signatures": plan.result.keep_signatures,
        "--freeze": plan.result.freeze,
        "--side-by-side": plan.result.side_by_side,
    }
    return words + [flag for flag, given in flags.items() if given]


def run_line(
    path: Path,
    name: str | None,
    texts: Mapping[str, str],
    *,
    tags: Sequence[str] | None = None,
    probe: bool = False,
    tensors: Sequence[str] = (),
    options: CommitOptions | None = None,
) -> str:
    """Return the `run` or `probe` line that runs a model, quoted for a shell.

    Args:
        path: of the model.
        name: of the signature or callable; None for the usual one.
        texts: what was typed, by input; a made value has no text.
        tags: the tag set, None for the obvious one.
        probe: values of tensors on the way are wanted, too.
        tensors: those that are named.
        options: the interpreter and the libraries, and whether unsafe ops are allowed.
    """
    options = options or CommitOptions()
    words = ["workbench", "probe" if probe else "run", _as_argument(str(path)), *tensors]
    if name is not None and name != DEFAULT_SIGNATURE:
        words += ["--signature", name]
    if tags is not None:
        words += ["--tag-set", ",".join(tags)]
    for key, text in texts.items():
        if text.strip():
            words += ["--input", f"{key}={text.strip()}"]
    if options.allow_unsafe:
        words.append("--allow-unsafe")
    return shlex.join([*words, *_child_words(options)])


def _as_argument(path: str) -> str:
    """Return a path that is not taken for a flag."""
    return f".{os.sep}{path}" if path.startswith("-") else path


def _child_words(options: CommitOptions) -> list[str]:
    """Return the flags for the process that runs TensorFlow."""
    words = ["--python", options.python] if options.python is not None else []
    for module in options.imports:
        words += ["--import", module]
    for library in options.op_libraries:
        words += ["--op-library", library]
    return words
