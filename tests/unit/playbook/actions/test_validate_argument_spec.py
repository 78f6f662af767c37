"""validate_argument_spec, and the task at the head of roles that say what they take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.playruns import run, tasks

SPEC = "argument_spec: {q: {type: int, required: true}, w: {default: 1}}"
ROLE = {
    "roles/r/tasks/main.yml": "- {name: body, debug: }\n",
    "roles/r/meta/argument_specs.yml": """
argument_specs:
  main:
    short_description: What it is.
    options: {q: {type: int, required: true}, names: {type: list, elements: str}}
  other:
    options: {z: {required: true}}
""",
    "roles/r/tasks/other.yml": "- {name: other, debug: }\n",
}
NAME = "Validating arguments against arg spec 'main' - What it is."


def test_arguments_are_given_or_variables(tmp_path: Path) -> None:
    text = tasks(
        "{name: given, validate_argument_spec: {SPEC, provided_arguments: {q: '1'}}}",
        "{name: variable, validate_argument_spec: {SPEC}, vars: {q: '{{ 1 + 1 }}'}}",
        "{name: missing, ignore_errors: true, validate_argument_spec: {SPEC}}",
        "{name: both, ignore_errors: true, vars: {q: x}, "
        "validate_argument_spec: {SPEC, provided_arguments: {e: 1}}}",
        "{name: undefined, ignore_errors: true, vars: {q: '{{ nowhere }}'}, "
        "validate_argument_spec: {SPEC}}",
        "{name: no dictionary, ignore_errors: true, validate_argument_spec: {argument_spec: [1]}}",
        "{name: none, ignore_errors: true, validate_argument_spec: }",
    ).replace("SPEC", SPEC)
    ran = run(tmp_path, {"site.yml": text})
    assert [str(ran.one(name).outcome) for name in ("given", "variable")] == ["ok", "ok"]
    assert ran.result("missing")["argument_errors"] == ["q: is required"]
    assert ran.result("both")["argument_errors"] == [
        "e: no such argument; there is q, w",
        "q: expected a whole number, found 'x'",
    ]
    assert ran.msg("both").count("\n") == 2
    assert "'nowhere' is undefined" in ran.msg("undefined")
    assert ran.msg("no dictionary") == "argument_spec: expected a dictionary, found list"
    assert "needs 'argument_spec'" in ran.msg("none")


def _play(use: str) -> dict[str, str]:
    return {**ROLE, "site.yml": f"- hosts: all\n  gather_facts: false\n  {use}\n"}


def test_a_role_is_not_begun_with_wrong_arguments(tmp_path: Path) -> None:
    ran = run(tmp_path, _play("roles: [{role: r, q: five, zork: 1}]"))
    found: dict[str, Any] = ran.result(NAME)
    assert found["argument_errors"] == [
        "zork: no such argument; there is q, names",
        "q: expected a whole number, found 'five'",
    ]
    assert found["validate_args_context"] == {
        "type": "role",
        "name": "r",
        "argument_spec_name": "main",
        "path": str(tmp_path / "roles" / "r"),
    }
    assert ran.done == [f"{NAME}:h1"]


def test_which_files_are_looked_at(tmp_path: Path) -> None:
    lines = (
        "{import_role: {name: r}, vars: {q: 1}}",
        "{import_role: {name: r, rolespec_validate: false}}",
        "{include_role: {name: r, rolespec_validate: 'no'}}",
        "{include_role: {name: r, tasks_from: other}, vars: {z: 1}}",
        "{include_role: {name: r, tasks_from: other.yml}}",
    )
    ran = run(tmp_path, {**ROLE, "site.yml": tasks(*lines)})
    other = "Validating arguments against arg spec 'other'"
    found = [each.partition(":")[0] for each in ran.done if "include_role" not in each]
    assert found == [NAME, "body", "body", "body", other, "other", "other"]


def test_it_is_done_whatever_tags_are_chosen(tmp_path: Path) -> None:
    files = _play("roles: [{role: r, q: 1, tags: [t]}]")
    assert run(tmp_path, files, tags=("nothing",)).done == [f"{NAME}:h1"]
    assert run(tmp_path, files, skip_tags=("always",)).done == ["body:h1"]
