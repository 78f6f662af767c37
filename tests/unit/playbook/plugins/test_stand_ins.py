"""What stands in for ansible-core does what plugins expect of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.playbook.plugins.stand_ins import (
    collections,
    display,
    errors,
    find,
    six,
    text,
    transformations,
    truth,
    validation,
    versions,
    yaml_and_json,
)


@given(
    st.text(), st.sampled_from([None, "strict", "surrogate_or_strict", "surrogate_then_replace"])
)
def test_text_there_and_back(value: str, how: str | None) -> None:
    how = None if how == "surrogate_then_replace" else how
    try:
        data = text.to_bytes(value, errors=how)
    except UnicodeEncodeError:
        assert any("\ud800" <= each <= "\udfff" for each in value)
        return
    assert text.to_text(data, errors=how) == value
    assert text.to_native(value) is value


def test_what_is_no_text() -> None:
    assert text.to_text(5) == "5"
    assert text.to_bytes([1]) == b"[1]"
    assert text.to_text(5, nonstring="passthru") == 5
    assert text.to_bytes(5, nonstring="empty") == b""
    with pytest.raises(TypeError, match="expected text or bytes"):
        text.to_text(5, nonstring="strict")
    assert text.container_to_text({b"a": [b"b", 1]}) == {"a": ["b", 1]}


@pytest.mark.parametrize(
    ("value", "expected"), [("Yes", True), ("off", False), (1, True), (0.0, False), (" t ", True)]
)
def test_truth(value: Any, expected: bool) -> None:
    assert truth.boolean(value) is expected


@pytest.mark.parametrize("value", ["maybe", 2, [], None])
def test_what_is_neither_yes_nor_no(value: Any) -> None:
    with pytest.raises(TypeError, match="expected yes or no"):
        truth.boolean(value)
    assert truth.boolean(value, strict=False) is False


def test_containers() -> None:
    assert collections.is_sequence([1])
    assert not collections.is_sequence("a")
    assert collections.is_sequence("a", include_strings=True)
    assert collections.is_iterable({1})
    assert not collections.is_iterable(b"a")
    fixed = collections.ImmutableDict(a=1)
    assert fixed.union({"b": 2}).difference(["a"]) == {"b": 2}
    assert {fixed: 1}[collections.ImmutableDict(a=1)] == 1
    assert collections.count("aba") == {"a": 2, "b": 1}


def test_two_pythons() -> None:
    assert list(six.iteritems({1: 2})) == [(1, 2)]
    assert isinstance("a", six.string_types)
    assert six.ensure_text(b"a") == "a"

    class Meta(type):
        pass

    assert type(six.add_metaclass(Meta)(type("A", (), {}))) is Meta
    assert isinstance(six.with_metaclass(Meta, object), Meta)
    with pytest.raises(ValueError, match="a") as caught:
        six.raise_from(ValueError("a"), KeyError("b"))
    assert isinstance(caught.value.__cause__, KeyError)


def test_errors_are_their_words() -> None:
    error = errors.AnsibleFilterError("no good", orig_exc=ValueError("x"))
    assert (str(error), error.message) == ("no good", "no good")
    assert str(errors.AnsibleFileNotFound(file_name="x")) == "no such file: x"
    assert isinstance(errors.AnsibleLookupError("x"), errors.AnsibleError)


def test_warnings_reach_who_listens() -> None:
    heard: list[str] = []
    told = display.Display()
    told.warning("nobody hears this")
    token = display.TELL.set(heard.append)
    told.warning("a")
    told.deprecated("b", version="3")
    told.vvv("no")
    display.TELL.reset(token)
    assert heard == ["a", "b"]


def test_mappings_put_together() -> None:
    one, two = {"a": {"x": 1}, "b": 1}, {"a": {"y": 2}, "b": 2}
    assert transformations.dict_merge(one, two) == {"a": {"x": 1, "y": 2}, "b": 2}
    assert transformations.merge_hash(one, two) == {"a": {"x": 1, "y": 2}, "b": 2}
    assert transformations.merge_hash(one, two, recursive=False) == {"a": {"y": 2}, "b": 2}
    snake = transformations.camel_dict_to_snake_dict({"someName": [{"HTTPPort": 1}]})
    assert snake == {"some_name": [{"http_port": 1}]}
    assert transformations.snake_dict_to_camel_dict({"some_name": 1}) == {"someName": 1}


def test_types_of_options() -> None:
    assert validation.check_type_int("5") == 5
    assert validation.check_type_list("a,b") == ["a", "b"]
    with pytest.raises(TypeError, match="expected a whole number"):
        validation.check_type_int("x")


def test_writers() -> None:
    import json

    class Plain(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return 1

        def __iter__(self) -> Any:
            return iter(["k"])

        def __len__(self) -> int:
            return 1

    assert json.dumps(Plain(), cls=yaml_and_json.AnsibleJSONEncoder) == '{"k": 1}'
    assert yaml_and_json.yaml_load(yaml_and_json.yaml_dump({"a": [1]})) == {"a": [1]}


def test_versions_that_python_has_no_more() -> None:
    assert versions.LooseVersion("2.18.0") >= "2.0"
    assert versions.LooseVersion("1.10") > versions.LooseVersion("1.9")
    assert str(versions.LooseVersion("1.2b")) == "1.2b"
    assert find("distutils.version") is not None


def test_there_is_none_for_the_rest() -> None:
    assert find("ansible.executor") is None
    assert find("ansible.module_utils.urls") is None
