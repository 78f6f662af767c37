"""``ansible_managed`` as a setting: fields, a date, and templates.

As Ansible documents `DEFAULT_MANAGED_STR`: ``{file}``, ``{uid}`` and ``{host}`` are filled in by
`str.format`, which makes ``{{{{ x }}}}`` a template; what `time.strftime` knows is the template's
time of modification.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import trusted
from opsrun.errors import TemplateError
from opsrun.playbook.templating.lazy import text

if TYPE_CHECKING:
    from opsrun.playbook.templating.templar import Templar

_FIELDS = {"file": "template_path", "uid": "template_uid", "host": "template_host"}
_PLACES = {field: f"\x1a{field}\x1a" for field in _FIELDS}
"""What stands for a field until all is rendered: no name of a file is read as a template."""


def managed_text(templar: Templar, setting: str, known: Mapping[str, Any]) -> str:
    """``ansible_managed`` in a template file.

    Args:
        setting: as the operator wrote it.
        known: ``template_…`` variables of the file.

    Raises:
        TemplateError: a field that there isn't, or a template that can't be rendered.
    """
    if not set(setting) & {"{", "}", "%"}:
        return setting
    moment: datetime = known["template_mtime"]
    try:
        filled = moment.strftime(setting.format(**_PLACES))
    except (LookupError, ValueError, AttributeError) as error:
        words = "expected text with {file}, {uid}, {host} and what strftime knows"
        raise TemplateError(f"ansible_managed: {words}, found {setting!r}") from error
    origin = Origin("ansible_managed", kind="implicit")
    made = text(templar.with_variables(known).render(trusted(filled, origin), origin))
    for field, name in _FIELDS.items():
        made = made.replace(_PLACES[field], str(known[name]))
    return made
