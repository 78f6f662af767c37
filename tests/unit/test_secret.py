"""A secret shows nowhere but where it is revealed."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from dataclasses import asdict, dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.secret import MASK, Secret

CANARY = "hunter2-canary"


@dataclass(frozen=True)
class Holder:
    password: Secret
    user: str = "alice"


def test_every_way_of_printing_gives_the_mask() -> None:
    secret = Secret(CANARY)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>3}",
        f"{secret!r}",
        "%s %r" % (secret, secret),  # noqa: UP031
        "{}".format(secret),  # noqa: UP032
        repr([secret]),
        repr({"password": secret}),
        repr(Holder(secret)),
        repr(asdict(Holder(secret))),
        repr(replace(Holder(secret), user="bob")),
        repr(ValueError(secret)),
    ]
    for text in shown:
        assert CANARY not in text
        assert MASK in text
    assert secret.reveal() == CANARY


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_never_leaves_the_process(protocol: int) -> None:
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(Holder(Secret(CANARY)), protocol)


def test_json_refuses_it_without_showing_it() -> None:
    with pytest.raises(TypeError) as caught:
        json.dumps({"password": Secret(CANARY)})
    assert CANARY not in str(caught.value)


def test_copies_are_the_same_object() -> None:
    secret = Secret(CANARY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_logging_shows_the_mask(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("password %s, %r", Secret(CANARY), Secret(CANARY))
    assert CANARY not in caplog.text
    assert caplog.messages == [f"password {MASK}, {MASK}"]


def test_it_has_no_attribute_dictionary() -> None:
    with pytest.raises(TypeError):
        vars(Secret(CANARY))


@given(st.text(), st.text())
def test_equal_and_hash_like_their_text(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) is (one == other)
    assert Secret(one) != one
    assert hash(Secret(one)) == hash(Secret(one))
    assert bool(Secret(one)) is bool(one)
