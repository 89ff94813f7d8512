"""Copying out of a terminal: OSC 52, which also works over ssh; inside tmux through tmux itself."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable, Mapping


def copy(text: str, write: Callable[[str], object], environment: Mapping[str, str] = os.environ) -> None:
    """Copy `text` to the terminal's clipboard, as far as the terminal allows it.

    tmux drops OSC 52 of the programs in it unless `set-clipboard on` is set, but passes on text that is loaded into its
    own buffer with `-w`; so both are tried.

    Args:
        text: what to copy.
        write: writes to the terminal.
        environment: of the process.
    """
    encoded = base64.b64encode(text.encode("utf-8")).decode("ascii")
    sequence = f"\x1b]52;c;{encoded}\x07"
    if environment.get("TMUX") and not _by_tmux(text):
        # for a tmux without -w: its passthrough, escapes doubled
        sequence = f"\x1bPtmux;\x1b{sequence}\x1b\\"
    write(sequence)


def _by_tmux(text: str) -> bool:
    try:
        done = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"],
            input=text.encode("utf-8"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=2,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
