"""Schemas of the files beside playbooks: variables, roles' meta data, requirements, inventories."""

from __future__ import annotations

from opsrun.inventory.protection import KEYS
from opsrun.inventory.yaml_source import SECTIONS
from opsrun.playbook.arguments.checking import KINDS
from opsrun.playbook.parse.argument_specs import OPTION
from opsrun.playbook.parse.checks import FALSE, TRUE
from opsrun.schema.values import SCALAR, TEMPLATE, Schema, exactly, of_keyword, one_of, ref, told

_OPEN: Schema = {"type": ["object", "null"]}


def variables() -> Schema:
    """A file of variables."""
    return {"type": ["object", "null"], "propertyNames": {"pattern": r"\S"}}


def meta() -> Schema:
    """``meta/main.yml`` of a role."""
    return {
        "type": ["object", "null"],
        "properties": {
            "dependencies": told(
                {"type": ["array", "null"], "items": ref("role-entry")},
                "Roles that are done before this one.",
            ),
            "allow_duplicates": told(
                of_keyword("bool"), "Whether a play may do it again with the same parameters."
            ),
            "collections": told(
                one_of({"type": ["string", "null"]}, {"type": "array", "items": SCALAR}),
                "Where its modules and roles are looked for.",
            ),
            "galaxy_info": told(_OPEN, "What is told of the role where it is published."),
            "argument_specs": _specs(),
        },
    }


def argument_specs() -> Schema:
    """``meta/argument_specs.yml`` of a role."""
    return {
        "type": "object",
        "properties": {"argument_specs": _specs()},
        "required": ["argument_specs"],
    }


_KIND = one_of({"enum": [*KINDS, None]}, TEMPLATE)


def _specs() -> Schema:
    entry: Schema = {
        "type": ["object", "null"],
        "properties": {
            "short_description": told(SCALAR, "What the entry point is for, in a line."),
            "description": told(_words(), "The same at length."),
            "author": _words(),
            "version_added": SCALAR,
            "options": told(ref("argument-options"), "Parameters, by name."),
        },
    }
    words = "By entry point: `main` for tasks/main.yml, else the name of a file of tasks."
    return told({"type": ["object", "null"], "additionalProperties": entry}, words)


def definitions() -> dict[str, Schema]:
    """What the schemas of this module refer to."""
    option: Schema = {
        "type": "object",
        "properties": {
            **{name: {} for name in sorted(OPTION)},
            "type": told(_KIND, "What its value is read as."),
            "elements": told(_KIND, "What a list holds."),
            "required": told(of_keyword("bool"), "Whether it has to be given."),
            "default": told({}, "Told to readers; the role's defaults are what counts."),
            "choices": told(
                one_of({"type": ["array", "null"]}, TEMPLATE), "The values that it may have."
            ),
            "description": told(_words(), "What it is for."),
            "options": told(ref("argument-options"), "Of a dictionary, what is in it."),
            "version_added": SCALAR,
            "no_log": of_keyword("bool"),
        },
    }
    return {
        "argument-options": {
            "type": ["object", "null"],
            "additionalProperties": one_of(option, TEMPLATE),
        },
        "group": _group(),
    }


def _words() -> Schema:
    return one_of(SCALAR, {"type": "array", "items": SCALAR})


def requirements() -> Schema:
    """``requirements.yml``: roles and collections that are needed; or a list of roles alone."""
    role: Schema = {
        "type": "object",
        "properties": {
            "name": told(SCALAR, "What the role is called here."),
            "src": told(SCALAR, "Where it comes from: a name of the index, or a repository."),
            "version": told(SCALAR, "A version, a branch, a tag or a commit."),
            "scm": told({"enum": ["git", "hg", None]}, "What kind of repository that is."),
            "include": told(SCALAR, "Another file of requirements."),
        },
        "anyOf": [{"required": [key]} for key in ("name", "src", "include", "role")],
    }
    collection: Schema = {
        "type": "object",
        "properties": {
            "name": told(SCALAR, "NAMESPACE.NAME, a repository, a file or a directory."),
            "version": told(SCALAR, "A version, or a range of them: `>=1.0,<2.0`."),
            "source": told(SCALAR, "Which index it comes from."),
            "type": told(
                {"enum": ["galaxy", "git", "url", "file", "dir", "subdirs", None]},
                "What kind of source that is.",
            ),
            "signatures": told(_words(), "Where signatures of it are."),
        },
        "required": ["name"],
    }
    roles = {"type": ["array", "null"], "items": one_of({"type": "string"}, role)}
    collections = {"type": ["array", "null"], "items": one_of({"type": "string"}, collection)}
    both: Schema = {
        "type": "object",
        "properties": {"roles": roles, "collections": collections},
        "additionalProperties": False,
        "minProperties": 1,
    }
    return one_of(both, roles)


def inventory() -> Schema:
    """An inventory in YAML."""
    return {
        "type": "object",
        "not": {"required": ["plugin"]},
        "additionalProperties": ref("group"),
    }


_TEXT: Schema = {"type": "string"}
_PROTECTED = one_of(
    {"type": "boolean"},
    {"enum": [0, 1]},
    {**_TEXT, "pattern": f"^\\s*({'|'.join(map(exactly, sorted(TRUE | FALSE)))})\\s*$"},
)
_GROUP_WORDS = {
    "hosts": "Hosts, each with its variables, or with nothing: `web[01:20]:`.",
    "vars": "Variables of all hosts in the group.",
    "children": "Groups in this group.",
    "protected": "Whether work on hosts of the group is confirmed by typing first.",
    "max_hosts": "Work on more hosts of the group than this is confirmed first.",
}


def _group() -> Schema:
    own: dict[str, Schema] = {
        "hosts": one_of(
            {"type": "object", "additionalProperties": _OPEN}, {"type": ["string", "null"]}
        ),
        "vars": {"type": ["object", "null"]},
        "children": one_of(
            {"type": "object", "additionalProperties": ref("group")}, {"type": ["string", "null"]}
        ),
    }
    own["protected"] = _PROTECTED
    own["max_hosts"] = one_of(
        {"type": "integer", "minimum": 0}, {"pattern": r"^\s*\d+\s*$", **_TEXT}
    )
    found = {name: own.get(name, {}) for name in (*SECTIONS, *KEYS)}
    told_all = {name: told(each, _GROUP_WORDS.get(name, "")) for name, each in found.items()}
    return {"type": ["object", "null"], "properties": told_all, "additionalProperties": False}
