"""Ansible's vault format, both ways; the files in ``recorded`` are ansible-vault 2.18's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.vaults import PASSWORD, VAULT, envelope

from opsrun.errors import InputError, UsageError
from opsrun.secret import Secret
from opsrun.vault.envelope import Damaged, is_label, is_sealed, parse, written
from opsrun.vault.vault import Vault, VaultSecrets, sealed

RECORDED = Path(__file__).parent / "recorded"
CLEAR = {
    "plain.yml": b'a: 1\nb: [x, "{{ y }}"]\n',
    "unicode.txt": "grüße \U0001f40d\n".encode(),
    "binary.bin": b"\x00\xff\xfe binary \x80",
    "empty.txt": b"",
    "block.txt": b"0123456789abcdef",
}
FEW = settings(max_examples=25, deadline=None)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("name", CLEAR)
def test_what_ansible_vault_wrote_is_read(name: str, version: str) -> None:
    data = (RECORDED / f"{name}.{version}").read_bytes()
    assert is_sealed(data)
    assert VAULT.open(data) == CLEAR[name]
    label = parse(data.decode()).label
    assert label == ("a label" if version == "1.2" else "default")


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("name", CLEAR)
def test_what_is_written_is_what_ansible_vault_would_write(name: str, version: str) -> None:
    text = (RECORDED / f"{name}.{version}").read_text()
    taken = parse(text)
    assert written(taken) == text
    # With its salt the whole text comes out the same: keys, padding, HMAC and layout are right.
    assert sealed(CLEAR[name], PASSWORD, taken.label, salt=taken.salt) == text


@FEW
@given(st.binary(max_size=200), st.text(max_size=30), st.from_regex(r"\A[a-z][a-z0-9 _.-]*[a-z]\Z"))
def test_what_was_encrypted_comes_back(data: bytes, password: str, label: str) -> None:
    secret = Secret(password)
    text = sealed(data, secret, label)
    vault = Vault(VaultSecrets(((label, secret),)))
    assert vault.open(text) == data
    assert vault.opened_by(text) == (data, label, secret)
    assert text.endswith("\n")
    assert max(map(len, text.splitlines()[1:])) <= 80


def test_each_text_has_a_salt_of_its_own() -> None:
    texts = {sealed(b"the same", PASSWORD) for _ in range(3)}
    assert len(texts) == 3
    assert all(len(parse(text).salt) == 32 for text in texts)


def opened_or_told(text: str) -> bytes:
    try:
        return VAULT.open(text, path="f.yml")
    except InputError as error:
        return str(error).encode()


@FEW
@given(st.data())
def test_damaged_texts_are_told_or_refused(data: st.DataObject) -> None:
    text = envelope("a secret that is somewhat longer than a block", "dev")
    at = data.draw(st.integers(0, len(text) - 1))
    kind = data.draw(st.sampled_from(("cut", "replaced", "removed", "doubled")))
    new = data.draw(st.characters(codec="utf-8"))
    damaged = {
        "cut": text[:at],
        "replaced": text[:at] + new + text[at + 1 :],
        "removed": text[:at] + text[at + 1 :],
        "doubled": text[: at + 1] + text[at:],
    }[kind]
    # Blanks, ends of lines, the case of digits and the label are no part of what is secured.
    made = opened_or_told(damaged)
    assert made == b"a secret that is somewhat longer than a block" or made.startswith(b"f.yml")


@FEW
@given(st.text(max_size=200), st.booleans())
def test_no_text_at_all_is_a_crash(text: str, headed: bool) -> None:
    text = ("$ANSIBLE_VAULT;1.1;AES256\n" if headed else "$ANSIBLE_VAULT") + text
    with pytest.raises(InputError):
        VAULT.open(text)
    with pytest.raises(InputError):
        VAULT.text(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("", "expected a first line that begins with", 1),
        ("$ANSIBLE_VAULT", "the first line is cut off", 1),
        ("$ANSIBLE_VAULT;1.0;AES\n00", "version '1.0' of the format; 1.1 and 1.2", 1),
        ("$ANSIBLE_VAULT;1.1;AES\n00", "cipher 'AES' is unknown; did you mean 'AES256'", 1),
        ("$ANSIBLE_VAULT;1.1;AES256 3132 3334", "write `!vault |`", 1),
        ("$ANSIBLE_VAULT;1.1;AES256\n\n", "nothing stands behind its first line", 1),
        ("$ANSIBLE_VAULT;1.1;AES256\n3132\n33x4", "hexadecimal digits, found 'x'", 3),
        ("$ANSIBLE_VAULT;1.1;AES256\n313", "an odd number of digits", 1),
        ("$ANSIBLE_VAULT;1.1;AES256\n3132\n3334", "expected salt, HMAC and ciphertext", 3),
        ("$ANSIBLE_VAULT;1.1;AES256\n610a620a63", "the salt is cut off or damaged", 1),
        ("$ANSIBLE_VAULT;1.1;AES256\n61610a61610a6161", "salt, HMAC or ciphertext is cut off", 2),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str, line: int) -> None:
    with pytest.raises(Damaged) as caught:
        parse(text)
    assert words in str(caught.value)
    assert caught.value.line == line


def test_the_layout_in_yaml_may_be_another() -> None:
    text = envelope("x")
    for other in (text.replace("\n", "\r\n"), "\n".join(f"   {s}" for s in text.splitlines())):
        assert VAULT.open(other) == b"x"
    assert VAULT.open(text.upper().replace(";DEV", ";dev")) == b"x"


@pytest.mark.parametrize("label", ["a;b", "", "a\nb", " a", "\x1b[0m"])
def test_labels_that_can_be_none(label: str) -> None:
    assert not is_label(label)
    with pytest.raises(UsageError, match="can't be a vault id"):
        sealed(b"x", PASSWORD, label)


def test_what_is_no_text_is_said() -> None:
    text = envelope(b"\xff\xfe")
    with pytest.raises(InputError, match=r"v\.yml:7: 'key' is encrypted, .*no text \(UTF-8\)"):
        VAULT.text(text, path="v.yml", line=7, what="'key'")


def test_the_hmac_is_looked_at_before_anything_is_decrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = parse(envelope("x"))
    flipped = bytes([taken.mac[0] ^ 1]) + taken.mac[1:]
    text = written(type(taken)(taken.label, taken.salt, flipped, taken.ciphertext))
    monkeypatch.setattr("opsrun.vault.cipher._streamed", None)
    with pytest.raises(InputError, match="no secret opens it, or it is damaged"):
        VAULT.open(text)
