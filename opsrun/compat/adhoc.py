"""``ansible PATTERN -m MODULE``: a playbook of one task, its results printed as Ansible does."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.compat.translation import OPTIONS, NotTranslated

_FREE = ("command", "shell", "raw", "script")
_NEEDS_ARGUMENTS = (*_FREE, "win_command", "win_shell")
_WORDS = {"ok": "SUCCESS", "changed": "CHANGED", "failed": "FAILED!", "skipped": "SKIPPED"}


def playbook_of(given: Namespace) -> str:
    """The playbook's text; JSON, which is YAML.

    Raises:
        NotTranslated: a module that does nothing without arguments has none.
    """
    short = given.module_name.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
    if short in _NEEDS_ARGUMENTS and not given.args:
        raise NotTranslated(f"No argument passed to {given.module_name} module", OPTIONS)
    arguments: Any = given.args or None
    if given.args.lstrip().startswith("{") and short not in _FREE:
        arguments = _mapping(given.args)
    task: dict[str, Any] = {"action": f"{given.module_name} {given.args}".rstrip()}
    if isinstance(arguments, dict):
        task = {given.module_name: arguments}
    play = {
        "name": "Ansible Ad-Hoc",
        "hosts": given.pattern,
        "gather_facts": False,
        "tasks": [task],
    }
    return json.dumps([play])


def _mapping(text: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, dict) else text


def printed(lines: Iterator[Mapping[str, Any]], *, one_line: bool) -> Iterator[str]:
    """What Ansible would print for the events of a run, host by host."""
    for line in lines:
        if line["type"] == "task_result" and line["item"] is None and line["retries_left"] is None:
            yield _one(line, one_line=one_line)


def _one(line: Mapping[str, Any], *, one_line: bool) -> str:
    host, outcome, result = line["host"], str(line["outcome"]), dict(line["result"])
    if outcome in ("unreachable", "lost"):
        return (
            f"{host} | UNREACHABLE!: {result.get('msg', '')}"
            if one_line
            else (f"{host} | UNREACHABLE! => {_json(result, one_line)}")
        )
    word = _WORDS.get(outcome, outcome.upper())
    if "rc" in result and "stdout" in result:
        return _command(host, word.rstrip("!"), result, one_line=one_line)
    return f"{host} | {word} => {_json(result, one_line)}"


def _command(host: str, word: str, result: Mapping[str, Any], *, one_line: bool) -> str:
    out, err = str(result["stdout"]), str(result.get("stderr", ""))
    if one_line:
        shown = out.replace("\n", "\\n")
        tail = f" (stderr) {err}" if err else ""
        return f"{host} | {word} | rc={result['rc']} | (stdout) {shown}{tail}"
    said = result.get("msg", "") if result["rc"] else ""
    text = "\n".join(part for part in (out, err, str(said)) if part)
    return f"{host} | {word} | rc={result['rc']} >>\n{text}"


def _json(result: Mapping[str, Any], one_line: bool) -> str:
    shown = {key: value for key, value in result.items() if key != "failed" or value}
    return json.dumps(shown, indent=None if one_line else 4, sort_keys=True, ensure_ascii=False)
