"""Facts that outlive a run: what is known of hosts before anybody has asked them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class FactStore(Protocol):
    """Keeps facts by host, named as modules name them (``ansible_kernel``)."""

    def load(self, host: str) -> Mapping[str, Any]:
        """What is kept of a host and not too old; nothing where that can't be read."""

    def save(self, host: str, facts: Mapping[str, Any]) -> None:
        """Keep these from now on; where that can't be, the run goes on without."""

    def forget(self, host: str) -> None:
        """Keep nothing of a host."""
