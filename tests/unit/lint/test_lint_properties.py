"""Whatever is in a file, lint tells problems and raises nothing; and a second ``--fix`` is idle."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from opsrun.lint.catalog import RULES
from opsrun.lint.run import Options, fix, lint

KEYS = st.sampled_from(
    [
        *("hosts", "tasks", "roles", "vars", "vars_files", "vars_prompt", "handlers", "serial"),
        *("name", "when", "block", "rescue", "always", "loop", "with_items", "loop_control"),
        *("register", "notify", "listen", "tags", "args", "action", "local_action", "include"),
        *("shell", "command", "copy", "file", "template", "debug", "set_fact", "include_tasks"),
        *("import_role", "include_vars", "import_playbook", "meta", "fail", "assert", "sudo"),
        *("mode", "path", "src", "dest", "cmd", "that", "msg", "password", "become", "environment"),
        *("dependencies", "role", "apply", "file", "ignore_errors", "retries", "module_defaults"),
    ]
)
TEXTS = st.sampled_from(
    [
        *("{{ a }}", "{{ a", "{% if %}", "a == 'b'", "a == ", "a=b c", "'", "x.yml", "../..", ""),
        *(
            "rm -rf {{ a }}/",
            "curl x | sh",
            "a | b",
            "end_play",
            "yes",
            "\u2028",
            "[",
            "{{ a | b }}",
        ),
        *(
            "never",
            "{{ lookup('x', *y) }}",
            "all",
            "\x7f",
            "a" * 300,
            "{{ a['b'].c(d) }}",
            "\ud7ff",
        ),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(0, 1777) | TEXTS | st.floats(allow_nan=False)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.integers(0, 3), inner, max_size=4)
    ),
    max_leaves=20,
)
PLAYS = st.lists(
    st.fixed_dictionaries(
        {"hosts": st.just("all") | VALUES},
        optional={
            "tasks": st.lists(st.dictionaries(KEYS, VALUES, max_size=5), max_size=4),
            "handlers": VALUES,
            "roles": VALUES,
            "vars": VALUES,
        },
    ),
    max_size=3,
)
KINDS = st.sampled_from(
    [
        *("site.yml", "roles/a/tasks/main.yml", "roles/a/handlers/main.yml", "group_vars/all.yml"),
        *("roles/a/meta/main.yml", "roles/a/defaults/main.yml", "roles/a/templates/t.j2"),
    ]
)
EVERY = Options(rules=("all",))


def looked(name: str, text: str) -> tuple[str, str, int]:
    """Lint, and fix twice: the text after each, and what the second one solved."""
    with tempfile.TemporaryDirectory() as top:
        path = Path(top, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        Path(top, "opsrun.toml").touch()
        lint([top], EVERY)
        try:
            path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return "", "", 0
        fix([top], EVERY)
        first = path.read_bytes().decode()
        _, solved = fix([top], EVERY)
        assert os.listdir(path.parent) == [path.name] or path.parent == Path(top)
        return first, path.read_bytes().decode(), solved


@given(KINDS, PLAYS | VALUES)
@settings(max_examples=60, deadline=None)
def test_lint_never_raises_on_data(name: str, data: Any) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    first, second, solved = looked(name, text)
    assert (first, solved) == (second, 0)


LINES = st.lists(
    st.builds(
        lambda indent, dash, key, value: f"{' ' * indent}{dash}{key}: {value}",
        st.integers(0, 6),
        st.sampled_from(["", "- "]),
        KEYS,
        TEXTS | st.sampled_from(["|", "&a", "*a", "!vault |", "{", "# noqa"]),
    ),
    max_size=12,
).map("\n".join)


@given(KINDS, LINES | st.text(max_size=80))
@settings(max_examples=80, deadline=None)
def test_lint_never_raises_on_text(name: str, text: str) -> None:
    first, second, solved = looked(name, text)
    assert (first, solved) == (second, 0)


def same(value: Any) -> Any:
    """A value with what fixes may change made equal."""
    if isinstance(value, list):
        return [same(each) for each in value]
    if isinstance(value, dict):
        return {_key(key): same(each) for key, each in value.items()}
    return int(value, 8) if isinstance(value, str) and value.isdigit() else value


def _key(key: Any) -> Any:
    text = str(key).removeprefix("ansible.builtin.")
    return {"sudo": "become", "import_tasks": "include", "include_tasks": "include"}.get(text, text)


WORDS = st.sampled_from(["yes", "no", "on", "Off", "true", '"yes"', "yes sir", "1"])


@given(st.lists(st.tuples(st.sampled_from(["become", "no_log", "run_once"]), WORDS), max_size=3))
@settings(max_examples=40, deadline=None)
def test_fixes_change_nothing_but_the_spelling(given_: list[tuple[str, str]]) -> None:
    lines = [f"      {key}: {value} # a comment" for key, value in dict(given_).items()]
    text = "# head\n- hosts: all\n  tasks:\n    - ping:  # odd   blanks\n" + "\n".join(lines) + "\n"
    first, _, _ = looked("site.yml", text)
    assert same(yaml.safe_load(first)) == same(yaml.safe_load(text))
    assert first.count("#") == text.count("#")
    assert first.count("\n") == text.count("\n")


def test_the_rules_that_fix_are_all_tried() -> None:
    assert {rule.name for rule in RULES.values() if rule.fixed} == {
        *("removed-keyword", "removed-include", "mode-decimal", "truthy", "full-names")
    }
