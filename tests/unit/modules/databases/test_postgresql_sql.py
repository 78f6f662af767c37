"""SQL put together and taken apart, verifiers of passwords, values; all of it pure."""

from __future__ import annotations

import base64
import doctest
import hmac
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import UsageError
from opsrun.modules.base import ModuleError
from opsrun.modules.databases import postgres_privileges, quoting, verifiers
from opsrun.modules.databases.quoting import adapted, array, filled, identifier, literal
from opsrun.modules.databases.splitting import statements
from opsrun.modules.databases.values import records, typed

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def _read(constant: str) -> str:
    """A constant as the server reads it."""
    escaped = constant.startswith("E")
    inner = constant.removeprefix("E")[1:-1].replace("''", "'")
    if not escaped:
        return inner
    found, at = [], 0
    while at < len(inner):
        if inner[at] != "\\":
            found.append(inner[at])
            at += 1
        elif inner[at + 1] == "x":
            found.append(chr(int(inner[at + 2 : at + 4], 16)))
            at += 4
        else:
            found.append({"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}[inner[at + 1]])
            at += 2
    return "".join(found)


def test_the_examples() -> None:
    assert doctest.testmod(quoting).failed == 0


@given(TEXT)
def test_texts_are_one_constant_on_one_line(text: str) -> None:
    made = literal(text)
    assert _read(made) == text
    assert not set(made) & {"\n", "\r"}
    found = statements(f"SELECT {made}")
    assert found is not None
    assert [each.shown for each in found] == [f"SELECT {made}"]


@given(TEXT.filter(bool))
def test_names_are_one_name(name: str) -> None:
    found = statements(f"DROP USER {identifier(name)}")
    assert found is not None
    assert len(found) == 1


@given(st.lists(st.one_of(TEXT, st.none(), st.booleans(), st.integers())))
def test_lists_come_back_from_arrays(values: list[Any]) -> None:
    shown = [str(each).lower() if isinstance(each, bool) else each for each in values]
    wanted = [str(each) if isinstance(each, int) else each for each in shown]
    assert typed(array(values), "text[]") == wanted


@pytest.mark.parametrize("text", ["a\0b", "\udcff"])
def test_what_no_text_of_the_servers_can_be(text: str) -> None:
    for quote in (literal, identifier):
        with pytest.raises(UsageError):
            quote(text)


def test_values_in_sql() -> None:
    values = [None, True, 5, -5, 1.5, "x", [1, None, 'a"b']]
    shown = ["NULL", "true", "5", " -5", "1.5", "'x'", 'E\'{1,NULL,"a\\\\"b"}\'']
    assert [adapted(each) for each in values] == shown
    assert adapted(math.inf) == "'Infinity'::float"
    with pytest.raises(UsageError, match="to_json"):
        adapted({})


def test_arguments_in_their_places() -> None:
    assert filled("a %s %% %s", [1, "%s"], None) == "a 1 % '%s'"
    assert filled("%(b)s %(a)s %(b)s", None, {"a": 1, "b": 2}) == "2 1 2"
    assert filled("5 % 3", None, None) == "5 % 3"


@pytest.mark.parametrize(
    ("query", "positional", "named", "words"),
    [
        ("%s %s", [1], None, "more places"),
        ("%s", [1, 2], None, "more positional_args"),
        ("%(a)s", None, {"b": 1}, "'a'"),
        ("5 % 3 %s", [1], None, "%% stands for"),
        ("%s", None, {"b": 1}, "none of their places"),
    ],
)
def test_arguments_that_do_not_fit(query: str, positional: Any, named: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        filled(query, positional, named)


def test_where_statements_end() -> None:
    text = """-- a ; b
    SELECT ';' AS ";", $x$ ; $y$ $x$, E'\\'; ', (1); /* ; /* ; */ ; */ WITH q AS (DELETE FROM t
    RETURNING i) INSERT INTO u SELECT a[1:n], b::int FROM q; """
    found = statements(text)
    assert found is not None
    assert [each.words for each in found] == [("SELECT", "AS"), ("WITH", "Q")]
    assert [each.verb for each in found] == ["SELECT", "INSERT"]
    assert "a[1: n], b::int" in found[1].shown
    assert text[found[1].begin :].startswith("WITH q")


@pytest.mark.parametrize("text", ["SELECT 1 \\q", "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END"])
def test_what_can_not_be_told(text: str) -> None:
    assert statements(text) is None


@given(st.text(alphabet="ab'\"$;:\\/*-\n ()eE[]"))
def test_any_text_is_taken_apart(text: str) -> None:
    found = statements(text)
    if found is not None and not {"\\", ":"} & set(text):
        assert all(text[each.begin] not in " \n;" for each in found)


@given(TEXT.filter(bool), TEXT.filter(bool))
def test_verifiers_hold_their_password_alone(password: str, other: str) -> None:
    made = verifiers.scram(password, b"0123456789abcdef", 1)
    if verifiers.is_verifier(password):
        return
    assert verifiers.is_verifier(made)
    assert verifiers.holds(made, password, "r")
    if verifiers._prepared(password) != verifiers._prepared(other):
        assert not verifiers.holds(made, other, "r")
    assert verifiers.holds(verifiers.md5(password, "r"), password, "r")
    assert not verifiers.holds(verifiers.md5(password, "r"), password, "s")


def test_the_exchange_of_rfc_7677() -> None:
    """Its server signature, from the keys of our verifier."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    server = verifiers.scram("pencil", salt, 4096).rpartition(":")[2]
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    first = "n=user,r=rOprNGfwEbeRWgbNEkqO"
    said = f"{first},r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
    signature = hmac.digest(base64.b64decode(server), said.encode(), "sha256")
    assert base64.b64encode(signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_verifiers_that_stay_as_they_are() -> None:
    for each in ("md5" + 32 * "0", verifiers.scram("x", b"1", 1)):
        assert verifiers.made(each, "r", "scram-sha-256") == each
        assert verifiers.holds(each, each, "r")
    assert verifiers.holds(None, "", "r")
    assert not verifiers.holds(None, "x", "r")
    assert not verifiers.holds(
        "SCRAM-SHA-256$999999999:AA==$" + "A" * 44 + ":" + "A" * 44, "x", "r"
    )


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12", "bigint", 12),
        ("1.50", "numeric(10,2)", 1.5),
        ("NaN", "double precision", "NaN"),
        ("t", "boolean", True),
        ("f", "boolean", False),
        ('{"a": 1}', "jsonb", {"a": 1}),
        ("{{1,2},{3,NULL}}", "integer[]", [[1, 2], [3, None]]),
        ("[0:1]={1,2}", "integer[]", [1, 2]),
        ("{}", "text[]", []),
        (
            "2020-01-02 03:04:05.5+00",
            "timestamp with time zone",
            "2020-01-02T03:04:05.500000+00:00",
        ),
        ("infinity", "timestamp without time zone", "infinity"),
        ("(1,2)", "point", "(1,2)"),
        (None, "integer", None),
    ],
)
def test_values_and_their_types(text: str | None, kind: str, value: Any) -> None:
    assert typed(text, kind) == value


def test_records() -> None:
    text = 'a,b\n"x\n""y""",\n,z\n'
    assert [each for each, _ in records(text)] == [["a", "b"], ['x\n"y"', ""], ["", "z"]]


def test_privileges() -> None:
    found = postgres_privileges.parsed("CONNECT/temp/s.t:select,INSERT/t:ALL")
    assert found.database == ("CONNECT", "TEMPORARY")
    assert found.tables[0] == ("s.t", ("SELECT", "INSERT"))
    assert len(found.tables[1][1]) == 7
    with pytest.raises(ModuleError, match="did you mean 'SELECT'"):
        postgres_privileges.parsed("t:SELCT")
