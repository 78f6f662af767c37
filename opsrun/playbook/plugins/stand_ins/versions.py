"""``distutils.version``, where Python no longer has it."""

from __future__ import annotations

from typing import Any

from opsrun.playbook.templating import versions


class LooseVersion(versions.LooseVersion):
    """Numbers and words, in their order."""

    def __init__(self, vstring: str = "") -> None:
        super().__init__(vstring)
        self.vstring = vstring
        self.version = list(self._pieces)

    def __lt__(self, other: Any) -> bool:
        return super().__lt__(LooseVersion(other) if isinstance(other, str) else other)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(LooseVersion(other) if isinstance(other, str) else other)

    __hash__ = None

    def __str__(self) -> str:
        return self.vstring


StrictVersion = LooseVersion
