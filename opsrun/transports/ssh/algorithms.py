"""Algorithms that two sides can't agree on, in words (RFC 4253 section 7.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from paramiko.message import Message

Names = Sequence[str]

_SHOWN = 12
"""Names of a list that are told; the server may send thousands."""

_LONGEST = 64
"""Characters of a name (RFC 4251 section 6)."""


def disagreements(offer: Message, kex: Names, keys: Names, ciphers: Names, macs: Names) -> str:
    """What a server's offer and ours have no name in common for; empty where that is nothing.

    Args:
        offer: its SSH_MSG_KEXINIT, without the number.
        kex, keys, ciphers, macs: what we take part in, each in order of preference.
    """
    offer.rewind()
    offer.get_bytes(16)  # the cookie
    lines = [
        *_disagreement("key exchange (kex)", offer.get_list(), kex),
        *_disagreement("type of host key", offer.get_list(), keys),
    ]
    # One list for each direction, nearly always the same: told once.
    for kind, ours in (("cipher", ciphers), ("MAC", macs)):
        for _ in range(2):
            lines += _disagreement(kind, offer.get_list(), ours)
    return "; ".join(dict.fromkeys(lines))


def _disagreement(kind: str, offered: Names, ours: Names) -> Iterator[str]:
    if not set(offered) & set(ours):
        names = [name for name in offered if not _is_flag(name)]
        theirs = _listed(names) if any(names) else "none"
        yield f"no {kind} in common: the server offers {theirs}, accepted here are {_listed(ours)}"


def _is_flag(name: str) -> bool:
    """Whether it says what the server can do, among names of key exchanges (RFC 8308)."""
    return name.startswith(("ext-info-", "kex-strict-"))


def _listed(names: Names) -> str:
    shown = ", ".join(name[:_LONGEST] for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
