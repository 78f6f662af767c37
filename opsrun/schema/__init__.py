"""JSON Schema of the files that opsrun reads, derived from what reads them."""

from __future__ import annotations

from opsrun.schema.documents import KINDS, schema

__all__ = ["KINDS", "schema"]
