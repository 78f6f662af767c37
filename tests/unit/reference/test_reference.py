"""What `opsrun doc` has to say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from opsrun.cli.doc import doc
from opsrun.cli.schema import schema
from opsrun.errors import UsageError
from opsrun.reference import KINDS, entry_lines, find, list_lines, listed
from opsrun.sinks.cells import width as columns


def shown(name: str, kind: str | None = None, width: int = 80) -> str:
    (entry,) = [each for each in find(name) if kind in (None, each.kind)]
    return "\n".join(entry_lines(entry, width, False))


def test_a_module() -> None:
    text = shown("ansible.builtin.stat")
    assert text.startswith("stat · module\n  Say what is known of a path")
    assert "  path  a path, required\n      Where.\n      Also called dest, name.\n" in text
    assert "  follow  true or false, else false\n" in text
    assert "      One of md5, sha1, sha224, sha256, sha384, sha512.\n" in text


def test_what_comes_back_and_how_it_is_used() -> None:
    text = shown("stat")
    assert "\nreturns\n  stat  a mapping, always\n" in text
    assert "  stat.mode  text, if it is there\n      Permissions in octal.\n" in text
    assert "\n\nfor example\n  - name: Look for a mark\n    stat:\n" in text
    assert "true or false, always\n      Whether anything was changed" in text
    assert "returns" not in shown("become") + shown("include_tasks")


def test_rules_and_free_forms_are_told() -> None:
    assert "At most one of msg, var." in shown("debug")
    assert "Text behind the module's name is cmd." in shown("command")
    assert "Any other name is taken, too." in shown("set_fact")
    assert "Keywords for what is included" in shown("include_tasks")


def test_a_keyword() -> None:
    assert shown("serial").splitlines()[0] == "serial · keyword"
    assert "of: play" in shown("serial")
    assert "takes true or false" in shown("become")
    assert "of: play, import_playbook, role entry, block, task, handler" in shown("become")
    assert "of: handler" in shown("listen")


def test_filters_tests_and_lookups() -> None:
    assert "value | combine(*terms, **options)" in shown("combine")
    assert "value | community.general.json_query(expression)" in shown("json_query")
    assert shown("json_query") == shown("community.general.json_query")
    assert "value is match(" in shown("match", "test")
    assert "lookup('env', …" in shown("env")


def test_one_name_may_be_several() -> None:
    assert next(entry.kind for entry in find("file")) == "module"
    assert [entry.kind for entry in find("file", "lookup")] == ["lookup"]


def test_unknown() -> None:
    with pytest.raises(UsageError, match=r"there is no .* 'cpoy'; did you mean 'copy'\?"):
        find("cpoy")
    with pytest.raises(UsageError, match="there is no filter 'copy'"):
        find("copy", "filter")


@pytest.mark.parametrize("kind", KINDS)
def test_everything_listed_is_found_and_said_within_the_width(kind: str) -> None:
    entries = [entry for entry in listed() if entry.kind == kind]
    assert len(entries) > 10
    for entry in entries:
        assert entry in find(entry.name)
        if kind in ("module", "keyword"):
            assert entry.synopsis, entry.name
        lines = list(entry_lines(entry, 60, False))
        assert all(columns(line) <= 80 for line in lines)
    assert all(columns(line) <= 90 for line in list_lines(entries, 60, False))


def test_the_command() -> None:
    ran = CliRunner().invoke(doc, ["-o", "json", "copy", "become"])
    assert [entry["name"] for entry in json.loads(ran.output)] == ["copy", "become"]
    [copy, _] = json.loads(ran.output)
    told = {each["name"]: (each["kind"], each["when"]) for each in copy["returns"]}
    assert told["dest"] == ("path", "always")
    assert any("dest: /etc/motd" in each for each in copy["examples"])
    ran = CliRunner().invoke(doc, ["-l", "-t", "lookup"])
    assert ran.output.startswith("lookups\n")
    assert "  env " in ran.output
    assert isinstance(CliRunner().invoke(doc, []).exception, UsageError)


def test_the_schema_command(tmp_path: Path) -> None:
    ran = CliRunner().invoke(schema, ["tasks"])
    assert json.loads(ran.output)["$schema"].startswith("http://json-schema.org/draft-07")
    path = tmp_path / "x.json"
    assert CliRunner().invoke(schema, ["--output", str(path)]).exit_code == 0
    assert "playbook" in json.loads(path.read_text("utf-8"))["title"]
    ran = CliRunner().invoke(schema, ["playbok"])
    assert ran.exit_code == 2
    assert "did you mean 'playbook'?" in ran.output


def test_what_was_never_run_for_real_is_said() -> None:
    [service] = find("service")
    assert service.unproven
    text = " ".join(" ".join(entry_lines(service, 60, False)).split())
    assert f"Unproven, from documentation alone: {service.unproven}." in text
    assert not any("Unproven" in line for line in entry_lines(find("copy")[0], 60, False))
