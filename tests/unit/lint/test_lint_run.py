"""What is read, what is left out, what is said of the whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opsrun.errors import UsageError
from opsrun.lint import known
from opsrun.lint.discovery import walk
from opsrun.lint.output import text
from opsrun.lint.run import Options, lint
from opsrun.modules.registry import known_names

ROOT = Path(__file__).parents[3]
PLAY = "- hosts: all\n  tasks:\n"


def put(top: Path, **files: str) -> None:
    for name, content in files.items():
        path = top / name.replace("__", "/").replace("_yml", ".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def rules(top: Path, **options: tuple[str, ...]) -> list[tuple[str, int]]:
    return [(each.rule, each.line) for each in lint([str(top)], Options(**options)).problems]


@pytest.mark.parametrize("folder", ["playbooks", "inventories"])
def test_what_we_bring_along_is_clean(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint([folder]).problems == []


def test_one_mistake_does_not_hide_the_others(tmp_path: Path) -> None:
    tasks = "    - pign:\n    - ping:\n      whn: a\n    - 7\n    - file:\n        pth: /a\n"
    put(tmp_path, site_yml=f"- hosts: all\n  tsks: []\n  tasks:\n{tasks}- nothing\n")
    found = rules(tmp_path)
    assert found == [
        ("unknown-keyword", 2),
        ("unknown-module", 4),
        ("unknown-keyword", 6),
        ("playbook-syntax", 7),
        ("missing-option", 8),
        ("unknown-option", 9),
        ("playbook-syntax", 10),
    ]


def test_files_are_known_by_where_they_are(tmp_path: Path) -> None:
    put(
        tmp_path,
        site_yml=PLAY + "    - ping:\n",
        roles__web__tasks__main_yml="- ping:\n",
        roles__web__handlers__main_yml="- name: a\n  ping:\n  listen: b\n",
        roles__web__defaults__main_yml="a: 1\n",
        roles__web__meta__main_yml="dependencies: []\n",
        roles__web__templates__x="{{ a }}\n",
        group_vars__all="b: 1\n",
        mkdocs_yml="site: !!python/name:x\n",
        docs__k8s_yml="apiVersion: v1\nkind: Pod\n",
    )
    put(tmp_path / ".git", site_yml="- broken: [\n")
    put(tmp_path / "node_modules", site_yml="- hosts: [\n")
    (tmp_path / "group_vars" / "secret.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")
    report = lint([str(tmp_path)])
    kinds = {"playbook": 1, "tasks": 1, "handlers": 1, "meta": 1, "template": 1, "vars": 2}
    assert report.files == kinds
    assert [Path(each).name for each in report.sealed] == ["secret.yml"]
    assert "1 encrypted, not read" in text.summary(report)


def test_a_file_that_is_named_is_read_whatever_it_looks_like(tmp_path: Path) -> None:
    put(tmp_path, odd_yml="- name: a\n  pign:\n", vars_yml="a: 1\na: 2\n")
    assert [each.rule for each in lint([str(tmp_path / "odd.yml")]).problems] == ["unknown-module"]
    assert [each.rule for each in lint([str(tmp_path / "vars.yml")]).problems] == ["duplicate-key"]


def test_the_project_around_a_file_counts(tmp_path: Path) -> None:
    put(
        tmp_path, site_yml=PLAY + "    - debug:\n        msg: '{{ a }}'\n", group_vars__all="a: 1\n"
    )
    assert lint([str(tmp_path / "site.yml")]).problems == []


def test_noqa_at_the_line_and_at_the_task(tmp_path: Path) -> None:
    tasks = (
        "    - ping: # noqa: unknown-keyword\n      whn: a\n"
        "    - ping:\n      whn: a # noqa\n"
        "    - ping: # noqa: truthy\n      whn: a\n"
        "    - name: x # noqa\n      file:\n        pth: a\n        stat: b\n"
        "    - file:\n        pth: a\n        path: /a\n"
    )
    put(tmp_path, site_yml=PLAY + tasks)
    assert rules(tmp_path) == [("unknown-keyword", 8), ("unknown-option", 14)]


def test_rules_are_chosen_and_left_out(tmp_path: Path) -> None:
    put(tmp_path, site_yml="- hosts: all\n  become: yes\n  tasks:\n    - ping:\n      whn: a\n")
    assert rules(tmp_path) == [("truthy", 2), ("unknown-keyword", 5)]
    assert rules(tmp_path, rules=("truthy",)) == [("truthy", 2)]
    assert rules(tmp_path, skip=("truthy,several-actions",)) == [("unknown-keyword", 5)]
    assert ("full-names", 4) in rules(tmp_path, rules=("all",))


def test_what_can_not_be_done_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'truthy'"):
        lint([str(tmp_path)], Options(rules=("truty",)))
    with pytest.raises(UsageError, match="no such file"):
        lint([str(tmp_path / "nowhere")])


def test_new_keywords_of_the_parser_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opsrun.playbook.parse import plays

    put(tmp_path, site_yml="- hosts: all\n  shiny: true\n")
    assert rules(tmp_path) == [("unknown-keyword", 2)]
    monkeypatch.setattr(plays, "PLAY", plays.PLAY | {"shiny"})
    assert rules(tmp_path) == []


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\x00", b"- a: \xc3(", b"\t- hosts: all"])
def test_what_is_no_text_is_a_problem(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "site.yml").write_bytes(data)
    problems = lint([str(tmp_path / "site.yml")]).problems
    assert [each.rule for each in problems] == ["yaml"]


def test_deep_nesting_and_aliases_are_survived(tmp_path: Path) -> None:
    deep = "- hosts: all\n  tasks: " + "[{block: " * 60 + "[]" + "}]" * 60 + "\n"
    put(tmp_path, site_yml=deep)
    lint([str(tmp_path)])
    put(tmp_path, site_yml="- hosts: all\n  tasks: &a\n    - block: *a\n")
    assert [rule for rule, _ in rules(tmp_path)] == ["yaml"]


MISSPELT = PLAY + "    - debug:\n        msg: '{{ nowhere }} {{ web_prot }}'\n"


@pytest.mark.parametrize("lacking", ["", "role", "sealed", "sealed and included"])
def test_what_is_not_here_may_define_anything(tmp_path: Path, lacking: str) -> None:
    put(tmp_path, site_yml=MISSPELT, group_vars__all="web_port: 1\n")
    if lacking == "role":
        put(tmp_path, other_yml="- hosts: all\n  roles: [gone]\n")
    elif lacking:
        name = "odd.yml" if "included" in lacking else "group_vars/web.yml"
        (tmp_path / name).write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")
        put(tmp_path, more_yml="- hosts: all\n  vars_files: [odd.yml]\n" if "odd" in name else "[]")
    found = lint([str(tmp_path)], Options(rules=("undefined-variable",))).problems
    columns = [each.column for each in found]
    # Only what is nearly another's name is told then.
    assert columns == ([32] if lacking else [18, 32])


@pytest.mark.parametrize("folder", ["molecule/default", "tests", "docs/examples", "prod"])
def test_what_is_for_tests_or_reading_may_lack_roles_and_tell_secrets(
    tmp_path: Path, folder: str
) -> None:
    play = "- hosts: all\n  roles: [gone]\n  vars: {db_password: Xy77-ab-99}\n"
    put(tmp_path / folder, site_yml=play)
    expected = [("missing-role", 2), ("clear-secret", 3)] if folder == "prod" else []
    assert rules(tmp_path) == expected


def test_variable_files_are_found_by_whoever_names_them(tmp_path: Path) -> None:
    tasks = "    - debug:\n        msg: '{{ a }} {{ b }}'\n"
    put(tmp_path, site_yml=f"- hosts: all\n  vars_files: [settings.cfg]\n  tasks:\n{tasks}")
    (tmp_path / "settings.cfg").write_text("a: 1\n")
    put(tmp_path, sample_yml="all:\n  vars:\n    b: 1\n")
    assert rules(tmp_path) == []


def test_an_included_file_is_read_as_what_it_is_included_as(tmp_path: Path) -> None:
    put(tmp_path, site_yml=PLAY + "    - include_tasks: more.yml\n", more_yml="- pign:\n")
    assert rules(tmp_path) == [("unknown-module", 1)]


def test_a_collections_module_that_is_not_known_is_no_mistake(tmp_path: Path) -> None:
    put(tmp_path, site_yml=PLAY + "    - community.general.newest_of_all:\n")
    assert rules(tmp_path) == [("module-not-built", 3)]


def test_pipes_in_a_directory_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "site.yml")
    (tmp_path / "real.yml").write_text("- hosts: all\n")
    assert [os.path.basename(each.path) for each in walk(str(tmp_path))] == ["real.yml"]


OWN = "# opsrun module\n# options:\n#   path: {type: path, required: true}\n#   size: {type: int}\n"


def test_options_of_a_module_of_the_projects_own(tmp_path: Path) -> None:
    tasks = (
        "    - own: {path: /a, size: 1}\n    - own: {pth: /a, path: /b}\n"
        "    - own: {path: /a, size: many}\n    - own:\n"
    )
    put(tmp_path, site_yml=PLAY + tasks)
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "own.sh").write_text(OWN)
    assert rules(tmp_path) == [("unknown-option", 4), ("option-value", 5), ("missing-option", 6)]


def test_modules_of_the_projects_own_that_can_not_run(tmp_path: Path) -> None:
    put(tmp_path, site_yml=PLAY + "    - own:\n    - other:\n    - third: {a: 1}\n")
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "own.sh").write_text("# opsrun module\n# optoins: 1\n")
    (tmp_path / "library" / "other.py").write_text("from ansible.module_utils.basic import a\n")
    (tmp_path / "library" / "third.py").write_text("import opsrun\nraise SystemExit\n")
    assert rules(tmp_path) == [("module-header", 3), ("module-not-built", 4)]


def test_every_module_that_has_a_full_name_is_of_its_collection() -> None:
    full = [name for name in known_names() if "." in name]
    assert full
    for name in full:
        collection, _, short = name.rpartition(".")
        assert known.collection_of(short) == collection
    assert known.collection_of("copy") == "ansible.builtin"
    assert known.collection_of("nosuch") is None
