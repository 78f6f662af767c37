"""What hosts wait for: gates that tasks open, and checks that hold by themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from opsrun.dialect.origin import NOWHERE, Origin

GATE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@/-]*")
"""What a gate may be called. Checks (``tcp:80``, ``all(web) ssh``) have other signs in them."""
RESERVED = frozenset({"ssh", "all", "any"})
"""Names that no gate can have: a check is called so, or begins so."""


@dataclass(frozen=True, slots=True)
class Await:
    """One entry of ``gates``, ``awaits`` or ``health``; values may be, or hold, a `Template`."""

    what: tuple[Any, ...]
    """Names of gates, or checks as ``opsrun wait --for`` takes them; together they are one wait."""
    kind: Literal["either", "gate", "check"] = "either"
    """What was written: a text is a gate if it can be the name of one."""
    any_of: Any = None
    """So many are enough: of the checks, or of the hosts that open the gate. None for all."""
    timeout: Any = None
    """Seconds; None for the default."""
    origin: Origin = NOWHERE


def is_gate(text: str) -> bool:
    """Whether ``text`` can be the name of a gate.

    >>> is_gate("db-web01"), is_gate("tcp:80"), is_gate("ssh")
    (True, False, False)
    """
    return GATE_NAME.fullmatch(text) is not None and text not in RESERVED
