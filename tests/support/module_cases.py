"""Cases of modules as data: a starting tree, parameters, and what is to come of them.

A case is a mapping:

``name``, ``args``, ``free_form``
    what runs; ``TOP`` stands for a scratch directory.
``before``, ``after``
    trees: by name ``d MODE``, ``f MODE CONTENT``, ``l TARGET``, or ``a MODE FORMAT MEMBERS``, see
    `support.packed`.
``check``, ``result``, ``again``
    in check mode, in earnest, and once more: the result without what no two hosts share.
``needs``
    programs without which it can't be done.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from support import packed

CASES = Path(__file__).parents[1] / "cases"

_VOLATILE = {
    "start",
    "end",
    "delta",
    "atime",
    "mtime",
    "ctime",
    "inode",
    "dev",
    "blocks",
    "block_size",
    "version",
    "attributes",
    "attr_flags",
    "mimetype",
    "charset",
    "invocation",
    "exception",
    "warnings",
    "nlink",
}
_BACKUP = re.compile(r"\.\d+\.\d{4}-\d\d-\d\d@[\d:]+~")
_RANDOM = re.compile(r"(random-|ansible\.|(?=\w{8}\.RANDOM))[a-z0-9_]{8}(?![a-z0-9_])")
"""In names of tempfile's."""


def load(module: str) -> list[dict[str, Any]]:
    """The cases of one module."""
    found: list[dict[str, Any]] = []
    for path in sorted((CASES / module).glob("*.yaml")):
        found += yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def modules() -> list[str]:
    """Those that have cases."""
    return sorted(path.name for path in CASES.iterdir() if path.is_dir())


def placed(value: Any, top: str) -> Any:
    """Parameters with ``TOP`` replaced."""
    if isinstance(value, str):
        return value.replace("TOP", top)
    if isinstance(value, Mapping):
        return {key: placed(each, top) for key, each in value.items()}
    if isinstance(value, list):
        return [placed(each, top) for each in value]
    return value


def make(tree: Mapping[str, str], top: Path) -> None:
    """A starting tree."""
    top.mkdir(parents=True, exist_ok=True)
    top.chmod(0o755)
    for name, told in tree.items():
        path = top / name
        kind, _, rest = told.partition(" ")
        if kind == "l":
            path.symlink_to(rest)
            continue
        mode, _, content = rest.partition(" ")
        if kind == "d":
            path.mkdir()
        elif kind == "a":
            path.write_bytes(packed.pack(content))
        else:
            path.write_bytes(content.encode("utf-8", "surrogateescape"))
        path.chmod(int(mode, 8))


def tree(top: Path) -> dict[str, str]:
    """What there is, in the words of `make`."""
    return dict(sorted(_entries(top)))


def _entries(top: Path) -> Iterator[tuple[str, str]]:
    for where, folders, files in os.walk(top):
        for each in (*folders, *files):
            path = Path(where) / each
            name = _usual_name(str(path.relative_to(top)))
            mode = f"{path.lstat().st_mode & 0o7777:o}"
            if path.is_symlink():
                yield name, f"l {os.readlink(path).replace(str(top), 'TOP')}"
            elif path.is_dir():
                yield name, f"d {mode}"
            elif (members := packed.told(path.read_bytes())) is not None:
                yield name, f"a {mode} {members}"
            else:
                content = path.read_bytes().decode("utf-8", "surrogateescape")
                yield name, f"f {mode} {content.replace(str(top), 'TOP')}".rstrip(" ")


def usual(result: Mapping[str, Any], top: str) -> dict[str, Any]:
    """A result without what differs from host to host, and without the words of messages."""
    found: dict[str, Any] = _plain(dict(result), top)
    found.setdefault("failed", False)
    if found.get("failed") and ("rc" not in found or "module_stderr" in found):
        return {"failed": True, "changed": found.get("changed", False), "msg": "WORDS"}
    if found.get("msg"):
        found["msg"] = "WORDS"
    else:
        found.pop("msg", None)
    if found.get("state") == "directory":
        found.pop("size", None)
    if "dest_state" in found:
        # Sizes of archives are the packing program's, and so is the order.
        found.pop("size", None)
        found = {key: _sorted(each) for key, each in found.items()}
    if "handler" in found:
        found.pop("extract_results", None)
        if "files" in found:
            found["files"] = _sorted(found["files"])
    if found.get("diff") == []:
        del found["diff"]
    if "md5sum" in found or "dest" in found:
        # Where content came from: the name of a temporary file, for some.
        found.pop("src", None)
    return found


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def _plain(value: Any, top: str) -> Any:
    if isinstance(value, Mapping):
        return {
            key.replace(top, "TOP"): _whose(key, _plain(each, top))
            for key, each in value.items()
            if key not in _VOLATILE
            and not key.endswith("_header")
            and not (key == "size" and value.get("isdir"))
        }
    if isinstance(value, (list, tuple)):
        found = [_plain(each, top) for each in value]
        if found and all(isinstance(each, dict) and "path" in each for each in found):
            # What find lists: in the order in which directories hold it.
            found.sort(key=lambda each: str(each["path"]))
        return found
    if isinstance(value, str):
        return _usual_name(value.replace(top, "TOP"))
    return value


def _usual_name(name: str) -> str:
    return _RANDOM.sub(r"\1RANDOM", _BACKUP.sub(".BACKUP~", name))


def _whose(key: str, value: Any) -> Any:
    me, us = os.geteuid(), os.getegid()
    mine = {
        "uid": me,
        "gid": us,
        "owner": pwd.getpwuid(me).pw_name,
        "group": grp.getgrgid(us).gr_name,
        "pw_name": pwd.getpwuid(me).pw_name,
        "gr_name": grp.getgrgid(us).gr_name,
    }
    return "OURS" if key in mine and value == mine[key] else value
