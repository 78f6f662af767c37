"""Schemas of plays, role entries and playbooks."""

from __future__ import annotations

from opsrun.playbook.parse.names import IMPORT_PLAYBOOK, PLAY, ROLE_ENTRY
from opsrun.schema.keywords import keyword, keywords
from opsrun.schema.modules import spellings
from opsrun.schema.values import Schema, of_keyword, one_of, ref, told

_IMPORT = "import_playbook"


def definitions() -> dict[str, Schema]:
    """Plays and role entries."""
    named: Schema = {"anyOf": [{"required": [key]} for key in ("role", "name", "src")]}
    entry: Schema = {"type": "object", "properties": keywords(ROLE_ENTRY), **named}
    return {
        "play": _play(),
        "imported-playbook": _imported(),
        "playbook-entry": _entry(),
        "role-entry": one_of({"type": "string", "pattern": r"\S"}, entry),
    }


def playbook() -> Schema:
    """A playbook: plays, and other playbooks in their places."""
    return {"type": "array", "minItems": 1, "items": ref("playbook-entry")}


def _entry() -> Schema:
    return {
        "type": "object",
        "if": {"anyOf": [{"required": [name]} for name in spellings(_IMPORT)]},
        "then": ref("imported-playbook"),
        "else": ref("play"),
    }


def _play() -> Schema:
    return {
        "type": "object",
        "properties": keywords(PLAY),
        "additionalProperties": False,
        "required": ["hosts"],
        "not": {"required": ["user", "remote_user"]},
        "allOf": [
            {"not": {"required": ["canary", "serial"]}},
            {"if": {"required": ["health"]}, "then": {"required": ["canary"]}},
        ],
    }


def _imported() -> Schema:
    path = told({"type": "string", "pattern": r"\S"}, keyword(_IMPORT)["description"])
    names = dict.fromkeys(spellings(_IMPORT), path)
    others = {name: of_keyword("any") for name in IMPORT_PLAYBOOK}
    read = keywords(IMPORT_PLAYBOOK & {"name", "when", "tags", "vars"})
    return {
        "type": "object",
        "properties": {**others, **read, **names},
        "additionalProperties": False,
    }
