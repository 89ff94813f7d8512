"""Share: one input of the result feeds inputs of several models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import UsageError
from workbench.names import show
from workbench.surgery import values
from workbench.surgery.step import Joining, option, register

Lists = Mapping[str, Sequence[str]] | Sequence[tuple[str, Sequence[str]]]


@register
@dataclass(frozen=True, slots=True)
class Share(Joining):
    """Let one input of the result feed inputs of several models.

    Attributes:
        inputs: key of the result to the inputs it feeds, as `HANDLE@ENDPOINT`; an endpoint without a handle is the
            input of this key of every model that has one and gets no value by a wire.
    """

    NAME: ClassVar[str] = "share"
    REST: ClassVar[str] = "inputs"

    inputs: Lists = option(
        values.Lists(), "key of the result, and the inputs it feeds", metavar="KEY=[HANDLE@]INPUT,…"
    )

    def __str__(self) -> str:
        return " ".join(f"{key}={','.join(texts)}" for key, texts in dict(self.inputs).items())

    @classmethod
    def parse(cls, text: str) -> Share:
        """Return the step that `KEY=[HANDLE@]INPUT,…` means.

        Raises:
            UsageError: it has no `=`.
        """
        key, equals, _ = text.partition("=")
        if not key or not equals:
            raise UsageError(
                f"{show(text)!r} does not say what is shared.",
                hint="Write KEY=INPUT, or KEY=HANDLE@INPUT,HANDLE@INPUT.",
            )
        return cls(values.Lists().parse([text]))
