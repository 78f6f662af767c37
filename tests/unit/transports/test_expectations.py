"""Lists of expected host keys."""

from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import ConfigError
from opsrun.transports.hostkeys.expect import Expectations
from opsrun.transports.hostkeys.lines import fingerprint, hashed_field


def key(seed: bytes) -> bytes:
    kind = b"ssh-ed25519"
    return len(kind).to_bytes(4, "big") + kind + b"\0\0\0\x20" + seed.ljust(32, b".")


def line(names: str, blob: bytes) -> str:
    return f"{names} ssh-ed25519 {base64.b64encode(blob).decode()}"


ONE, OTHER = key(b"one"), key(b"other")


@pytest.mark.parametrize(
    ("text", "names", "accepted"),
    [
        (fingerprint(ONE), ["anybody"], True),
        (fingerprint(OTHER), ["anybody"], False),
        (f"{fingerprint(ONE)} # from the console", ["anybody"], True),
        (f"{fingerprint(ONE)}=", ["anybody"], True),
        (f"Web01 {fingerprint(ONE)}", ["web01"], True),
        (f"web01 {fingerprint(ONE)}", ["web02"], False),
        (f"web*,!web02 {fingerprint(ONE)}", ["web01"], True),
        (f"web*,!web02 {fingerprint(ONE)}", ["web02"], False),
        (line("[10.0.0.1]:2222", ONE) + " a comment", ["[10.0.0.1]:2222", "web01"], True),
        (line("web01,web02", ONE), ["web02"], True),
        (line("web01", OTHER), ["web01"], False),
        (line(hashed_field("web01"), ONE), ["10.0.0.1", "web01"], True),
        (line(hashed_field("web01"), ONE), ["web02"], False),
        (f"{line('*', ONE)}\n@revoked {line('web01', ONE)}", ["web01"], False),
        (f"{line('*', ONE)}\n@revoked {line('web01', ONE)}", ["web02"], True),
    ],
)
def test_a_key_is_accepted_of_whom_it_is_expected(
    text: str, names: list[str], accepted: bool
) -> None:
    found = Expectations.parse(f"\n# a list\n{text}\r\n", "list")
    assert found.accept(names, ONE) is accepted


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("web01 SHA256:short", 7, "43 characters"),
        (f"256 {fingerprint(ONE)} web01 (ED25519)", 52 + 4, "one word too many"),
        ("web01 ssh-ed25519", 1, "expected names, key type and key"),
        ("web01 ssh-rsa " + base64.b64encode(ONE).decode(), 1, "not of type ssh-rsa"),
        ("@cert-authority " + line("*", ONE), 1, "certificate authority"),
        ("web01", 1, "HOST SHA256:"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(text: str, column: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Expectations.parse(f"# a list\n{text}\n", "list")
    error = caught.value
    assert words in error.message
    assert (error.path, error.line, error.column) == ("list", 2, column)


def test_a_list_without_keys_or_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no key in it"):
        Expectations.parse("# nothing\n\n", "list")
    with pytest.raises(ConfigError, match="No such file"):
        Expectations.read(str(tmp_path / "none"))


@given(st.text())
def test_any_text_is_a_list_or_one_error(text: str) -> None:
    with suppress(ConfigError):
        assert Expectations.parse(text, "list").lines
