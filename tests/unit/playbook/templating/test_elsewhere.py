"""Names that are known, and not built in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsrun.errors import TemplateError
from opsrun.playbook.templating.elsewhere import elsewhere, known
from opsrun.playbook.templating.library import Library


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            "{{ 'x' | community.general.jc('ls') }}",
            "there is no filter 'community.general.jc'; it is one of community.general, not built "
            "in: it needs the Python package jc",
        ),
        ("{{ 'x' | jc }}", "there is no filter 'jc'; it is one of community.general"),
        ("{{ lookup('hashi_vault', 'x') }}", "it asks a service"),
        ("{{ lookup('community.general.passwordstore', 'x') }}", "so can the lookup 'pipe'"),
        ("{{ 'x' is ansible.utils.validate('y') }}", "it needs the Python package jsonschema"),
    ],
)
def test_they_are_told_with_where_they_belong(
    render: Callable[..., Any], written: str, message: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        render(written)
    assert message in caught.value.message


def test_nothing_that_is_built_in_is_said_not_to_be() -> None:
    library = Library.standard()
    for plugins in (library.filters, library.tests, library.lookups):
        for name in plugins.table:
            assert elsewhere(plugins.kind, name) is None
            assert name.rpartition(".")[2] not in known(plugins.kind)


def test_a_plugin_of_that_name_takes_its_place() -> None:
    library = Library.standard().extended(filters={"jc": str.upper})
    function = library.filters.get("jc")
    assert function is not None
    assert function("a") == "A"
