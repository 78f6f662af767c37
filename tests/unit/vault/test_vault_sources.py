"""Where secrets come from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.vaults import PASSWORD, envelope

from opsrun.errors import ConfigError, UsageError
from opsrun.secret import Secret
from opsrun.vault.sources import Source, read_secrets, sources_of
from opsrun.vault.vault import VaultSecrets


def nobody(words: str) -> Secret | None:
    return None


def script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return str(path)


def typing(*answers: str) -> tuple[Callable[[str], Secret | None], list[str]]:
    asked: list[str] = []
    left = list(answers)

    def prompt(words: str) -> Secret | None:
        asked.append(words)
        return Secret(left.pop(0))

    return prompt, asked


def only(place: str, label: str = "default") -> str:
    """The one secret of a source."""
    ((found, secret),) = read_secrets([Source(label, place)], nobody).entries
    assert found == label
    return secret.reveal()


def test_how_sources_are_written() -> None:
    assert Source.of("dev@~/x") == Source("dev", "~/x")
    assert Source.of("pw") == Source("default", "pw")
    assert Source.of("@pw") == Source("default", "pw")
    assert Source.of("a@b@c") == Source("a", "b@c")
    assert Source.of("dev@prompt").is_prompt
    assert Source.of("prompt").is_prompt
    for wrong in ("dev@", "", " "):
        with pytest.raises(UsageError, match="expected LABEL@SOURCE or a file"):
            Source.of(wrong)
    with pytest.raises(UsageError, match=r"'a;b' can't be a vault id: .* without ';'"):
        Source.of("a;b@pw")


def test_their_order_and_that_each_counts_once() -> None:
    found = sources_of(
        ["a@1", "2", "l@3"],
        ["2"],
        ask=True,
        identity_list=["l@3", " m@4", ""],
        default_file="5",
        default_label="x",
    )
    assert [(each.label, each.place, each.optional) for each in found] == [
        ("l", "3", True),
        ("m", "4", True),
        ("a", "1", False),
        ("x", "2", False),
        ("x", "5", True),
        ("x", "prompt", False),
    ]
    assert sources_of() == ()


def test_white_space_around_a_files_secret_is_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "pw").write_bytes(b"  a b\xff \n\n")
    assert only(str(tmp_path / "pw")) == "a b\udcff"


def test_of_a_programs_secret_only_ends_of_lines_are_none(tmp_path: Path) -> None:
    path = script(tmp_path / "pw.sh", f"[ $# = 0 ] && echo $PWD > {tmp_path}/where; echo '  a  '")
    assert only(path) == "  a  "
    assert (tmp_path / "where").exists()


@pytest.mark.parametrize("name", ["pass-client", "pass-client.py", "pass-client.x.sh"])
def test_a_client_is_told_for_which_id(tmp_path: Path, name: str) -> None:
    path = script(tmp_path / name, 'echo "for $*"')
    is_client = name != "pass-client.x.sh"
    assert only(path, "lab") == ("for --vault-id lab" if is_client else "for ")


def test_relative_paths_and_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    script(tmp_path / "pw.sh", "echo program")
    (tmp_path / "pw").write_text("file")
    sources = [Source("a", "pw.sh"), Source("b", "~/pw"), Source("c", "~/pw.sh")]
    found = read_secrets(sources, nobody, str(tmp_path))
    assert [secret.reveal() for _, secret in found.entries] == ["program", "file", "program"]


def test_a_pipe_will_do(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"from a pipe\n")
    os.close(theirs)
    try:
        assert only(f"/dev/fd/{ours}") == "from a pipe"
    finally:
        os.close(ours)


def test_a_file_that_is_encrypted_needs_a_secret_before_it(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(PASSWORD.reveal())
    (tmp_path / "second").write_text(envelope(" inner \n"))
    first, second = Source("dev", str(tmp_path / "pw")), Source("in", str(tmp_path / "second"))
    found = read_secrets([first, second], nobody)
    assert [secret.reveal() for _, secret in found.entries] == [PASSWORD.reveal(), "inner"]
    with pytest.raises(ConfigError, match="no secret is at hand"):
        read_secrets([second], nobody)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "x: No such file or directory"),
        (lambda path: path.mkdir(), "x is a directory"),
        (lambda path: path.write_text(" \n"), "x: there is no secret in it"),
        (lambda path: script(path, "exit 0"), "x: there is no secret in it"),
        (lambda path: script(path, "echo secret; exit 3"), "x ended with status 3: no secret for"),
        (lambda path: script(path, "kill -9 $$"), "x was killed by signal 9"),
        (lambda path: (path.write_text("no program"), path.chmod(0o700)), "x: Exec format error"),
    ],
)
def test_sources_that_have_none(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    make(tmp_path / "x")
    with pytest.raises(UsageError) as caught:
        read_secrets([Source.of("dev@x")], nobody, str(tmp_path))
    assert str(caught.value).startswith("--vault-id: ")
    assert words in str(caught.value)
    assert caught.value.__cause__ is None


def test_optional_ones_are_told_and_passed_over(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("here")
    listed = sources_of(identity_list=["a@missing", "b@pw"], default_file="gone")
    told: list[str] = []
    found = read_secrets(listed, nobody, str(tmp_path), warn=told.append)
    assert found.labels == ("b",)
    assert ["missing: No such file" in told[0], "gone: No such file" in told[1]] == [True, True]
    with pytest.raises(UsageError, match="vault_identity_list: missing: No such file"):
        read_secrets(listed[:1], nobody, str(tmp_path))


def test_prompts_name_the_label() -> None:
    prompt, asked = typing("a", "b")
    found = read_secrets([Source("dev", "prompt"), Source("default", "prompt")], prompt)
    assert asked == ["Vault password (dev): ", "Vault password: "]
    assert found == VaultSecrets((("dev", Secret("a")), ("default", Secret("b"))))


def test_a_new_password_is_asked_for_twice() -> None:
    prompt, asked = typing("a", "a")
    assert read_secrets([Source("dev", "prompt")], prompt, new=True).entries[0][1] == Secret("a")
    assert asked == ["New vault password (dev): ", "The same again (dev): "]
    prompt, _ = typing("a", "b")
    with pytest.raises(UsageError, match="the two passwords differ"):
        read_secrets([Source("dev", "prompt")], prompt, new=True)


def test_nobody_to_ask_and_nothing_said() -> None:
    with pytest.raises(UsageError, match="no terminal to ask"):
        read_secrets([Source("dev", "prompt")], nobody)
    with pytest.raises(UsageError, match="is empty"):
        read_secrets([Source("dev", "prompt")], typing("")[0])


def test_scripts_of_the_library_read_sources_too(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("here")
    path = script(tmp_path / "pw-client.sh", 'echo "$2"')
    found = VaultSecrets.read(f"dev@{tmp_path / 'pw'}", f"prod@{path}")
    assert found == VaultSecrets((("dev", Secret("here")), ("prod", Secret("prod"))))
