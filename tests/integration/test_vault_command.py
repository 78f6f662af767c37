"""Vaults as an operator uses them: `opsrun vault`, and every command that reads what it wrote."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import LIMIT, Ran, opsrun
from support.typing_at import typing_at
from support.vaults import envelope, tagged

from opsrun import Fleet, Secret, VaultSecrets
from opsrun.errors import InventoryError, UsageError

DEV, PROD = Secret("dev password"), Secret("prod password")
IDS = ("--vault-id", "dev@dev.secret", "--vault-id", "prod@prod.secret")
BOOK = """
- hosts: all
  gather_facts: false
  vars_files: [sealed.yml]
  tasks:
    - name: say
      debug: {msg: "{{ of_group }} {{ of_file }}"}
    - name: make
      template: {src: page.j2, dest: "{{ folder }}/page"}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two secrets, and a playbook whose variables and template are encrypted with either."""
    (tmp_path / "dev.secret").write_text(f"{DEV.reveal()}\n")
    (tmp_path / "prod.secret").write_text(f"{PROD.reveal()}\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "hosts").write_text("one\n")
    local = f"ansible_connection: {tagged('local', label='dev', secret=DEV)}"
    (tmp_path / "group_vars/all.yml").write_text(
        f"{local}of_group: {tagged('group', label='prod', secret=PROD)}plain: 1\n"
    )
    (tmp_path / "sealed.yml").write_text(envelope("of_file: '<{{ of_group }}>'\n", "dev", DEV))
    (tmp_path / "templates/page.j2").write_text(envelope("p {{ of_file }}\n", "prod", PROD))
    (tmp_path / "site.yml").write_text(BOOK)
    return tmp_path


def run(home: Path, *words: str, stdin: bytes | None = None, **env: str) -> Ran:
    return opsrun(*words, cwd=home, stdin=stdin, env={**os.environ, **env})


def refused(home: Path, *words: str, stdin: bytes | None = None, **env: str) -> str:
    ran = run(home, *words, stdin=stdin, **env)
    assert (ran.status, ran.out) == (2, "")
    assert not any(secret.reveal() in ran.err for secret in (DEV, PROD))
    return ran.err


@pytest.mark.parametrize("output", ["text", "jsonl"])
def test_a_playbook_with_two_vault_ids(home: Path, output: str) -> None:
    words = ("playbook", "-i", "hosts", "site.yml", "-e", f"folder={home}", *IDS)
    ran = run(home, *words, "-vv", "-o", output)
    assert ran.status == 0, ran.err
    assert "group <group>" in ran.out
    assert (home / "page").read_text() == "p <group>\n"
    assert not any(secret.reveal() in ran.out + ran.err for secret in (DEV, PROD))


def test_a_secret_that_is_missing_is_told_by_its_id(home: Path) -> None:
    ran = run(home, "playbook", "-i", "hosts", "site.yml", "-e", f"folder={home}", *IDS[:2])
    assert ran.status == 1
    words = "group_vars/all.yml:7: 'of_group' is encrypted with the vault id 'prod', and no secret"
    assert words in ran.out + ran.err
    assert "tried dev; none of that id is at hand" in ran.out + ran.err


def test_an_encrypted_playbook_and_extra_variables(home: Path) -> None:
    (home / "site.yml").write_text(envelope(BOOK, "dev", DEV))
    (home / "extra.yml").write_text(envelope(f"folder: {home}\nof_file: extra\n", "prod", PROD))
    words = ("playbook", "-i", "hosts", "site.yml", "-e", "@extra.yml")
    assert run(home, *words, *IDS).status == 0
    assert (home / "page").read_text() == "p extra\n"
    assert "extra.yml: this file is encrypted with the vault id 'prod'" in refused(home, *words)


def test_an_error_in_an_encrypted_playbook_names_the_line_of_its_text(home: Path) -> None:
    (home / "site.yml").write_text(envelope("- hosts: all\n  tsaks: []\n", "dev", DEV))
    told = refused(home, "playbook", "-i", "hosts", "site.yml", *IDS)
    assert "site.yml:2:3: " in told
    assert "did you mean 'tasks'?" in told


def test_what_include_vars_reads_encrypted_is_not_shown(home: Path) -> None:
    (home / "site.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - include_vars: sealed.yml\n"
    )
    ran = run(home, "playbook", "-i", "hosts", "site.yml", "-o", "jsonl", *IDS)
    assert ran.status == 0, ran.err
    assert "of_file" not in ran.out
    assert "hidden, because it was encrypted" in ran.out


def test_commands_read_encrypted_connection_variables(home: Path) -> None:
    assert (
        run(home, "exec", "-i", "hosts", "-w", "all", *IDS, "--", "echo", "hi").out == "one | hi\n"
    )
    shown = run(home, "inventory", "host", "one", "-i", "hosts", *IDS).document
    assert shown["plain"] == 1
    assert shown["of_group"]["__ansible_vault"].startswith("$ANSIBLE_VAULT;1.2;AES256;prod")
    assert "'ansible_connection' is encrypted" in refused(
        home, "exec", "-i", "hosts", "-w", "all", "--", "true"
    )


def test_what_the_environment_says(home: Path) -> None:
    words = ("playbook", "-i", "hosts", "site.yml", "-e", f"folder={home}")
    both = {"ANSIBLE_VAULT_IDENTITY_LIST": "gone@nowhere,dev@dev.secret"}
    ran = run(home, *words, **both, ANSIBLE_VAULT_PASSWORD_FILE="prod.secret")
    assert ran.status == 0, ran.err
    assert "warning: vault_identity_list: nowhere: No such file" in ran.err


def test_what_settings_files_say(home: Path) -> None:
    words = ("playbook", "-i", "hosts", "site.yml", "-e", f"folder={home}")
    (home / "opsrun.toml").write_text('[playbook]\nvault-id = ["gone@nowhere", "dev@dev.secret"]\n')
    (home / "ansible.cfg").write_text("[defaults]\nvault_password_file = prod.secret\n")
    ran = run(home, *words)
    assert ran.status == 0, ran.err
    assert "warning: --vault-id: nowhere: No such file" in ran.err
    # What is typed is meant.
    assert "--vault-id: nowhere: No such file" in refused(home, *words, "--vault-id", "x@nowhere")


def test_a_pipe_answers_where_there_is_no_terminal(home: Path) -> None:
    (home / "f").write_text(envelope("a: 1\n", "dev", DEV))
    words = ["setsid", "-w", "sh", "-c", f"echo '{DEV.reveal()}' | opsrun vault view -J f"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        words,
        cwd=home,
        capture_output=True,
        env={**os.environ, "PATH": path},
        timeout=LIMIT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"a: 1\n"), done.stderr


def test_there_and_back(home: Path) -> None:
    clear = home / "a.yml"
    clear.write_bytes(b"a: 1\n\xff")
    clear.chmod(0o646)
    assert run(home, "vault", "encrypt", "a.yml", *IDS, "--encrypt-vault-id", "prod").status == 0
    assert clear.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;prod\n")
    assert stat.S_IMODE(clear.stat().st_mode) == 0o646
    assert "it is encrypted already" in refused(home, "vault", "encrypt", "a.yml", *IDS[:2])
    before = clear.read_bytes()
    for command in ("decrypt", "view", "edit"):
        assert "tried dev; none of that id" in refused(home, "vault", command, "a.yml", *IDS[:2])
    assert clear.read_bytes() == before
    assert run(home, "vault", "decrypt", "a.yml", *IDS).status == 0
    assert clear.read_bytes() == b"a: 1\n\xff"
    # Clear text is nobody else's.
    assert stat.S_IMODE(clear.stat().st_mode) == 0o640
    assert "it is not encrypted" in refused(home, "vault", "view", "a.yml", *IDS)


def test_several_files_are_changed_together_or_not_at_all(home: Path) -> None:
    (home / "a").write_text(envelope("A\n", "dev", DEV))
    (home / "b").write_text(envelope("B\n", "prod", PROD))
    (home / "c").write_text("C\n")
    before = {name: (home / name).read_bytes() for name in "abc"}
    rekey = ("vault", "rekey", "--new-vault-id", "new@prod.secret")
    assert "tried dev" in refused(home, *rekey, "a", "b", *IDS[:2])
    assert "c: it is not encrypted" in refused(home, *rekey, "a", "c", *IDS)
    assert "a: it is encrypted already" in refused(home, "vault", "encrypt", "c", "a", *IDS[:2])
    assert {name: (home / name).read_bytes() for name in "abc"} == before
    assert run(home, *rekey, "a", "b", *IDS).status == 0
    for name, clear in (("a", "A\n"), ("b", "B\n")):
        assert (home / name).read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;new\n")
        assert run(home, "vault", "view", name, "--vault-id", "prod.secret").out == clear


def test_standard_input_and_output(home: Path) -> None:
    made = run(home, "vault", "encrypt", *IDS[:2], stdin=b"in\n")
    assert made.out.startswith("$ANSIBLE_VAULT;1.2;AES256;dev\n")
    back = run(home, "vault", "decrypt", "-", *IDS, stdin=made.out.encode())
    assert back.out == "in\n"
    run(home, "vault", "decrypt", *IDS, "--output", "out", stdin=made.out.encode())
    assert ((home / "out").read_text(), (home / "out").stat().st_mode & 0o777) == ("in\n", 0o600)
    assert "no vault secret is at hand" in refused(home, "vault", "encrypt", stdin=b"in\n")


def test_strings_can_be_pasted(home: Path) -> None:
    words = ("vault", "encrypt-string", *IDS[:2], "first", "second", "-n", "one")
    made = run(home, *words, "--stdin-name", "odd: name", stdin=b"third\n").out
    assert [line for line in made.splitlines() if "!vault" in line] == [
        '"odd: name": !vault |',
        "one: !vault |",
        "!vault |",
    ]
    (home / "group_vars/all.yml").write_text(
        "ansible_connection: local\n" + made.rpartition("!v")[0]
    )
    (home / "site.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - debug: {msg: \"{{ one }}+{{ vars['odd: name'] }}\"}\n"
    )
    ran = run(home, "playbook", "-i", "hosts", "site.yml", "-o", "ansible", *IDS)
    assert '"msg": "first+third\\n"' in ran.out
    assert "3 names (-n) and 2 texts" in refused(home, *words, "-n", "two", "-n", "three")
    assert "a text to encrypt is empty" in refused(home, *words, "")


def test_editing(home: Path) -> None:
    (home / "editor").write_text('#!/bin/sh\necho "added: ${MORE}" >>"$1"\n')
    (home / "editor").chmod(0o700)
    edit = {"EDITOR": str(home / "editor")}
    assert run(home, "vault", "create", "new.yml", *IDS[:2], **edit, MORE="1").status == 0
    assert (home / "new.yml").stat().st_mode & 0o777 == 0o600
    assert run(home, "vault", "edit", "new.yml", *IDS, **edit, MORE="2").status == 0
    assert run(home, "vault", "view", "new.yml", *IDS).out == "added: 1\nadded: 2\n"
    assert (home / "new.yml").read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;dev\n")
    before = (home / "new.yml").read_bytes()
    assert run(home, "vault", "edit", "new.yml", *IDS, EDITOR="true").status == 0
    assert "ended with status 1" in refused(home, "vault", "edit", "new.yml", *IDS, EDITOR="false")
    assert (home / "new.yml").read_bytes() == before
    assert "it is there already" in refused(home, "vault", "create", "new.yml", *IDS[:2])
    assert "there is no directory" in refused(home, "vault", "create", "x/new.yml", *IDS[:2])


def test_a_new_password_is_typed_twice(home: Path) -> None:
    (home / "f").write_text("a: 1\n")
    with typing_at("vault", "encrypt", home / "f") as terminal:
        terminal.wait_for("New vault password: ")
        assert not terminal.echoes()
        terminal.type("typed\r")
        terminal.wait_for("The same again: ")
        terminal.type("typde\r")
        assert terminal.status() == 2
    assert "the two passwords differ" in terminal.seen
    assert (home / "f").read_text() == "a: 1\n"
    with typing_at("vault", "encrypt", home / "f", "--vault-id", "me@prompt") as terminal:
        for question in ("New vault password (me): ", "The same again (me): "):
            terminal.wait_for(question)
            terminal.type("typed\r")
        assert terminal.status() == 0
    with typing_at("vault", "view", home / "f") as terminal:
        terminal.wait_for("Vault password: ")
        terminal.type("typed\r")
        assert terminal.status() == 0
    assert "a: 1" in terminal.seen


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("vault", "encrypt", "site.yml", *IDS), "which secret encrypts: dev, prod?"),
        (("vault", "encrypt", "gone", *IDS[:2]), "gone: No such file"),
        (("vault", "encrypt", "site.yml", "hosts", "--output", "x", *IDS[:2]), "and there are 2"),
        (
            ("vault", "encrypt", "site.yml", *IDS, "--encrypt-vault-id", "prd"),
            "did you mean 'prod'",
        ),
        (
            ("vault", "rekey", "sealed.yml", *IDS, "--new-vault-id", "x@gone"),
            "--new-vault-id: gone",
        ),
        (("vault", "view", "sealed.yml", "--vault-id", "a;b@x"), "'a;b' can't be a vault id"),
    ],
)
def test_mistakes(home: Path, words: tuple[str, ...], message: str) -> None:
    assert message in refused(home, *words)


def test_ansible_vault_and_its_settings(home: Path) -> None:
    assert opsrun("compat", home / "bin").status == 0
    (home / "ansible.cfg").write_text("[defaults]\nvault_password_file = dev.secret\n")
    (home / "f").write_text(envelope("a: 1\n", "dev", DEV))

    def run_as(*words: str) -> subprocess.CompletedProcess[str]:
        program = str(home / "bin" / words[0])
        return subprocess.run(
            [program, *words[1:]],
            cwd=home,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    assert run_as("ansible-vault", "view", "f").stdout == "a: 1\n"
    made = run_as("ansible-vault", "encrypt_string", "x", "--name", "y")
    assert made.stdout.startswith("y: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n")
    assert run_as("ansible-vault", "view", "site.yml").returncode == 1
    words = ("ansible-playbook", "-i", "hosts", "site.yml", "-e", f"folder={home}")
    assert run_as(*words, "--vault-id", "prod@prod.secret").returncode == 0
    (home / "site.yml").write_text(envelope(BOOK, "prod", PROD))
    assert run_as(*words).returncode == 1


def test_from_python(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    sources = [f"{name}@{home}/{name}.secret" for name in ("dev", "prod")]
    for vault in ({"dev": DEV.reveal(), "prod": PROD}, VaultSecrets.read(*sources)):
        fleet = Fleet(str(home / "hosts"), vault=vault)
        assert fleet.inventory.host("one").variables["of_group"] == "group"
        assert not any(secret.reveal() in repr(fleet.options) for secret in (DEV, PROD))
        report = fleet.playbook(str(home / "site.yml"), extra_vars={"folder": str(home)})
        assert report.exit_status() == 0
    with pytest.raises(InventoryError, match=r"'of_group' is encrypted .* tried default"):
        _ = Fleet(str(home / "hosts"), vault="wrong").inventory.host("one").variables["of_group"]
    with pytest.raises(UsageError, match="vault: expected a password"):
        Fleet("one,", vault=5)  # type: ignore[arg-type]
