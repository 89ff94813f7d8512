"""The student's folder of a lesson: copies of its models, and what commands have made."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from workbench.errors import CannotWrite, ExecutionFailed
from workbench.lessons.catalogue import is_built_in
from workbench.lessons.lesson import Lesson
from workbench.lessons.reading.commands import split, targets, unverified
from workbench.lessons.running import Runner
from workbench.names import show
from workbench.state import state_folder


def kept_folder(lesson: Lesson) -> Path:
    """Return the folder in which a lesson's files and progress are kept between two runs."""
    name = lesson.name
    if not is_built_in(lesson):  # two teachers may call a lesson alike
        name = f"{name[:40]}-{hashlib.sha256(str(lesson.folder).encode()).hexdigest()[:12]}"
    return state_folder() / "lessons" / name


def fill_folder(lesson: Lesson, folder: Path, runner: Runner) -> list[str]:
    """Copy the models of a lesson into a folder and run the commands that make others. Existing files stay as they are.

    Returns:
        What could not be made, as sentences.

    Raises:
        CannotWrite: the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in lesson.models.items():
            target = folder / name
            if target.exists():
                continue
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copyfile(source, target)
    except (OSError, shutil.Error) as problem:
        said = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise CannotWrite(
            f"The files of the lesson can't be copied: {show(said)}.", where=str(folder)
        ) from None
    return make(lesson.prepare, folder, runner)


def make(commands: Iterable[str], folder: Path, runner: Runner) -> list[str]:
    """Run the commands whose results are not there, without verifying them; return what failed, as sentences."""
    failed = []
    for command in commands:
        if unmade(command, folder):
            ran = runner(unverified(split(command)), folder)
            if ran.exit:
                failed.append(f"`workbench {command}` failed: {ran.errors.strip() or ran.output.strip()}")
    return failed


def unmade(command: str, folder: Path) -> bool:
    """Return whether something that a command writes is not there; false for one that writes nothing."""
    return not all((folder / one).exists() for one in targets(split(command)))


def remove_made(lesson: Lesson, folder: Path, target: str) -> None:
    """Remove what an earlier command has written, so that a student can try again; models of the lesson stay."""
    name = Path(target).name
    place = folder / name
    kept = {*lesson.models, *(one for command in lesson.prepare for one in targets(split(command)))}
    if name != target or name in ("", ".", "..") or name in kept or place.is_symlink():
        return
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def own_folder() -> Path:
    """Return a new folder in the temporary folder, where nothing can be kept.

    Raises:
        CannotWrite: there is no place for one.
    """
    try:
        return Path(tempfile.mkdtemp(prefix="workbench-lesson-"))
    except OSError as problem:
        raise CannotWrite(f"No temporary folder: {problem.strerror or problem}.") from None


def checked(failed: list[str]) -> None:
    """Raise the first of the commands that failed.

    Raises:
        ExecutionFailed: there is one.
    """
    if failed:
        raise ExecutionFailed(failed[0])
