"""Ansible's options, in opsrun's words."""

from __future__ import annotations

import json

import pytest

from opsrun.compat.adhoc import playbook_of, printed
from opsrun.compat.arguments import (
    adhoc_words,
    inventory_words,
    parser_of,
    playbook_words,
    ssh_options,
    vault_environment,
)
from opsrun.compat.settings import Settings
from opsrun.compat.translation import NotTranslated

PLAIN = ["playbook", "site.yml", "-o", "ansible"]
LAST = ["--odd-conditions", "warn"]


def words(*given: str, **environ: str) -> list[str]:
    parsed = parser_of("ansible-playbook").parse_args(["site.yml", *given])
    return playbook_words(parsed, Settings(environ)).words


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ([], []),
        (["-i", "a", "--inventory", "b,"], ["-i", "a", "-i", "b,"]),
        (["-e", "a=1", "-e", "@f"], ["-e", "a=1", "-e", "@f"]),
        (["--extra", "a=1"], ["-e", "a=1"]),
        (["-l", "web"], ["--limit", "web"]),
        (["-t", "a,b", "--skip-tags", "c"], ["--tags", "a,b", "--skip-tags", "c"]),
        (["-CD"], ["--check", "--diff"]),
        (["-vvv"], ["-vvv"]),
        (["-c", "local"], ["--connection", "local"]),
        (["-f", "3"], ["-f", "3"]),
        (["-b", "--become-user", "x"], ["-b", "--become-user", "x"]),
        (["--key-file", "k"], ["--private-key", "k"]),
        (["--ssh-common-args", "-o A=1 -oB=2"], ["-O", "A=1", "-O", "B=2"]),
        (["--force-handlers"], ["--force-handlers"]),
        (["--start-at-task", "x"], ["--start-at-task", "x"]),
        (["--list-tasks"], ["--list-tasks"]),
    ],
)
def test_options_of_ansible_playbook(given: list[str], made: list[str]) -> None:
    assert words(*given) == PLAIN + made + LAST


@pytest.mark.parametrize(
    ("environ", "made"),
    [
        ({"ANSIBLE_INVENTORY": "a,b"}, ["-i", "a", "-i", "b"]),
        ({"ANSIBLE_INVENTORY": "a,b,"}, ["-i", "a,b,"]),
        ({"ANSIBLE_ROLES_PATH": "x:y"}, ["--roles-path", "x", "--roles-path", "y"]),
        ({"ANSIBLE_FORCE_HANDLERS": "1"}, ["--force-handlers"]),
        ({"ANSIBLE_FORCE_HANDLERS": "no"}, []),
        ({"ANSIBLE_HOST_KEY_CHECKING": "False"}, ["--host-key-checking", "off"]),
        ({"ANSIBLE_HOST_KEY_CHECKING": "True"}, []),
        ({"ANSIBLE_ERROR_ON_MISSING_HANDLER": "no"}, ["--allow-missing-handlers"]),
        ({"ANSIBLE_ERROR_ON_MISSING_HANDLER": "yes"}, []),
        ({"ANSIBLE_STRATEGY": "free"}, ["--strategy", "free"]),
        ({"ANSIBLE_VERBOSITY": "2"}, ["-vv"]),
        ({"ANSIBLE_GATHERING": "smart"}, ["--gathering", "smart"]),
        ({"ANSIBLE_SSH_RETRIES": "3"}, ["--retries", "3"]),
        ({"ANSIBLE_RUN_TAGS": "a, b"}, ["--tags", "a", "--tags", "b"]),
        ({"ANSIBLE_REMOTE_USER": "u"}, ["-u", "u"]),
        ({"ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o Port=7"}, ["-O", "Port=7"]),
    ],
)
def test_variables(environ: dict[str, str], made: list[str]) -> None:
    assert words(**environ) == PLAIN + made + LAST


def test_an_option_wins_over_its_variable() -> None:
    assert words("-f", "2", ANSIBLE_FORKS="9") == [*PLAIN, "-f", "2", *LAST]


