"""Executable inventories: a program that prints JSON for ``--list`` and ``--host NAME``.

What a program prints is data: its origin says that it is not trusted, so that nothing of it ever
becomes a template. The program is started as it is, without a shell, and given no input.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from opsrun.dialect.text import SHOWN, decode, line_at
from opsrun.dialect.yaml_data import holds_vault
from opsrun.errors import InventoryError
from opsrun.inventory.draft import Draft, DraftError
from opsrun.inventory.model import Origin, Unsafe, Value, Vaulted
from opsrun.inventory.text import MAX_BYTES, SCRIPT_TIMEOUT, Place
from opsrun.spawning import spawn

_POLL = 0.05
"""Seconds between two looks whether a silent program has ended."""
_KEYS = ("hosts", "vars", "children")
_STDERR_LINES = 20


def read_script(path: str, place: Place, draft: Draft, *, timeout: float = SCRIPT_TIMEOUT) -> None:
    """Run an inventory script, and add what it says to ``draft``.

    Args:
        path: the script, as the operator named it.
        timeout: seconds for each call.

    Raises:
        InventoryError: it can't be started, fails (with what it printed on stderr), takes too
            long, or prints something else than an inventory.
    """
    reader = _Reader(path, place, draft, timeout, Origin(path, kind="script", trusted=False))
    reader.read()


@dataclass(frozen=True, slots=True)
class _Reader:
    path: str
    place: Place
    draft: Draft
    timeout: float
    origin: Origin

    def read(self) -> None:
        data = self._call("--list")
        meta = data.pop("_meta", None)
        try:
            named = [host for name, body in data.items() for host in self._group(name, body)]
        except DraftError as error:
            raise self._error(str(error)) from error
        self._host_values(list(dict.fromkeys(named)), meta)

    def _group(self, name: str, body: Any) -> list[str]:
        if isinstance(body, list):
            body = {"hosts": body}
        if not isinstance(body, dict):
            raise self._error(f"the group {name!r} must be a list or an object, not {body!r}")
        self.draft.add_group(name, self.origin)
        if not any(key in body for key in _KEYS):
            # The oldest form of all: a host's name, with its variables.
            body = {"hosts": [name], "vars": body}
        hosts = self._strings(name, body, "hosts")
        self.draft.add_hosts(hosts, name, {}, self.origin)
        self._vars(name, body.get("vars"))
        for child in self._strings(name, body, "children"):
            self.draft.add_group(child, self.origin)
            self.draft.add_child(name, child)
        return hosts

    def _strings(self, name: str, body: Mapping[str, Any], key: str) -> list[str]:
        found = body.get(key) or []
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise self._error(f"{key!r} of the group {name!r} must be a list of names")
        return found

    def _vars(self, name: str, found: Any) -> None:
        if found is None:
            return
        if not isinstance(found, dict):
            raise self._error(f"'vars' of the group {name!r} must be an object")
        self.draft.set_group_values(name, self._values(found))

    def _host_values(self, hosts: list[str], meta: Any) -> None:
        if meta is not None and not isinstance(meta, dict):
            raise self._error("'_meta' must be an object")
        table = meta.get("hostvars") if meta else None
        if table is not None and not isinstance(table, dict):
            raise self._error("'hostvars' in '_meta' must be an object")
        for host in hosts:
            found = self._call("--host", host) if table is None else table.get(host)
            if found is None:
                continue
            if not isinstance(found, dict):
                raise self._error(f"the variables of the host {host!r} must be an object")
            self.draft.hosts[host].own.append(self._values(found))

    def _values(self, found: Mapping[str, Any]) -> dict[str, Value]:
        return {name: Value(data, self.origin, holds_vault(data)) for name, data in found.items()}

    def _call(self, *args: str) -> dict[str, Any]:
        shown = " ".join((self.path, *args))
        output = self._run(shown, os.path.abspath(self.place.real(self.path)), *args)
        try:
            hook = partial(_from_ansible, self.origin)
            data = json.loads(decode(output, shown) or "{}", object_hook=hook)
        except json.JSONDecodeError as error:
            raise _not_json(error, shown) from error
        except RecursionError as error:
            raise InventoryError("printed JSON that is nested too deep", path=shown) from error
        if not isinstance(data, dict):
            raise InventoryError("must print one JSON object", path=shown)
        return data

    def _run(self, shown: str, program: str, *args: str) -> bytes:
        try:
            process = spawn(
                [program, *args],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.place.cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise InventoryError(f"can't be started: {error.strerror}", path=shown) from error
        with process:
            output, errors = self._wait(process, shown)
        if process.returncode:
            raise InventoryError(f"{_ending(process.returncode)}{_tail(errors)}", path=shown)
        return output

    def _wait(self, process: subprocess.Popen[bytes], shown: str) -> tuple[bytes, bytes]:
        answer = _Answer(process)
        try:
            answer.read(self.timeout)
        except BaseException as error:
            _kill(process)
            if isinstance(error, _Unfinished):
                words = f"{error}{_tail(bytes(answer.errors))}"
                raise InventoryError(words, path=shown) from None
            raise
        return bytes(answer.output), bytes(answer.errors)

    def _error(self, message: str) -> InventoryError:
        return InventoryError(message, path=f"{self.path} --list")


class _Unfinished(Exception):
    """The program was given up; why, in words."""


class _Answer:
    """Reads what a program prints until it ends, and no longer.

    Not until the end of its output: a process that it has left behind may hold that for ever.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.output, self.errors = bytearray(), bytearray()
        self._process = process

    def read(self, timeout: float) -> None:
        """Take in everything.

        Raises:
            _Unfinished: it takes longer than ``timeout`` seconds, or prints more than `MAX_BYTES`.
        """
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout or 0, selectors.EVENT_READ, self.output)
            selector.register(self._process.stderr or 0, selectors.EVENT_READ, self.errors)
            while selector.get_map():
                # Asked first: what was printed before the end is then there to be read.
                ended = self._process.poll() is not None
                if not self._take(selector) and ended:
                    break
                if time.monotonic() > deadline:
                    raise _Unfinished(f"gave no answer within {timeout:g} s")
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise _Unfinished(f"did not end within {timeout:g} s") from None

    def _take(self, selector: selectors.BaseSelector) -> bool:
        ready = selector.select(_POLL)
        for key, _ in ready:
            piece = os.read(key.fd, 1 << 16)
            if not piece:
                selector.unregister(key.fileobj)
            key.data.extend(piece)
            if len(key.data) > MAX_BYTES:
                raise _Unfinished(f"printed more than {MAX_BYTES} bytes")
        return bool(ready)


def _not_json(error: json.JSONDecodeError, shown: str) -> InventoryError:
    return InventoryError(
        f"printed no JSON: {error.msg}",
        path=shown,
        line=error.lineno,
        column=error.colno,
        text=line_at(error.doc, error.lineno) if error.colno <= SHOWN else None,
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _ending(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _tail(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    shown = [line[:500] for line in lines[-_STDERR_LINES:]]
    return "".join(f"\n  {line}" for line in shown)


def _from_ansible(origin: Origin, found: dict[str, Any]) -> Any:
    """The two markers that ``ansible-inventory --list`` itself prints."""
    if len(found) == 1:
        name, text = next(iter(found.items()))
        if isinstance(text, str) and name == "__ansible_vault":
            return Vaulted(text, origin)
        if isinstance(text, str) and name == "__ansible_unsafe":
            return Unsafe(text)
    return found
