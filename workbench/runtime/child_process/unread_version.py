"""Which TensorFlow is to load a model, where the walk's rules were read from another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.runtime.child_process.child import Child


def unread_version(child: Child) -> str | None:
    """Wait for TensorFlow and return its version, or None if the walk knows its loaders.

    Ask before a model is loaded there: with a version in hand, `unsafe_ops` counts every function of the object
    graph as run by loading.

    Raises:
        RuntimeFailure: the process could not start.
    """
    from workbench.checks.unsafe.loading import is_read

    version = child.ready()["tensorflow"]
    return None if is_read(version) else version


def told_of(version: str | None) -> str:
    """Return why more counts in that version than `scan` lists; empty without one."""
    if version is None:
        return ""
    return f" What TensorFlow {version} runs while it loads a model is not known: every function of its objects counts."
