"""What a translation comes to, and what can't be translated."""

from __future__ import annotations

from dataclasses import dataclass, field

PROGRAMS = (
    "ansible",
    "ansible-playbook",
    "ansible-inventory",
    "ansible-vault",
    "ansible-config",
    "ansible-doc",
)
"""The programs that `opsrun compat` writes."""

OK, ERROR, FAILED, UNREACHABLE, PARSER, OPTIONS, INTERRUPTED, UNEXPECTED = (
    *(0, 1, 2, 4, 4, 5, 99, 250),
)
"""Ansible's exit statuses; what is wrong with a playbook's text shares one with unreachable hosts.
Options that argparse refuses end with 2, as in all its programs."""


class NotTranslated(Exception):
    """An option, variable or setting that opsrun has nothing for; it is refused, not passed over.

    Args:
        message: names what was said, and what to do in its place.
        status: see `OPTIONS` and the others.
    """

    def __init__(self, message: str, status: int = OPTIONS) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Translation:
    """Words for ``opsrun``, and what goes with them."""

    words: list[str] = field(default_factory=list)
    """Without the program's name."""
    environment: dict[str, str] = field(default_factory=dict)
    """To be set; what is not named stays as it is."""
    remarks: list[str] = field(default_factory=list)
    """What is not honoured although it was asked for; told on standard error."""

    def add(self, option: str, *values: str | None) -> None:
        """Give ``option`` once for each value that is one."""
        for value in values:
            if value is not None:
                self.words += [option, value]

    def flag(self, option: str, wanted: object) -> None:
        """Give ``option`` if it is wanted."""
        if wanted:
            self.words.append(option)
