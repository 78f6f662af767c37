"""What a template gets for something that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

from jinja2.exceptions import UndefinedError
from jinja2.runtime import StrictUndefined
from jinja2.utils import missing, object_type_repr

from opsrun.errors import TemplateError, did_you_mean
from opsrun.playbook.templating.literal import literal

_KINDS = {"LazyList": "list object"}
"""As Jinja calls what stands in for them."""


class Cause(Protocol):
    """Why a variable that has a template has no value."""

    def told(self) -> TemplateError:
        """The error, with the place of that template."""


class Missing(StrictUndefined):
    """Can be asked whether it is defined, given a default, and asked for attributes (which are
    missing, too); any other use fails."""

    __slots__ = ("_undefined_cause", "_undefined_chain")
    _undefined_cause: Cause | None
    _undefined_chain: str

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        *rest: Any,
        cause: Cause | None = None,
        chain: str = "",
    ) -> None:
        super().__init__(hint, obj, name, *rest)
        self._undefined_cause = cause
        self._undefined_chain = chain

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or missing_words(self._undefined_obj, self._undefined_name)

    def _fail_with_undefined_error(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotThere(self)

    def _deeper(self, step: str) -> Missing:
        return Missing(
            self._undefined_hint,
            self._undefined_obj,
            self._undefined_name,
            cause=self._undefined_cause,
            chain=self._undefined_chain + step,
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._deeper(f".{name}")

    def __getitem__(self, key: Any) -> Any:
        return self._deeper(f"[{key!r}]")

    __add__ = __radd__ = __sub__ = __rsub__ = _fail_with_undefined_error
    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _fail_with_undefined_error
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _fail_with_undefined_error
    __pos__ = __neg__ = __call__ = _fail_with_undefined_error
    __lt__ = __le__ = __gt__ = __ge__ = _fail_with_undefined_error
    __int__ = __float__ = __complex__ = __pow__ = __rpow__ = _fail_with_undefined_error
    __iter__ = __str__ = __len__ = __contains__ = _fail_with_undefined_error
    __eq__ = __ne__ = __bool__ = __hash__ = __repr__ = _fail_with_undefined_error

    def __copy__(self) -> Missing:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Missing:
        return self


class NotThere(UndefinedError):
    """Something was used that is not there; becomes an `opsrun.errors.UndefinedVariable`."""

    def __init__(self, what: Missing) -> None:
        super().__init__(what._undefined_message)
        self.what = what

    @property
    def cause(self) -> Cause | None:
        """What kept a variable from having a value, where it has a template."""
        return self.what._undefined_cause

    @property
    def name(self) -> Any:
        """The variable, attribute, key or index that isn't there; None where a hint says more."""
        return None if self.what._undefined_hint else self.what._undefined_name

    @property
    def chain(self) -> str:
        """What was asked of it: ``.x[0]``."""
        return self.what._undefined_chain

    @property
    def of_variable(self) -> bool:
        """A variable is missing, rather than an attribute of something."""
        return self.what._undefined_obj is missing


def missing_words(obj: Any, name: Any) -> str:
    """What is to be said of ``name`` that ``obj`` hasn't got; ``obj`` may be jinja's `missing`.

    In Jinja's words where it has some: playbooks look for them in ``msg``.
    """
    if obj is missing:
        return f"{name!r} is undefined"
    kind = _KINDS.get(type(obj).__name__) or object_type_repr(obj)
    if isinstance(obj, Mapping):
        kind = "dict object"
    if not isinstance(name, str):
        return f"{kind} has no element {name!r}{_length(obj)}"
    words = f"{kind!r} has no attribute {name!r}"
    if isinstance(obj, str) and literal(obj) is not obj:
        return f"{words}; to read the list or dict in this text, use | from_yaml"
    return words + _nearest(obj, name)


def _length(obj: Any) -> str:
    return f", its length is {len(obj)}" if isinstance(obj, (list, tuple, str)) else ""


def _nearest(obj: Any, name: str) -> str:
    if isinstance(obj, Mapping):
        return did_you_mean(name, [key for key in obj if isinstance(key, str)])
    return did_you_mean(name, [each for each in dir(type(obj)) if not each.startswith("_")])
