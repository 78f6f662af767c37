"""What is compared of a run: the form that both programs' reports are brought into."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

KEPT = frozenset(
    [
        *("rc", "stdout", "stderr", "stdout_lines", "stderr_lines", "cmd", "attempts", "dest"),
        *("path", "checksum", "md5sum", "mode", "owner", "group", "size", "state", "stat", "ping"),
        *("content", "encoding", "ansible_facts", "add_host", "add_group", "parent_groups"),
        *("item", "ansible_loop_var", "ansible_index_var", "ansible_included_var_files"),
        "ansible_stats",
    ]
)
"""Keys of results that are documented and the same on every machine."""
WHOLE = frozenset({"debug", "set_fact"})
"""Actions whose results are the playbook's own words."""
STAT_KEPT = frozenset(
    [
        *("exists", "isdir", "isreg", "islnk", "ischr", "isblk", "isfifo", "issock", "isuid"),
        *("isgid", "rusr", "wusr", "xusr", "rgrp", "wgrp", "xgrp", "roth", "woth", "xoth"),
        *("readable", "writeable", "executable", "mode", "checksum", "lnk_source", "lnk_target"),
        "path",
    ]
)
COMMANDS = frozenset({"command", "shell", "raw", "script"})
INCLUDES = frozenset({"include_tasks", "include_role"})
"""What they include tells of them; the programs differ in what they say of the include itself."""
OUTCOMES = {"lost": "unreachable"}
NOISE = frozenset({"changed", "failed", "skipped", "unreachable", "censored", "invocation"})


class Normal:
    """Makes values the same wherever they were made.

    Args:
        top: the scratch tree; paths in it become ``$TOP``.
        names: further texts to replace, as the lab's folder.
    """

    def __init__(self, top: Path, names: Mapping[str, str] | None = None) -> None:
        self._texts = {"\r\n": "\n", str(top): "$TOP", **(names or {})}
        self._user = pwd.getpwuid(os.geteuid()).pw_name
        self._group = grp.getgrgid(os.getegid()).gr_name

    def text(self, value: str) -> str:
        """With no path of this machine in it."""
        for old, new in self._texts.items():
            value = value.replace(old, new)
        return re.sub(r"Shared connection to \S+ closed\.\n?", "", value)

    def value(self, value: Any) -> Any:
        """Plain JSON."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(k)): self.value(v) for k, v in sorted(value.items(), key=str)}
        if isinstance(value, (list, tuple)):
            return [self.value(each) for each in value]
        return value

    def result(self, action: str, outcome: str, result: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept of a result."""
        action = action.rpartition(".")[2]
        if action in ("setup", "gather_facts", "include_vars", "package_facts"):
            result = {k: v for k, v in result.items() if k != "ansible_facts"}
        good = outcome in ("ok", "changed")
        if not good and action not in COMMANDS:
            return {}
        if action == "pause":
            result = {}
        if action == "async_status":
            # How often a job was looked at until it had ended is the machine's business.
            result = {k: v for k, v in result.items() if k != "attempts"}
        found = {k: v for k, v in result.items() if k in KEPT or (good and self._own(action, k))}
        if "stat" in found:
            found["stat"] = {k: v for k, v in found["stat"].items() if k in STAT_KEPT}
        if found.get("state") in ("directory", "link", "absent"):
            found.pop("size", None)
        for key, own, word in (("owner", self._user, "$USER"), ("group", self._group, "$GROUP")):
            if found.get(key) == own:
                found[key] = word
        if "diff" in result and action not in WHOLE:
            found |= _difference(result["diff"])
        kept: dict[str, Any] = self.value(found)
        if kept.get("stderr") == "":
            kept["stderr_lines"] = []
        return kept

    def _own(self, action: str, key: str) -> bool:
        return action in WHOLE and key not in NOISE


def _difference(found: Any) -> dict[str, Any]:
    parts = found if isinstance(found, list) else [found]
    kept = [
        {k: part[k] for k in ("before", "after") if isinstance(part.get(k), str)}
        for part in parts
        if isinstance(part, Mapping)
    ]
    return {"diff": kept} if any(kept) else {}


def tree(normal: Normal, top: Path) -> dict[str, str]:
    """Everything below a folder: kind, mode and a hash of the content, by path."""
    return {str(path.relative_to(top)): _entry(normal, path) for path in sorted(top.rglob("*"))}


def _entry(normal: Normal, path: Path) -> str:
    info = path.lstat()
    mode = f"{stat.S_IMODE(info.st_mode):04o}"
    if stat.S_ISLNK(info.st_mode):
        return f"link {normal.text(os.readlink(path))}"
    if stat.S_ISDIR(info.st_mode):
        return f"directory {mode}"
    if not stat.S_ISREG(info.st_mode):
        return f"special {mode}"
    content = path.read_bytes()
    shown = normal.text(content.decode(errors="surrogateescape"))
    data = shown.encode(errors="surrogateescape")
    if len(shown) <= 2000 and shown.replace("\n", "").isprintable():
        return f"file {mode} {shown}"
    return _hashed(mode, data)


def _hashed(mode: str, data: bytes) -> str:
    return f"file {mode} sha256:{hashlib.sha256(data).hexdigest()}"