@pytest.mark.parametrize(
    ("broken", "told", "made"),
    [("no", "yes", "refuse"), ("no", "no", "refuse"), ("yes", "no", "take"), ("yes", "1", "warn")],
)
def test_conditions_that_are_neither(broken: str, told: str, made: str) -> None:
    given = {"ANSIBLE_ALLOW_BROKEN_CONDITIONALS": broken, "ANSIBLE_DEPRECATION_WARNINGS": told}
    assert words(**given) == [*PLAIN, "--odd-conditions", made]


def test_colours_go_into_the_environment() -> None:
    given = parser_of("ansible-playbook").parse_args(["x"])
    assert playbook_words(given, Settings({"ANSIBLE_NOCOLOR": "1"})).environment == {
        "NO_COLOR": "1"
    }


def test_vaults_are_opened_as_ansible_would() -> None:
    made = words("-J", "--vault-id", "a@b", "--vault-pass-file", "x")
    assert "--ask-vault-pass" in made
    assert made[made.index("--vault-id") + 1] == "a@b"
    assert made[made.index("--vault-password-file") + 1] == "x"
    file = "[defaults]\nvault_password_file = pw\nvault_identity_list = a@p, b@q\n"
    settings = Settings({"ANSIBLE_VAULT_IDENTITY": "lab"}, file, "/etc/x/ansible.cfg")
    assert vault_environment(settings) == {
        "ANSIBLE_VAULT_PASSWORD_FILE": "/etc/x/pw",
        "ANSIBLE_VAULT_IDENTITY_LIST": "a@p, b@q",
        "ANSIBLE_VAULT_IDENTITY": "lab",
    }
    assert settings.remarks == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["--scp-extra-args", "x"], "--scp-extra-args"),
        (["--ssh-extra-args", "-R 1"], "-R"),
    ],
)
def test_what_is_refused(given: list[str], named: str) -> None:
    with pytest.raises(NotTranslated, match=named):
        words(*given)


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("ANSIBLE_GATHERING", "smarter", "did you mean 'smart'"),
        ("ANSIBLE_SSH_RETRIES", "often", "ANSIBLE_SSH_RETRIES: expected a number, found 'often'"),
    ],
)
def test_values_that_are_none(name: str, value: str, named: str) -> None:
    with pytest.raises(NotTranslated, match=named):
        words(**{name: value})


def test_a_cache_of_facts_is_used_and_flushed() -> None:
    text = "[defaults]\nfact_caching = jsonfile\nfact_caching_connection = kept\n"
    settings = Settings({"ANSIBLE_CACHE_PLUGIN_TIMEOUT": "60"}, text, "/etc/x/ansible.cfg")
    given = parser_of("ansible-playbook").parse_args(["x", "--flush-cache"])
    words = playbook_words(given, settings).words
    at = words.index("--fact-cache")
    assert words[at + 1] == "/etc/x/kept"
    assert words[words.index("--fact-cache-timeout") + 1] == "60"
    assert "--flush-cache" in words


def test_a_cache_that_there_is_not_needs_no_flush_and_that_is_told() -> None:
    given = parser_of("ansible-playbook").parse_args(["x", "--flush-cache"])
    (remark,) = playbook_words(given, Settings({})).remarks
    assert remark.startswith("--flush-cache has no effect")


def test_playbooks_have_their_own_folder() -> None:
    with pytest.raises(SystemExit) as ended:
        words("--playbook-dir", "x")
    assert ended.value.code == 2
    assert words(ANSIBLE_PLAYBOOK_DIR="x") == PLAIN + LAST


@pytest.mark.parametrize(
    ("given", "environ", "folder"),
    [
        ([], {}, "."),
        ([], {"ANSIBLE_PLAYBOOK_DIR": "a"}, "a"),
        (["--playbook-dir", "b"], {"ANSIBLE_PLAYBOOK_DIR": "a"}, "b"),
    ],
)
def test_a_single_module_has_a_folder_too(
    given: list[str], environ: dict[str, str], folder: str
) -> None:
    parsed = parser_of("ansible").parse_args(["all", "-m", "ping", *given])
    made = adhoc_words(parsed, Settings(environ), "x.yml").words
    assert made[made.index("--playbook-dir") + 1] == folder


