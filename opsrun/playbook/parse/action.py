"""Which module a task names, and its arguments, in all spellings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template, Unsafe, trusted
from opsrun.errors import InputError, nearest
from opsrun.playbook.model.nodes import Form, RawAction
from opsrun.playbook.parse.checks import shown
from opsrun.playbook.parse.names import (
    COMMAND_OPTIONS,
    FREE_FORM,
    GONE,
    HANDLER,
    TASK,
    TEXT_TOO,
    bare,
)
from opsrun.playbook.parse.spot import Spot
from opsrun.playbook.parse.words import Unbalanced, Words, split


class Statement(NamedTuple):
    """What a task does."""

    action: RawAction
    local: bool
    """Written as ``local_action``."""


NO_STATEMENT = Statement(RawAction("", ""), False)
"""Of a task whose action can't be read, and whose keywords are looked at all the same."""


class _Written(NamedTuple):
    args: Mapping[str, Any]
    text: str | None
    template: Any
    form: Form
    places: Mapping[str, Origin]


def statement(spot: Spot, handler: bool) -> Statement:
    """The action of a task. PlaybookError if there is none, more than one, or it can't be read."""
    key = _action_key(spot, HANDLER if handler else TASK)
    if key in ("action", "local_action"):
        name, written = _old_style(spot, key)
    else:
        name, written = key, _arguments(spot, key, spot.data[key], bare(key))
    action = _action(spot, key, name, written)
    return Statement(action, key == "local_action")


def _action_key(spot: Spot, keywords: frozenset[str]) -> str:
    spot.texts()
    found = [
        key
        for key in spot.data
        if key in ("action", "local_action")
        or (key not in keywords and not key.startswith("with_"))
    ]
    for key in [key for key in found if key in GONE]:
        spot.tell(spot.unknown(key, keywords))
        found.remove(key)
    if len(found) == 1:
        return _sensible(spot, found[0])
    if not found:
        raise _ruled(spot.error("no module or action in this task"), "no-action")
    spot.tell(_conflict(spot, found, keywords), "several-actions")
    names: list[str] = [key for key in found if not _guess(key, keywords)] or found
    return names[0]


def _ruled(error: InputError, rule: str) -> InputError:
    error.rule = rule
    return error


def _guess(key: str, keywords: frozenset[str]) -> str | None:
    """The keyword that was meant by what stands where a module does."""
    return None if "." in key or key in keywords else nearest(key, keywords)


def _sensible(spot: Spot, key: str) -> str:
    if key in ("rescue", "always"):
        raise spot.error(f"{key!r} can't be used without 'block'", key)
    if key == "listen":
        raise spot.error("'listen' is a keyword of handlers, and this is a task", key)
    if bare(key) == "include":
        words = "use 'include_tasks' (while running) or 'import_tasks' (before)"
        raise _ruled(
            spot.error(f"'include' is no longer an action; {words}", key), "removed-include"
        )
    return key


def _conflict(spot: Spot, found: list[str], keywords: frozenset[str]) -> InputError:
    if "listen" in found:
        return spot.error("'listen' is a keyword of handlers, and this is a task", "listen")
    if "rescue" in found or "always" in found:
        key = "rescue" if "rescue" in found else "always"
        return spot.error(f"{key!r} can't be used without 'block'", key)
    names = [_named(spot, key) for key in found]
    message = f"conflicting action statements: {', '.join(names)}"
    for key in reversed(found):
        guess = _guess(key, keywords)
        if guess:
            error = spot.error(f"{message}; did you mean {guess!r} by {key!r}?", key)
            return _ruled(error, "unknown-keyword")
    return spot.error(f"{message}; a task names one module", found[1])


def _named(spot: Spot, key: str) -> str:
    value = spot.data[key]
    if key in ("action", "local_action") and isinstance(value, str) and value.split():
        return str(value.split()[0])
    if key in ("action", "local_action") and isinstance(value, dict):
        return str(value.get("module", key))
    return key


def _old_style(spot: Spot, key: str) -> tuple[str, _Written]:
    value = spot.data[key]
    if isinstance(value, dict):
        rest = dict(value)
        module = rest.pop("module", None)
        if not isinstance(module, str) or not module.strip():
            raise spot.value_error(f"{key}: expected `module: NAME` in this dictionary", key)
        name, given = _first_word(module)
        written = _with_inner(spot, value, rest, bare(name))
        if given:
            text = _arguments(spot, key, _same_kind(module, given), bare(name))
            written = text._replace(args={**text.args, **written.args}, places=written.places)
        return name, written
    if not isinstance(value, str) or not value.strip():
        raise spot.value_error(
            f"{key}: expected `MODULE name=value …`, or a dictionary with `module`, found "
            f"{shown(value)}",
            key,
        )
    name, given = _first_word(value)
    rest_text = _same_kind(value, given) if given else None
    return name, _arguments(spot, key, rest_text, bare(name))


