"""Hashes of web servers' password files, against what other programs have made."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsrun.modules.passwords import crypts, libcrypt
from opsrun.modules.passwords.schemes import SCHEMES, NotMade, TooMuchWork, matches

MADE = [
    # By passlib 1.7.4, of "x".
    "$apr1$YRTrWY0j$92Czaz6jER0dd5b7wGWLO.",
    "$5$rounds=1000$saltsaltsalt$VY5P8UByznBweN/JRiyIWfU/i0N.imnCqcps6OJj4Q0",
    "$6$rounds=1000$salt$dp.sf6xrDVOi6TLP3zDbIJaA6gs0VgRbHlpmjjxGZKgmGeTPVWC8FNtkny4LZetNMVSTwdL6c/OB/cDBZl76V0",
    "$1$1PR4EZVM$y8QMoMupsd6ndKEeoEeP7/",
    "{SHA}EfatjsUqKYSrqv18O1FlA3hcIHI=",
    # By Apache's htpasswd.
    "$2y$04$GK0BJEWxE.3AIOQR5uowVu.L5sN/TRoLZ5d5ID2ieVuCtoyG7ezFO",
    "x",
]
CHEAP = sorted(set(SCHEMES) - {"bcrypt", "des_crypt", "sha256_crypt", "sha512_crypt"})


@pytest.mark.parametrize("made", MADE)
def test_what_others_have_made(made: str) -> None:
    assert matches("x", made)
    assert not matches("y", made)
    assert not matches("", made)


def test_what_this_machines_crypt_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    if libcrypt.hashed(b"x", "ab", 11) is not None:
        assert matches("x", "HrtZWoBSqo0Iw")
        assert matches("x", SCHEMES["des_crypt"]("x"))
    monkeypatch.setattr(libcrypt, "_crypt", lambda: None)
    assert not matches("x", "HrtZWoBSqo0Iw")
    with pytest.raises(NotMade, match="no des_crypt"):
        SCHEMES["des_crypt"]("x")


def test_rounds_may_be_written_where_they_are_the_usual() -> None:
    sum_of = "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
    assert matches("Hello world!", f"$5$saltstring${sum_of}")
    assert matches("Hello world!", f"$5$rounds=5000$saltstring${sum_of}")


@pytest.mark.parametrize("scheme", ["bcrypt", "sha256_crypt", "sha512_crypt"])
def test_what_is_dear_fits_too(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypts, "ROUNDS", {"sha256": 1000, "sha512": 1000, "bcrypt": 4})
    made = SCHEMES[scheme]("pé w")
    assert matches("pé w", made)
    assert not matches("pé", made)


@given(st.sampled_from(CHEAP), st.text(min_size=1, max_size=40), st.text(max_size=40))
@settings(max_examples=40)
def test_each_fits_its_password_alone(scheme: str, password: str, other: str) -> None:
    if scheme == "plaintext" and (password.startswith(("$", "{")) or len(password) == 13):
        return
    made = SCHEMES[scheme](password)
    assert matches(password, made)
    assert matches(other, made) == (other == password)


@pytest.mark.parametrize("kept", ["$6$rounds=99999999$ab$x", "$2y$31$" + "a" * 53])
def test_no_hash_of_the_hosts_keeps_us_for_hours(kept: str) -> None:
    with pytest.raises(TooMuchWork):
        matches("x", kept)


@pytest.mark.parametrize(
    "kept",
    ["", "$", "$apr1$", "$apr1$é$x", "$5$$", "$6$rounds=$a$b", "$2y$12$short", "$2y$03$", "{SHA}"],
)
def test_what_is_no_hash_fits_nothing(kept: str) -> None:
    assert not matches("x", kept)
    assert not matches("\udcff", kept)
