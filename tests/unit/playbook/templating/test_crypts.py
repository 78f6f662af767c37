"""Password hashes, against what other implementations give."""

from __future__ import annotations

import bcrypt
import pytest

from opsrun.playbook.templating import crypts
from opsrun.playbook.templating.filters.passwords import password_hash
from opsrun.playbook.templating.library import PluginError


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
