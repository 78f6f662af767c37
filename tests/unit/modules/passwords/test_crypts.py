"""Password hashes, against what other implementations give."""

from __future__ import annotations

from collections.abc import Iterator

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsrun.modules.passwords import crypts, libcrypt
from opsrun.playbook.templating.filters.passwords import password_hash
from opsrun.playbook.templating.library import PluginError

_LOOKED_UP = libcrypt._crypt.__wrapped__


@pytest.fixture(autouse=True, params=["this machine's", "ours"])
def implementation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test with the machine's library, where there is one, and without."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "ours":
            patch.setattr(libcrypt, "_crypt", lambda: None)
        yield


@pytest.mark.parametrize(
    ("password", "salt", "rounds", "expected"),
    [
        # What the C library's crypt(3) gives.
        (
            "Hello world!",
            "saltstring",
            None,
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI"
            "68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        ),
        (
            "secret",
            "saltsalt",
            1500,
            "$6$rounds=1500$saltsalt$34Syr0FSbWlp9hNFif0BNSVHRPxwiPh79DU920TQC0DoAPilRd9UG4mVZjAS"
            "SDEENmIuJl1xJneHoAcjNgCp00",
        ),
    ],
)
def test_sha512(password: str, salt: str, rounds: int | None, expected: str) -> None:
    assert crypts.SHA512.hashed(password, salt, rounds) == expected


def test_sha256() -> None:
    expected = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
    assert crypts.SHA256.hashed("Hello world!", "saltstring") == expected
    assert (
        crypts.SHA256.hashed("secret", "saltsalt", 1500)
        == "$5$rounds=1500$saltsalt$.QN5EFjREHzaSPVbD8IpSpN3dAhUi.iLmQ7MnxmN/hB"
    )


def test_md5() -> None:
    assert password_hash("secret", "md5", "saltsalt") == "$1$saltsalt$9xy1btjgzLYfb7hivXtC//"
    assert password_hash("secret", "md5", "abc") == "$1$abc$iCQ2D3nhptRYi27fDYv2s1"


def test_bcrypt_can_be_checked_by_others() -> None:
    made = password_hash("secret", "blowfish", rounds=4)
    assert bcrypt.checkpw(b"secret", made.encode())
    assert password_hash("secret", "bcrypt", "1234567890123456789012", rounds=4).startswith(
        "$2b$04$123456789012345678901u"
    )


def test_a_salt_of_its_own_for_each() -> None:
    first = password_hash("secret", "sha512", rounds=1000)
    assert first != password_hash("secret", "sha512", rounds=1000)
    assert len(first) == len("$6$rounds=1000$") + 16 + 1 + 86


@pytest.mark.parametrize(
    "options",
    [
        {"salt": "bad salt"},
        {"salt": "x" * 17},
        {"rounds": 100},
        {"rounds": "many"},
        {"hashtype": "des"},
        {"hashtype": "md5", "rounds": 5},
        {"hashtype": "bcrypt", "salt": "short"},
    ],
)
def test_what_would_not_be_a_hash_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(PluginError):
        password_hash("secret", **options)  # type: ignore[arg-type]


@given(
    st.sampled_from([crypts.SHA256, crypts.SHA512]),
    st.text(max_size=200),
    st.text(alphabet=crypts.ALPHABET, max_size=16),
    st.integers(1000, 1100),
)
@settings(max_examples=25)
def test_both_implementations_agree(
    kind: crypts.ShaCrypt, password: str, salt: str, rounds: int
) -> None:
    found = kind.hashed(password, salt, rounds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libcrypt, "_crypt", lambda: None)
        assert kind.hashed(password, salt, rounds) == found


def test_what_the_library_cannot_take_is_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def refuses(secret: bytes, setting: bytes) -> bytes:
        asked.append(secret)
        return b"*0"

    monkeypatch.setattr(libcrypt, "_crypt", lambda: refuses)
    for password in ("a\0b", "x" * 600, "fine"):
        assert len(crypts.SHA512.hashed(password, "saltsalt", 1000)) > 86
    assert asked == [b"fine"]


def test_a_machine_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcrypt, "_LIBRARIES", ("no-such-library.so",))
    assert _LOOKED_UP() is None
