"""getent: what the host's name services say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.packages import missing
from opsrun.modules.requests import Run
from opsrun.modules.wording import word

LIMIT = 64 * 1024 * 1024
"""Bytes of an answer."""

_COLONS = ("passwd", "group", "shadow", "gshadow")
_FILES = (*_COLONS, "hosts", "services", "protocols", "networks")
"""Databases that are a file of the same name, where there is no getent(1)."""

_NOT_FOUND = 2
"""What getent(1) ends with where one of the keys is not there."""
_WHY = {1: "there is no such database or service", 3: "that database can't be listed"}


@module("getent")
class Getent(Module):
    """Ask the host's name services (users, groups, hosts …); what they say becomes a fact."""

    database: str = option(required=True, doc="Which one: passwd, group, hosts, services …")
    key: str | None = option(doc="What to look up; everything, where nothing is said.")
    service: str | None = option(doc="The one service to ask, as ``files``.")
    split: str | None = option(doc="What stands between fields; by the database if nothing is.")
    fail_key: bool = option(True, doc="Whether a key that is not there is a failure.")

    def steps(self, context: Context) -> Steps:
        """One script."""
        answer = yield Run("".join(self._script()), effect="reads", cap=LIMIT)
        answers = Answers(answer)
        fact = f"getent_{self.database}"
        rc = answers.number("rc") or 0
        if rc == _NOT_FOUND:
            words = f"{self.database} knows no {self.key}"
            if self.fail_key:
                raise ModuleError(words)
            return ModuleResult(msg=words, facts={fact: {self.key: None}})
        if rc != 0:
            why = _WHY.get(rc, f"exit status {rc}")
            raise ModuleError(": ".join(filter(None, (why, answers.text("stderr").strip()))))
        if answers.get("why") is not None:
            raise ModuleError(answers.text("why"))
        lines = answers.text("out").splitlines()
        if answers.get("file") is None:
            return ModuleResult(facts={fact: gathered(self._fields(lines))})
        return self._of_file(fact, lines)

    def _script(self) -> Iterator[str]:
        words = ["getent"]
        if self.service is not None:
            words += ["-s", word(self.service)]
        named = [self.database] if self.key is None else [self.database, self.key]
        if any(each.startswith("-") for each in named):
            words.append("--")
        words += map(word, named)
        yield f"{LOOK}if command -v getent >/dev/null 2>&1; then\n"
        yield f"  out=$({' '.join(words)} 2>/dev/null; printf '/%s' \"$?\")\n"
        yield '  rc=${out##*/}\n  say rc "$rc" out "${out%/*}"\n'
        yield "  case $rc in\n    0 | 2) ;;\n"
        yield f'    *) say stderr "$({" ".join(words)} 2>&1 >/dev/null)" ;;\n  esac\n'
        yield "else\n"
        if self.service not in (None, "files") or self.database not in _FILES:
            yield f"  say why {word(missing('getent'))}\nfi\n"
            return
        yield f"  f={word(f'/etc/{self.database}')}\n"
        yield '  if [ -r "$f" ]; then say file y out "$(cat "$f")"\n'
        yield '  else say why "$f can\'t be read, and there is no getent on this host"\n  fi\nfi\n'

    @property
    def _separator(self) -> str | None:
        if self.split is not None:
            return self.split
        return ":" if self.database in _COLONS else None

    def _fields(self, lines: Sequence[str]) -> Iterator[list[str]]:
        for line in lines:
            fields = line.split(self._separator)
            if fields:
                yield fields

    def _of_file(self, fact: str, lines: Sequence[str]) -> ModuleResult:
        colons = self.database in _COLONS
        entries = lines if colons else [each.partition("#")[0] for each in lines]
        found = [each for each in entries if each.strip() and self._asked_for(each, colons)]
        if self.key is None or found:
            return ModuleResult(facts={fact: gathered(self._fields(found))})
        words = f"{self.database} knows no {self.key}"
        if self.fail_key:
            raise ModuleError(words)
        return ModuleResult(msg=words, facts={fact: {self.key: None}})

    def _asked_for(self, line: str, colons: bool) -> bool:
        if self.key is None:
            return True
        fields = line.split(":" if colons else None)
        if colons:
            number = fields[2:3] if self.database in ("passwd", "group") else []
            return self.key in (fields[0], *number)
        return self.key in fields


def gathered(entries: Iterator[list[str]]) -> dict[str, Any]:
    """Entries by their first field: its fields, or a list of those where there are several."""
    found: dict[str, list[list[str]]] = {}
    for first, *rest in entries:
        found.setdefault(first, []).append(rest)
    return {name: each[0] if len(each) == 1 else each for name, each in found.items()}
