"""Facts that files of the host tell: ``ansible_local``."""

from __future__ import annotations

import configparser
import json
import re
from typing import Any

from opsrun.modules.looking import Answers

_RUNNING = "Failure executing fact script"
_RAN = re.compile(r"(.*)\x01(\d+)\x01(.*)", re.DOTALL)


def own_facts(answers: Answers, directory: str) -> tuple[dict[str, Any], list[str]]:
    """The facts by name of their files, and warnings.

    A file that makes no sense leaves a sentence in place of its facts.
    """
    found: dict[str, Any] = {}
    warnings: list[str] = []
    told = {
        **{
            name: _failed("Could not stat fact", path, "it is a link that leads nowhere")
            for name, path in _gone(answers)
        },
        **{name: _ran(f"{directory}/{name}.fact", t) for name, t in _below(answers, "ran.")},
        **{name: _read(f"{directory}/{name}.fact", t) for name, t in _below(answers, "read.")},
    }
    for name, value in sorted(told.items()):
        if isinstance(value, _Failed):
            warnings.append(value.words)
            found[name] = value.words
        else:
            found[name] = value
    return found, warnings


class _Failed:
    def __init__(self, words: str) -> None:
        self.words = words


def _failed(what: str, path: str, why: str) -> _Failed:
    """A sentence; how it begins is what playbooks test for."""
    return _Failed(f"{what} ({path}): {why}")


def _gone(answers: Answers) -> list[tuple[str, str]]:
    return list(answers.below("gone.").items())


def _below(answers: Answers, prefix: str) -> list[tuple[str, str]]:
    return list(answers.below(prefix).items())


def _ran(path: str, told: str) -> Any:
    found = _RAN.fullmatch(told)
    if found is None:
        return _failed(_RUNNING, path, "it could not be run")
    if found[2] != "0":
        words = f"it ended with status {found[2]}"
        told = f"{words}: {found[1].strip()}" if found[1].strip() else words
        return _failed(_RUNNING, path, told)
    return _read(path, found[3])


def _read(path: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    parser = configparser.ConfigParser()
    try:
        parser.read_string(text)
        return {section: dict(parser.items(section)) for section in parser.sections()}
    except configparser.InterpolationError as error:
        return _failed("error loading facts as ini", path, str(error).splitlines()[0])
    except configparser.Error:
        words = "it is neither JSON nor sections as INI files have them"
        return _failed("error loading facts", path, words)