def of_ansible(lines: Iterable[Mapping[str, Any]], normal: Normal) -> dict[str, Any]:
    """The form of what ``callback/outcomes.py`` wrote."""
    plays: list[str] = []
    hosts: dict[str, list[dict[str, Any]]] = {}
    recap: dict[str, Any] = {}
    for line in lines:
        kind = line["type"]
        if kind == "play":
            plays.append(normal.text(line["name"]))
        elif kind == "stats":
            recap = {
                host: {"failed" if k == "failures" else k: v for k, v in counts.items() if v}
                for host, counts in line["hosts"].items()
            }
        elif line["action"].rpartition(".")[2] == "meta":
            continue
        elif not _tells_of_an_include(line["action"], line["outcome"]):
            hosts.setdefault(line["host"], []).append(_ansible_entry(line, normal))
    return {"plays": plays, "hosts": hosts, "recap": recap}


def _ansible_entry(line: Mapping[str, Any], normal: Normal) -> dict[str, Any]:
    result = dict(line["result"])
    if line["loop"] and not line["per_item"]:
        result = {}
    return _entry_of(
        line["task"],
        line["outcome"],
        ignored=line["ignored"],
        item=normal.text(line["item"]) if line["per_item"] and line["item"] else None,
        per_item=line["per_item"],
        result=normal.result(line["action"], line["outcome"], result),
    )


def _tells_of_an_include(action: str, outcome: str) -> bool:
    return action.rpartition(".")[2] in INCLUDES and outcome in ("ok", "changed")


def _entry_of(
    task: str,
    outcome: str,
    *,
    ignored: bool,
    item: str | None,
    per_item: bool,
    result: dict[str, Any],
) -> dict[str, Any]:
    entry: dict[str, Any] = {"task": task, "outcome": OUTCOMES.get(outcome, outcome)}
    if ignored and not per_item:
        entry["ignored"] = True
    if per_item:
        entry["each"] = True
    if item is not None:
        entry["label"] = item
    if result:
        entry["result"] = result
    return entry


def of_opsrun(lines: Iterable[Mapping[str, Any]], normal: Normal) -> dict[str, Any]:
    """The form of ``opsrun playbook -o jsonl``."""
    plays: list[str] = []
    hosts: dict[str, list[dict[str, Any]]] = {}
    recap: dict[str, Any] = {}
    tasks: dict[str, Mapping[str, Any]] = {}
    for line in lines:
        kind = line["type"]
        if kind == "play":
            plays.append(normal.text(line["name"]))
        elif kind == "task":
            tasks[line["task"]] = line
        elif kind == "task_result" and line["retries_left"] is None:
            hosts.setdefault(line["host"], []).extend(_opsrun_entry(line, tasks, normal))
        elif kind == "result":
            counts = line["data"]["recap"] if "data" in line else line["recap"]
            recap[line["host"]] = {k: v for k, v in counts.items() if v}
    return {"plays": plays, "hosts": hosts, "recap": recap}


def _opsrun_entry(
    line: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]], normal: Normal
) -> Iterator[dict[str, Any]]:
    task = tasks.get(line["task"], {"action": "", "kind": "task"})
    if task["kind"] == "meta" or _tells_of_an_include(task["action"], line["outcome"]):
        return
    result = dict(line["result"])
    whole_loop = line["item"] is None and "results" in result
    if whole_loop:
        result = {}
    per_item = line["item"] is not None
    item = normal.text(str(line["item"])) if per_item else None
    yield _entry_of(
        line["name"],
        line["outcome"],
        ignored=line["ignored"],
        item=item,
        per_item=per_item,
        result=normal.result(str(task["action"]), line["outcome"], result),
    )


def differences(expected: Any, got: Any, where: str = "") -> Iterator[str]:
    """One line for each place where two forms differ; labels that only one has don't count."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in sorted(expected.keys() | got.keys()):
            if key == "label" and not (key in expected and key in got):
                continue
            place = f"{where}.{key}" if where else str(key)
            if key not in got:
                yield f"{place}: missing; expected {_short(expected[key])}"
            elif key not in expected:
                yield f"{place}: unexpected {_short(got[key])}"
            else:
                yield from differences(expected[key], got[key], place)
    elif isinstance(expected, list) and isinstance(got, list):
        yield from _lists(expected, got, where)
    elif not _same(expected, got):
        yield f"{where}: expected {_short(expected)}, got {_short(got)}"


def _lists(expected: list[Any], got: list[Any], where: str) -> Iterator[str]:
    for number, (one, other) in enumerate(zip(expected, got, strict=False)):
        place = f"{where}[{number}]"
        if (
            isinstance(one, dict)
            and isinstance(other, dict)
            and one.get("task") != other.get("task")
        ):
            yield f"{place}: expected {_short(one)}, got {_short(other)}"
            return
        name = (
            f"{where}[{number}:{one['task']}]" if isinstance(one, dict) and "task" in one else place
        )
        yield from differences(one, other, name)
    if len(expected) != len(got):
        extra = expected[len(got) :] or got[len(expected) :]
        words = "missing" if len(expected) > len(got) else "unexpected"
        yield f"{where}: {words} {_short(extra[0])}"


def _same(expected: Any, got: Any) -> bool:
    """Whether both are the same value.

    With native types ansible-core 2.18 reads text once more, as Python: opsrun leaves text as it
    is, as ansible-core 2.19 does.
    """
    if (
        isinstance(expected, (int, float))
        and not isinstance(expected, bool)
        and got == str(expected)
    ):
        return True
    return bool(expected == got) and type(expected) is type(got)


def _short(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "..."
