"""Looking at a port, a file or the connections of a host, with what the host has.

A shell alone can't connect. In this order: bash's ``/dev/tcp``, an nc(1) that knows ``-z``, curl(1)
with ``telnet://``, and busybox's nc.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from opsrun.modules.base import ModuleError
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.packages import holding
from opsrun.modules.wording import path_word, word

LIMIT = 64 * 1024 * 1024
"""Bytes of a file that is still searched."""

_PORT = r"""
has() { command -v "$1" >/dev/null 2>&1; }
if has bash && has timeout; then
  say by bash
  if [ -z "$talk" ]; then
    # shellcheck disable=SC2016,SC2086
    timeout "$limit" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>/dev/null && say open y
  else
    # What is quiet for half a second after it spoke has said what it had to say.
    # shellcheck disable=SC2016
    bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit
      printf "open\0y\0said\0"
      end=$((SECONDS + $2)) got=
      while ((SECONDS < end)); do
        IFS= read -r -d "" -n 4096 -t 0.5 part <&3
        rc=$?
        printf %s "$part"
        [ -z "$part" ] || got=y
        if [ $rc -eq 1 ]; then break; fi
        if [ $rc -gt 128 ] && [ -n "$got" ] && [ -z "$part" ]; then break; fi
      done
      printf "\0"' "$host" "$port" "$limit" 2>/dev/null
  fi
elif has nc && nc -h 2>&1 | grep -q -e ' -z\|-[a-y]*z[a-y]*' && [ -z "$talk" ]; then
  say by nc
  nc -z -w "$limit" -- "$host" "$port" </dev/null >/dev/null 2>&1 && say open y
elif has curl; then
  say by curl
  case $host in *:*) u="telnet://[$host]:$port" ;; *) u=telnet://$host:$port ;; esac
  x=$(curl -q -s -o - -w '\n%{time_connect}' --connect-timeout "$limit" -m "$limit" \
    "$u" </dev/null 2>/dev/null | tr -d '\000')
  case ${x##*
} in
    '' | *[!0.]*) say open y said "${x%
*}" ;;
  esac
elif has nc && has timeout; then
  say by busybox
  e=$(timeout "$limit" nc "$host" "$port" 2>&1 </dev/null | tr -d '\000')
  case $e in
    *"can't connect"* | *'bad address'* | *refused* | *unreachable* | *'timed out'*) ;;
    *) say open y said "$e" ;;
  esac
else
  say lack y
fi
:
"""

_FILE = r"""
at path "$path" -L
s=$({
  stat -L -c '%s %Y %y %i' -- "$path" || stat -L -f '%z %Fm %i' -- "$path"
} 2>/dev/null)
say sign "$s"
if [ -n "$read" ] && [ -f "$path" ] && { [ -z "$s" ] || [ "$s" != "$sign" ]; }; then
  say content ""
  cat <"$path"
fi
:
"""

_CONNECTIONS = r"""
found=
for f in /proc/net/tcp /proc/net/tcp6; do
  if [ -r "$f" ]; then
    found=y
    say table "$(cat "$f")"
  fi
done
[ -n "$found" ] || say lack y
for name in $names; do
  getent ahosts "$name" 2>/dev/null | while read -r a _; do say "address $name" "$a"; done
done
:
"""

_STATES = {
    "ESTABLISHED": 1,
    "SYN_SENT": 2,
    "SYN_RECV": 3,
    "FIN_WAIT1": 4,
    "FIN_WAIT2": 5,
    "TIME_WAIT": 6,
}
"""Numbers of the kernel's; see proc(5)."""


def port_script(host: str, port: int, limit: int, *, talk: bool) -> str:
    """Tells whether a connection can be made; with ``talk``, also what is said on it."""
    return (
        f"{LOOK}host={word(host)}\nport={port}\nlimit={max(limit, 1)}\n"
        f"talk={'y' if talk else ''}\n{_PORT}"
    )


def file_script(path: str, *, read: bool, sign: str) -> str:
    """Tells what is at a path; its content, unless it is as it was when it had that sign."""
    return f"{LOOK}path={path_word(path)}\nread={'y' if read else ''}\nsign={word(sign)}\n{_FILE}"


def connections_script(names: Collection[str]) -> str:
    """Prints the kernel's tables of connections, and the addresses of names."""
    return f"{LOOK}names={word(' '.join(names))}\n{_CONNECTIONS}"


def is_open(answers: Answers) -> bool:
    """What `port_script` told. ModuleError: nothing there can connect."""
    if answers.get("lack") is not None:
        words = (
            f"the host has no bash, nc or curl to try a port with: {holding('bash', 'nc', 'curl')}"
        )
        raise ModuleError(words)
    return answers.get("open") is not None


def addresses(answers: Answers, name: str) -> list[str]:
    """Those that the host knows of a name, and the name itself, which may be one."""
    return [name, *answers.every(f"address {name}")]


@dataclass(frozen=True, slots=True)
class Connection:
    """One line of the kernel's tables."""

    local: str
    port: int
    remote: str
    state: int


def active(
    answers: Answers, host: str, port: int, left_out: Collection[str], states: Collection[str]
) -> int:
    """How many connections to a port there are.

    Args:
        answers: to `connections_script` of all names.
        host: whose address they are at; of one that means all, any.
        port: theirs.
        left_out: hosts whose connections don't count.
        states: those that count, by the kernel's names.

    Raises:
        ModuleError: the host doesn't tell of its connections; or a state that is none.
    """
    if answers.get("lack") is not None:
        raise ModuleError("the host has no /proc/net/tcp: its connections can't be counted")
    unknown = [each for each in states if each not in _STATES]
    if unknown:
        known = ", ".join(_STATES)
        raise ModuleError(f"active_connection_states: {', '.join(unknown)}: there are {known}")
    numbers = {_STATES[each] for each in states}
    here = {_plain(each) for each in addresses(answers, host)}
    apart = {_plain(each) for name in left_out for each in addresses(answers, name)}
    everywhere = host in ("0.0.0.0", "::", "*")
    return sum(
        each.port == port
        and each.state in numbers
        and each.remote not in apart
        and (everywhere or each.local in here)
        for table in answers.every("table")
        for each in _connections(table)
    )


def _connections(table: str) -> Iterator[Connection]:
    for line in table.split("\n")[1:]:
        fields = line.split()
        if len(fields) > 3:
            (local, port), (remote, _) = (each.split(":") for each in fields[1:3])
            yield Connection(_address(local), int(port, 16), _address(remote), int(fields[3], 16))


def _address(text: str) -> str:
    """An address as the kernel writes it: words of the machine's own order; little-endian here."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return _plain(str(ipaddress.ip_address(b"".join(words))))


def _plain(text: str) -> str:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return text
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
