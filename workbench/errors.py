"""Every exception a user can meet.

An exception is raised only where work must stop: a file that can't be read, a name that does not exist, a
child process that died. What a user can mend in a plan comes back as findings instead (`workbench.surgery`).
A bug of our own is never a `WorkbenchError`.

Each class carries the `code` that `--json` shows and the `exit_code` of the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import ClassVar


class WorkbenchError(Exception):
    """The base class of all errors: what is wrong, where, and what to do next.

    Args:
        message: one or two sentences, got against expected. Text taken from a model must have gone
            through `workbench.names.show`.
        where: a path, a node or a flag that it is about, or None.
        hint: the next move, or None.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    @property
    def notes(self) -> list[str]:
        """Return further errors of the clean-up (`add_note`), such as a file that could not be removed."""
        return list(getattr(self, "__notes__", ()))

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        hint = f" {self.hint}" if self.hint else ""
        return " ".join([f"{where}{self.message}{hint}", *self.notes])


class Cancelled(WorkbenchError):
    """The user stopped it; nothing was left behind."""

    code = "cancelled"
    exit_code = 130


class UsageError(WorkbenchError):
    """The words of a command, or the arguments of a call, are wrong."""

    code = "usage"
    exit_code = 2


class WrongType(UsageError, TypeError):
    """An argument of a call is of a type that it does not take. Also a `TypeError`.

    Args:
        what: the argument.
        expected: what it takes, for a reader.
        got: what was given.
        hint: the next move, or None.
    """

    def __init__(self, what: str, expected: str, got: object, *, hint: str | None = None) -> None:
        kind = "None" if got is None else f"a value of type {type(got).__name__}"
        super().__init__(f"{what} must be {expected}, not {kind}.", hint=hint)


def expect(value: object, kinds: type | tuple[type, ...], what: str, expected: str) -> None:
    """Check the type of an argument.

    Args:
        value: what was given.
        kinds: the types it may have.
        what: the argument, as the message begins: `A signature`.
        expected: what it takes, for a reader.

    Raises:
        WrongType: it has another type.
    """
    if not isinstance(value, kinds):
        raise WrongType(what, expected, value)


class TooManyNodes(UsageError, ValueError):
    """A graph with the bodies of its functions has more nodes or edges than were asked for. Also a `ValueError`."""

    code = "too-many-nodes"


class DiskError(WorkbenchError):
    """Something on disk can't be read or written."""

    code = "disk"
    exit_code = 3


class NotASavedModel(DiskError):
    """The path exists or not, but there is no SavedModel and no GraphDef to read there."""

    code = "not-a-savedmodel"


class UnsupportedFormat(DiskError):
    """A known format that is not read here (`.keras`, `.h5`, `saved_model.cpb`, a V1 checkpoint, …)."""

    code = "unsupported-format"


class DamagedFile(DiskError):
    """A file ends early, contradicts itself or fails its checksum."""

    code = "damaged"


class MissingFile(DiskError):
    """A file that another file names is not there: a shard, an asset, an index."""

    code = "missing-file"


class ChangedFile(DiskError):
    """A file is not what it was when it was read: it was replaced or written to meanwhile."""

    code = "changed-file"


class TargetExists(DiskError):
    """The target of a commit is there already; it is never overwritten."""

    code = "target-exists"


class CannotWrite(DiskError):
    """The target can't be written: permissions, a full disk, a file system that refuses."""

    code = "cannot-write"


class ModelError(WorkbenchError):
    """A name was looked up in an opened model and is not there, or is not unique."""

    code = "model"
    exit_code = 2


class UnknownName(ModelError):
    """No such tag set, signature, key, node, tensor, variable or handle. Offers the nearest."""

    code = "unknown-name"


class _WithFindings(WorkbenchError):
    """An error about something that was checked: it carries all that was found."""

    def __init__(
        self,
        message: str,
        findings: Iterable[object] = (),
        *,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.findings = tuple(findings)


class PlanError(_WithFindings):
    """A plan has findings that are errors, so it can't be applied.

    Args:
        findings: all of them, warnings and infos included.
    """

    code = "plan"


class LessonError(_WithFindings):
    """A lesson, or a file of answers, can't be used.

    Args:
        findings: all that is wrong with it, each with its file and line.
    """

    code = "lesson"
    exit_code = 3


class RuntimeFailure(WorkbenchError):
    """The child process could not do what it was asked."""

    code = "runtime"


class TensorFlowMissing(RuntimeFailure):
    """The interpreter of the child has no TensorFlow that can be imported."""

    code = "no-tensorflow"


class ChildDied(RuntimeFailure):
    """The child ended by a signal or without an answer. `hint` carries the tail of its log."""

    code = "child-died"


class ChildTimeout(RuntimeFailure):
    """The child did not answer within the time limit and was ended."""

    code = "child-timeout"


class ExecutionFailed(RuntimeFailure):
    """TensorFlow raised while loading or running a model; the message is TensorFlow's own.

    Attributes:
        phase: `load`, `run`, `input`, or empty where that is not known.
    """

    code = "execution-failed"
    phase: str = ""


class NotAllowedToRun(RuntimeFailure):
    """Running this model needs the user's word (`--allow-unsafe`)."""

    code = "not-allowed"


class InputError(WorkbenchError):
    """A value given for an input does not fit it: dtype, shape, range, encoding, or no such key."""

    code = "input"
    exit_code = 2


class MissingSource(MissingFile):
    """Sources that a recipe names by their digest were not found. It names all of them."""

    code = "missing-source"


class WrongSource(DiskError):
    """A model that was given as a source of a result is not the one it was made of."""

    code = "wrong-source"
