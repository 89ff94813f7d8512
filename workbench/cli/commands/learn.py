"""Learn what is in a SavedModel, in lessons of ten minutes; or write, prove and mark lessons.

Without LESSON the lessons are listed. A lesson is walked through page by page: each shows something, asks for a command
or an answer, and checks it. It ends with three questions on another model. The models are copies in a folder of the
student. Progress is kept: the same command continues the lesson. LESSON is a name, a number, or the folder of a
lesson of your own; the README has a page for teachers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.arguments import add_json, add_overwrite, completes_files
from workbench.cli.output import SCHEMA_VERSION, Output
from workbench.errors import UsageError
from workbench.findings import total
from workbench.names import show

if TYPE_CHECKING:
    from workbench.lessons.lesson import Lesson
    from workbench.lessons.walking.walk import Walk

EXAMPLES = """\
examples:
  workbench learn
  workbench learn savedmodel
  workbench learn savedmodel --step 3
  workbench learn savedmodel --print > lesson.txt
  workbench learn savedmodel --questions --seed 7 -o answers.toml
  workbench learn --mark answers/*.toml
  workbench learn --check ./my-lesson
  workbench learn ./my-lesson

Exit codes: 0 done, 1 --check found an error or --mark a file that cannot be
marked, 2 usage or an unknown lesson, 3 a lesson that cannot be read.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    completes_files(
        parser.add_argument("lesson", nargs="?", metavar="LESSON", help="name, number or folder of a lesson")
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--list", action="store_true", help="list the lessons; with LESSON those of that folder"
    )
    what.add_argument(
        "--print", action="store_true", help="print the whole lesson as text, without questions to you"
    )
    what.add_argument(
        "--text", action="store_true", help="walk through it as plain text, and not in the terminal UI"
    )
    what.add_argument("--questions", action="store_true", help="write a file of answers to be filled in")
    what.add_argument(
        "--check", type=Path, metavar="PATH", help="prove that a lesson, or those of a folder, still work"
    )
    what.add_argument(
        "--mark",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="mark files of answers; with LESSON only of that lesson",
    )
    parser.add_argument("--step", type=int, metavar="N", help="begin at page N")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the questions (default: a random one)")
    parser.add_argument(
        "--seeds", type=int, metavar="N", default=100, help="seeds that --check tries (default: 100)"
    )
    parser.add_argument(
        "--restart", action="store_true", help="begin anew: forget the progress and copy the models again"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="folder for the models, where commands run (default: one that is kept)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="file that --questions writes (default: stdout)"
    )
    add_overwrite(parser, "-o")
    add_json(parser, "print one line of JSON: the list, what --check found, or the marks")


def run(args: argparse.Namespace, out: Output) -> int:
    """List, walk through, prove or mark."""
    _agree(args)
    if args.check is not None:
        return _check(args, out)
    if args.mark is not None:
        return _mark(args, out)
    if args.list or args.lesson is None or _is_course(args.lesson):
        return _list(args, out)
    from workbench.lessons.catalogue import open_lesson

    lesson = open_lesson(args.lesson)
    if args.questions:
        return _questions(lesson, args, out)
    return _walk(lesson, args, out)


def _agree(args: argparse.Namespace) -> None:
    """Refuse options that do nothing together.

    Raises:
        UsageError: there are some.
    """
    from workbench.lessons.answer_files import MOST_SEED

    asked = next(
        (one for one in ("list", "text", "print", "questions", "check", "mark") if getattr(args, one)), ""
    )
    walks = bool(args.lesson) and asked in ("", "text", "print")
    for name, value, fits in (
        ("--step", args.step, walks),
        ("--restart", args.restart or None, walks and asked != "print"),
        ("--folder", args.folder, walks or asked == "questions"),
        ("--seed", args.seed, walks or asked == "questions"),
        ("-o", args.output, asked == "questions"),
        ("--json", args.json or None, asked in ("list", "check", "mark") or not args.lesson),
        ("LESSON", args.lesson, asked != "check"),
    ):
        if value is not None and not fits:
            what = f"--{asked}" if asked else "a lesson" if args.lesson else "the list of lessons"
            raise UsageError(f"{name} has no effect with {what}.", hint="Leave it out.")
    if args.questions and args.lesson is None:
        raise UsageError("--questions needs a lesson.", hint="Write workbench learn LESSON --questions.")
    if (args.print or args.text) and args.lesson is None:
        raise UsageError(f"--{asked} needs a lesson.", hint=f"Write workbench learn LESSON --{asked}.")
    if args.seed is not None and not 0 <= args.seed <= MOST_SEED:
        raise UsageError(f"--seed must be 0 to {MOST_SEED}.")
    if not 1 <= args.seeds <= 10_000:
        raise UsageError("--seeds must be 1 to 10000.")


def _is_course(name: str) -> bool:
    """Return whether a path is a folder of several lessons."""
    path = Path(name)
    return path.is_dir() and not (path / "lesson.toml").exists() and any(path.glob("*/lesson.toml"))


