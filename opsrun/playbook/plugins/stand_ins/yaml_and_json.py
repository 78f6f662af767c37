"""Writers of YAML and JSON that plugins name, and those of the libraries behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import yaml


class AnsibleDumper(yaml.SafeDumper):
    """Writes plain data."""


class AnsibleJSONEncoder(json.JSONEncoder):
    """Writes dates and mappings, too."""

    def __init__(
        self, preprocess_unsafe: bool = False, vault_to_text: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)

    def default(self, o: Any) -> Any:
        """What JSON has no form for."""
        if isinstance(o, Mapping):
            return dict(o)
        return o.isoformat() if isinstance(o, date) else super().default(o)


HAS_YAML = True
SafeLoader = yaml.SafeLoader
SafeDumper = yaml.SafeDumper


def yaml_load(stream: Any) -> Any:
    """Plain data of YAML."""
    return yaml.safe_load(stream)


def yaml_dump(data: Any, **options: Any) -> Any:
    """YAML of plain data."""
    return yaml.safe_dump(data, **options)
