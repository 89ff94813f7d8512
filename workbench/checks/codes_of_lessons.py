"""Codes of what is wrong with a lesson (`workbench learn --check`)."""

from __future__ import annotations

from workbench.checks.codes import Code

_README = "The teacher's page of the README has all keys."

LESSON = Code(
    "lesson",
    "error",
    "a lesson, or a file of answers, can't be used",
    "It is not shown, or not marked.",
    _README,
)
LESSON_SCHEMA = Code(
    "lesson-schema", "error", "a file of a lesson does not have the form of one",
    "The lesson is not shown, so that nobody meets the error in class.", _README,
)  # fmt: skip
LESSON_COMMAND = Code(
    "lesson-command", "error", "a command of a lesson does not run",
    "Students would see its error instead of its output.", "Correct the command; run it in a terminal first.",
)  # fmt: skip
LESSON_SHOWN = Code(
    "lesson-shown", "error", "an output does not have the lines that a page shows of it",
    "The whole output would be shown.", "Correct `from` and `to` of the fence.",
)  # fmt: skip
LESSON_TASK = Code(
    "lesson-task", "error", "the command of a task does not do the task, or nothing has to be done for it",
    "Students can't go on, or learn nothing.", "Correct `command`, `uses`, `prints` or `checks`.",
)  # fmt: skip
LESSON_QUESTION = Code(
    "lesson-question", "error", "a question can't be asked, or its answers are not told apart",
    "Some seeds have no question, a wrong answer is accepted, or the lesson has shown the answer.",
    "Correct its selectors: each must find what the model has.", ("info",),
)  # fmt: skip
LESSON_SKIPPED = Code(
    "lesson-skipped", "warning", "parts of a lesson were not proved",
    "Commands that run a model need TensorFlow.", "Install TensorFlow, and prove the lesson again.",
)  # fmt: skip