def _with_inner(spot: Spot, whole: Mapping[str, Any], rest: dict[Any, Any], name: str) -> _Written:
    """The arguments beside ``module:``, and those of an ``args:`` there, which win."""
    inner = rest.pop("args", None)
    own = _dictionary(spot, whole, rest)
    if inner is None:
        return own
    if isinstance(inner, dict):
        more = _dictionary(spot, inner, dict(inner))
    elif isinstance(inner, str):
        more = _text(replace(spot, data=whole), "args", inner, name)
    else:
        place = spot.document.value_origin(whole, "args")
        words = f"args: expected a dictionary or a text, found {shown(inner)}"
        raise spot.document.error_at(words, place)
    text = own.text if more.text is None else more.text
    args, places = {**own.args, **more.args}, {**own.places, **more.places}
    return _Written(args, text, more.template, more.form, places)


def _first_word(text: str) -> tuple[str, str]:
    """A module's name, which may be a template, and what follows it."""
    if text.startswith("{{") and "}}" in text:
        end = text.index("}}") + 2
        return text[:end], text[end:].strip()
    name, _, rest = text.strip().partition(" ")
    return name, rest.strip()


def _same_kind(whole: str, part: str) -> str:
    if isinstance(whole, Unsafe):
        return Unsafe(part)
    return trusted(part, whole.origin) if isinstance(whole, Template) else part


def _arguments(spot: Spot, key: str, value: Any, name: str) -> _Written:
    if value is None:
        return _Written({}, None, None, "none", {})
    if isinstance(value, dict):
        return _dictionary(spot, value, dict(value))
    if isinstance(value, str):
        return _text(spot, key, value, name)
    raise spot.value_error(
        f"the arguments of {name!r} must be a dictionary or a text, found {shown(value)}", key
    )


def _dictionary(spot: Spot, whole: Mapping[Any, Any], args: dict[Any, Any]) -> _Written:
    for name in args:
        if not isinstance(name, str):
            raise spot.document.error(
                f"an argument's name must be text, not {shown(name)}", whole, name
            )
    places = {name: spot.document.origin(whole, name) for name in args}
    raw = args.pop("_raw_params", None)
    return _Written(args, raw, None, "mapping", places)


def _text(spot: Spot, key: str, value: str, name: str) -> _Written:
    origin = spot.document.value_origin(spot.data, key)
    try:
        found = split(value, COMMAND_OPTIONS if name in FREE_FORM else None)
    except Unbalanced as error:
        raise spot.document.error_at(
            f"can't part the arguments of {name!r}: {error}; a dictionary of arguments needs no "
            "quoting",
            _inside(spot, key, error.at),
        ) from error
    if found.rest and _is_one_template(value, found) and name not in TEXT_TOO:
        return _Written({}, None, value, "template", {})
    if found.rest and name not in TEXT_TOO:
        raise spot.value_error(
            f"{name!r} takes `name=value` words or a dictionary, and {shown(found.rest)} is "
            "neither",
            key,
        )
    return _from_words(value, found, origin)


def _is_one_template(value: str, found: Words) -> bool:
    return isinstance(value, Template) and not found.pairs and value.strip().startswith("{{")


def _from_words(value: str, found: Words, origin: Origin) -> _Written:
    as_written = Unsafe if isinstance(value, Unsafe) else None
    if as_written is None:
        args = {pair.key: trusted(pair.value, origin) for pair in found.pairs}
        rest = trusted(found.rest, origin) if found.rest else None
    else:
        args = {pair.key: Unsafe(pair.value) for pair in found.pairs}
        rest = Unsafe(found.rest) if found.rest else None
    raw = args.pop("_raw_params", None)
    form: Form = "free-form" if rest is not None else "k=v" if args else "none"
    return _Written(args, rest or raw, None, form, dict.fromkeys(args, origin))


def _inside(spot: Spot, key: str, offset: int) -> Origin:
    """The place of a character in a text, as far as it can be known."""
    origin = spot.document.value_origin(spot.data, key)
    if origin.line is None or origin.column is None:
        return origin
    line = spot.document.text.split("\n", origin.line)[origin.line - 1]
    value = str(spot.data[key])
    at = line.find(value, origin.column - 1)
    if "\n" in value or at < 0:
        return origin
    return Origin(origin.path, origin.line, at + offset + 1, origin.kind)


def _action(spot: Spot, key: str, name: str, written: _Written) -> RawAction:
    args, template, form = dict(written.args), written.template, written.form
    places = dict(written.places)
    extra = spot.data.get("args")
    if isinstance(extra, Template):
        template = extra
        form = "template" if form == "none" else form
    elif isinstance(extra, dict):
        more = _dictionary(spot, extra, dict(extra))
        written = written._replace(text=written.text if written.text is not None else more.text)
        args = {**more.args, **args}
        places = {**more.places, **places}
        form = "mapping" if form == "none" and args else form
    elif extra is not None:
        raise spot.value_error(
            f"args: expected a dictionary, or one template that gives it, found {shown(extra)}",
            "args",
        )
    _check_names(spot, places)
    return RawAction(
        written=name,
        name=bare(name),
        args=args,
        free_form=written.text,
        args_template=template,
        form=form,
        origin=spot.place(key),
        places=places,
    )


def _check_names(spot: Spot, places: Mapping[str, Origin]) -> None:
    for name, place in places.items():
        if name.startswith("_ansible_"):
            words = f"{name!r}: what begins with _ansible_ is reserved, and can be no argument"
            raise spot.document.error_at(words, place)
