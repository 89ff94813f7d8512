"""`python -m workbench`, and the console script."""

from __future__ import annotations

import gc
import signal
import sys
from types import FrameType
from typing import NoReturn

_INTERRUPTED = 130


def main() -> None:
    """Runs the command line and ends the process with its exit code.

    SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that half-written files and child processes are removed.
    """
    gc.disable()  # importing makes no garbage; the command line turns it on for the command
    try:
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup stays nohup
                signal.signal(number, _end)
        from workbench.cli.streams import prepare

        prepare()
        from workbench.cli.main import main as run

        code = run()
    except KeyboardInterrupt:  # before the command line could take it, or once more while it did
        code = _INTERRUPTED
    except SystemExit as end:
        for note in getattr(end, "__notes__", ()):
            sys.stderr.write(f"{note}\n")
        raise
    gc.freeze()  # the process ends: a last walk over all that was read would only take time
    sys.exit(code)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Ends the process as a shell reports a signal, all `finally` blocks on the way."""
    del frame
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
