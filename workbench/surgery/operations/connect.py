"""Connect: connect an output of one model to an input of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.surgery import values
from workbench.surgery.adapters.chains import ChainText
from workbench.surgery.adapters.language import parse_wire, print_wire
from workbench.surgery.step import Joining, option, register


@register
@dataclass(frozen=True, slots=True)
class Connect(Joining):
    """Connect an output of one model to an input of another.

    Attributes:
        source: `[HANDLE@]ENDPOINT`; without a handle the endpoint is of the plan's first model.
        target: `[HANDLE@]ENDPOINT`; without a handle the endpoint is of the plan's second model.
        through: the chain of adapters on the wire, as text; empty for none.
    """

    NAME: ClassVar[str] = "connect"

    source: str = option(values.Text(), "output, as [HANDLE@]ENDPOINT", metavar="OUT")
    target: str = option(values.Text(), "input, as [HANDLE@]ENDPOINT", metavar="IN")
    through: str = option(ChainText(), "adapters between them", metavar="CHAIN", default="")

    def __str__(self) -> str:
        return print_wire(self.source, self.through, self.target)

    @classmethod
    def parse(cls, text: str) -> Connect:
        """Return the wire written `OUT | ADAPTER … = IN`.

        Raises:
            UsageError: it is not of this form.
        """
        found = parse_wire(text)
        return cls(found.source, found.target, found.chain)
