"""What is worth saying about a file that can be used."""

from __future__ import annotations

from dataclasses import dataclass

from opsrun.dialect.origin import Origin


@dataclass(frozen=True, slots=True)
class FileWarning:
    """Something that works as in Ansible, but is hardly what was meant."""

    message: str
    origin: Origin

    def __str__(self) -> str:
        return f"{self.origin}: {self.message}"