def test_an_inventory_is_told_of_without_its_playbooks() -> None:
    parsed = parser_of("ansible-inventory").parse_args(["--list"])
    (remark,) = inventory_words(parsed, Settings({"ANSIBLE_PLAYBOOK_DIR": "a"})).remarks
    assert remark.startswith("ANSIBLE_PLAYBOOK_DIR has no effect")


def test_an_output_that_opsrun_has_not() -> None:
    with pytest.raises(NotTranslated, match=r"ANSIBLE_STDOUT_CALLBACK.*'yaml'"):
        words(ANSIBLE_STDOUT_CALLBACK="yaml")


def test_unknown_options_end_with_2() -> None:
    with pytest.raises(SystemExit) as ended:
        words("--nonesuch")
    assert ended.value.code == 2


def test_ssh_options_are_o_alone() -> None:
    assert ssh_options("-o ControlPersist=60s -oUser=x", "-") == ["User=x"]
    with pytest.raises(NotTranslated, match=r"place.*-F"):
        ssh_options("-F file", "place")


def test_other_letters_of_ssh_are_its_options_too() -> None:
    words = "-C -J bastion -p 2222 -i ~/key -l me -q"
    named = ["ProxyJump=bastion", "Port=2222", "IdentityFile=~/key", "User=me"]
    assert ssh_options(words, "-") == named


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (["--list"], ["inventory", "list"]),
        (["--list", "-y"], ["inventory", "list", "--yaml"]),
        (["--host", "a"], ["inventory", "host", "a"]),
        (["--graph", "web", "--vars"], ["inventory", "graph", "web", "--vars"]),
    ],
)
def test_options_of_ansible_inventory(given: list[str], made: list[str]) -> None:
    parsed = parser_of("ansible-inventory").parse_args(given)
    assert inventory_words(parsed, Settings({})).words == made


def test_a_module_is_a_playbook_of_one_task() -> None:
    given = parser_of("ansible").parse_args(["web", "-m", "copy", "-a", "src=a dest=b"])
    (play,) = json.loads(playbook_of(given))
    assert play["hosts"] == "web"
    assert play["tasks"] == [{"action": "copy src=a dest=b"}]
    assert adhoc_words(given, Settings({}), "x.yml").words[:4] == [
        *("playbook", "x.yml", "-o", "jsonl")
    ]


def test_arguments_as_json() -> None:
    given = parser_of("ansible").parse_args(["all", "-m", "debug", "-a", '{"msg": "a b"}'])
    assert json.loads(playbook_of(given))[0]["tasks"] == [{"debug": {"msg": "a b"}}]


def test_a_command_needs_words() -> None:
    with pytest.raises(NotTranslated, match="No argument passed to command module"):
        playbook_of(parser_of("ansible").parse_args(["all"]))


def line(outcome: str, **result: object) -> dict[str, object]:
    head = {"type": "task_result", "host": "web", "item": None, "retries_left": None}
    return {**head, "outcome": outcome, "result": result}


@pytest.mark.parametrize(
    ("event", "one_line", "shown"),
    [
        (line("changed", rc=0, stdout="a\nb"), False, "web | CHANGED | rc=0 >>\na\nb"),
        (line("changed", rc=0, stdout="a\nb"), True, "web | CHANGED | rc=0 | (stdout) a\\nb"),
        (
            line("failed", rc=1, stdout="", stderr="e", msg="non-zero return code"),
            False,
            "web | FAILED | rc=1 >>\ne\nnon-zero return code",
        ),
        (line("ok", ping="pong"), True, 'web | SUCCESS => {"ping": "pong"}'),
        (line("unreachable", msg="m"), True, "web | UNREACHABLE!: m"),
        (line("failed", msg="m"), True, 'web | FAILED! => {"msg": "m"}'),
    ],
)
def test_results_of_a_module(event: dict[str, object], one_line: bool, shown: str) -> None:
    assert list(printed(iter([{"type": "run"}, event]), one_line=one_line)) == [shown]
