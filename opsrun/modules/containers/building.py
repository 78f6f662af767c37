"""The words of ``docker build``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.modules.base import ModuleError
from opsrun.modules.containers.creating import OURS
from opsrun.modules.containers.daemon import each, pairs, texts
from opsrun.modules.wording import path_word, word

BUILD = ("args", "cache_from", "dockerfile", "etc_hosts", "labels", "network", "nocache", "path",
         "platform", "pull", "shm_size", "target")  # fmt: skip
_NAME = re.compile(r"(?!DOCKER_|BUILDKIT_|LD_)[A-Za-z_][A-Za-z0-9_]*")


def unknown(build: Mapping[str, Any]) -> str:
    """The first of its keys that there is no word for; empty where there is none."""
    return next((str(key) for key in build if key not in BUILD), "")


def build_line(docker: str, name: str, build: Mapping[str, Any]) -> str:
    """The command line that builds an image of that name.

    The values of arguments go through the environment, where only their owner sees them.
    """
    if not build.get("path"):
        raise ModuleError("build needs a path: the directory with the Dockerfile")
    given = texts(build.get("args"))
    hidden = {key: value for key, value in given.items()
              if _NAME.fullmatch(key) and key not in OURS}  # fmt: skip
    before = "".join(f"{key}={word(value)} " for key, value in hidden.items())
    words = [*each("--build-arg", hidden), *_words(name, build)]
    words += pairs("--build-arg", {key: one for key, one in given.items() if key not in hidden})
    path = path_word(str(build["path"]))
    named = build.get("dockerfile")
    file = ""
    if named:
        # Relative to what is built, as people write it.
        own = str(named).startswith(("/", "~", "$"))
        file = f" -f {path_word(str(named))}" if own else f" -f {path}/{word(str(named))}"
    return f"{before}{docker} build {' '.join(map(word, words))}{file} {path}"


def _words(name: str, build: Mapping[str, Any]) -> Iterator[str]:
    yield from ("--tag", name)
    yield from ("--no-cache",) if _true(build.get("nocache")) else ()
    yield from ("--pull",) if _true(build.get("pull")) else ()
    for key in ("network", "platform", "target"):
        yield from (f"--{key}", str(build[key])) if build.get(key) else ()
    yield from ("--shm-size", str(build["shm_size"])) if build.get("shm_size") else ()
    yield from each("--cache-from", build.get("cache_from"))
    yield from pairs("--label", build.get("labels"))
    yield from each("--add-host", [f"{key}:{one}" for key, one in
                                   texts(build.get("etc_hosts")).items()])  # fmt: skip


def _true(value: Any) -> bool:
    return str(value).lower() in ("true", "yes", "1", "on")