def _list(args: argparse.Namespace, out: Output) -> int:
    from workbench.cli.pages.lesson_page import print_lessons
    from workbench.lessons.catalogue import list_lessons

    lessons = list_lessons(args.lesson)
    if out.json:
        out.emit({"schema_version": SCHEMA_VERSION, "lessons": [one.as_json() for one in lessons]})
        return 0
    print_lessons(lessons, out)
    out.line()
    out.line(
        "Begin one by its name or number: workbench learn 1"
        if args.lesson is None
        else "Begin one by its folder."
    )
    return 0


def _walk(lesson: Lesson, args: argparse.Namespace, out: Output) -> int:
    from workbench.cli.learning import walk_through
    from workbench.lessons.walking.walk import Walk

    # a terminal for input, and a file for output: nobody could see what is asked
    if args.print or (sys.stdin.isatty() and not out.terminal):
        return _print(lesson, args, out)
    walk = Walk(lesson, seed=args.seed, folder=args.folder)
    if args.restart:
        walk.restart(args.seed)
    if args.step is not None:
        walk.go(args.step - 1)
    _head(walk, out)
    out.line("Type `help` for what can be typed.", style="dim")
    walk_through(walk, out)
    return 0


def _print(lesson: Lesson, args: argparse.Namespace, out: Output) -> int:
    """Print a lesson from a page on; nothing is asked or kept."""
    from tempfile import TemporaryDirectory

    from workbench.cli.learning import print_all, show_page
    from workbench.lessons.walking.walk import Walk

    with TemporaryDirectory(prefix="workbench-learn-") as folder:
        seed = 1 if args.seed is None else args.seed
        walk = Walk(lesson, seed=seed, folder=args.folder or Path(folder), keep=False)
        walk.go((1 if args.step is None else args.step) - 1)
        _head(walk, out)
        show_page(walk, out)
        print_all(walk, out)
    return 0


def _head(walk: Walk, out: Output) -> None:
    out.heading(walk.lesson.title, f"{walk.lesson.minutes} minutes · seed {walk.seed}")
    out.line(walk.lesson.summary)


def _questions(lesson: Lesson, args: argparse.Namespace, out: Output) -> int:
    from workbench.disk.atomic.outputs import check_output, open_output
    from workbench.lessons.answer_files import blank
    from workbench.lessons.marking import pose_all

    if args.output is not None:
        check_output(args.output, overwrite=args.overwrite, sources=[])
    seed = 1 if args.seed is None else args.seed
    text = blank(lesson, seed, pose_all(lesson, seed, args.folder))
    if args.output is None:
        out.code(text.splitlines())
        return 0
    with open_output(args.output, overwrite=args.overwrite) as file:
        file.write(text.encode())
    out.talk(f"wrote {args.output}")
    return 0


def _check(args: argparse.Namespace, out: Output) -> int:
    from workbench.cli.pages.lesson_page import print_proof
    from workbench.describe.actions import finding_json
    from workbench.lessons.catalogue import lesson_folders
    from workbench.lessons.proving import prove_lesson
    from workbench.lessons.reading.read_lesson import lesson_name

    lessons, wrong = [], 0
    for path in lesson_folders(args.check):
        name = lesson_name(path.resolve())
        out.talk(f"proving {show(name)} …")
        findings = prove_lesson(path, seeds=args.seeds)
        errors = total(findings, "error")
        print_proof(name, errors, len(findings), out)
        out.findings(findings)
        out.flush()
        wrong += errors
        lessons.append(
            {
                "name": name,
                "path": str(path),
                "works": not errors,
                "findings": [finding_json(one) for one in findings],
            }
        )
    if out.json:
        out.emit({"schema_version": SCHEMA_VERSION, "seeds": args.seeds, "lessons": lessons})
    return 1 if wrong else 0


def _mark(args: argparse.Namespace, out: Output) -> int:
    from workbench.cli.pages.lesson_page import print_marks
    from workbench.lessons.catalogue import open_lesson
    from workbench.lessons.marking import mark_answers

    marked = mark_answers(args.mark, open_lesson(args.lesson) if args.lesson is not None else None)
    if out.json:
        out.emit({"schema_version": SCHEMA_VERSION, "files": [one.as_json() for one in marked]})
    print_marks(marked, out)
    return 1 if any(one.error is not None for one in marked) else 0
