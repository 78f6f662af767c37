"""Jinja, set up once for a library: environments and compiled templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from functools import lru_cache
from types import CodeType
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from jinja2 import BaseLoader, Environment, Template, TemplateNotFound
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from jinja2.utils import missing

from opsrun.playbook.templating import access
from opsrun.playbook.templating.bounds import power, times
from opsrun.playbook.templating.compiling import Own, RawTexts, TextCode, ValueCode, inner
from opsrun.playbook.templating.lazy import text
from opsrun.playbook.templating.library import Library
from opsrun.playbook.templating.plugins import PluginTable
from opsrun.playbook.templating.undefined import Missing

if TYPE_CHECKING:
    from opsrun.playbook.templating.templar import Templar

_KEPT = 20_000


class Pending:
    """A variable whose value has not been asked for yet."""

    __slots__ = ("_name", "_raw", "_templar")

    def __init__(self, templar: Templar, name: str, raw: Any) -> None:
        self._templar = templar
        self._name = name
        self._raw = raw

    def value(self) -> Any:
        """Its value, or `Missing`."""
        return self._templar.variable(self._name, self._raw)


class Names:
    """What a template sees: its own names, then variables, then globals."""

    __slots__ = ("own", "templar", "visible")

    def __init__(
        self, templar: Templar, own: dict[str, Any] | None = None, visible: bool = True
    ) -> None:
        self.templar = templar
        self.own = own or {}
        self.visible = visible
        """Whether variables are seen; ``{% import %}`` sees none."""

    def find(self, name: str) -> Any:
        """Its value, a `Pending`, or jinja's `missing`."""
        if name in self.own:
            return self.own[name]
        if self.visible:
            return self.templar.pending(name)
        return self.templar.globals.get(name, missing)


class LazyContext(Context):
    """Jinja's context over `Names`."""

    parent: Names  # type: ignore[assignment]

    def __init__(
        self,
        environment: Environment,
        parent: Names,
        name: str | None,
        blocks: dict[str, Callable[[Context], Iterator[str]]],
        globals: MutableMapping[str, Any] | None = None,
    ) -> None:
        self.parent = parent
        self.vars: dict[str, Any] = {}
        self.environment = environment
        self.eval_ctx = EvalContext(environment, name)
        self.exported_vars: set[str] = set()
        self.name = name
        self.globals_keys: set[str] = set()
        self.blocks = {block: [root] for block, root in blocks.items()}

    @property
    def templar(self) -> Templar:
        """Who renders."""
        return self.parent.templar

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        return self.parent.find(key)

    def resolve(self, key: str) -> Any:
        found = self.resolve_or_missing(key)
        if found is missing:
            return self.environment.undefined(name=key)
        return found.value() if type(found) is Pending else found

    def __getitem__(self, key: str) -> Any:
        found = self.resolve(key)
        if isinstance(found, Missing):
            raise KeyError(key)
        return found

    def get(self, key: str, default: Any = None) -> Any:
        found = self.resolve(key)
        return default if isinstance(found, Missing) else found

    def __contains__(self, name: object) -> bool:
        return self.resolve_or_missing(str(name)) is not missing

    def get_all(self) -> Any:
        """All names, for templates that are included; nothing is copied but our own."""
        return Names(self.templar, {**self.parent.own, **self.vars}, self.parent.visible)

    def derived(self, locals: dict[str, Any] | None = None) -> LazyContext:
        known = self.get_all()
        known.own.update({k: v for k, v in (locals or {}).items() if v is not missing})
        made = LazyContext(self.environment, known, self.name, {})
        made.eval_ctx = self.eval_ctx
        made.blocks.update((name, list(each)) for name, each in self.blocks.items())
        return made

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return super().call(function, *access.for_method(function, args), **kwargs)


class LazyTemplate(Template):
    """A compiled template."""

    @classmethod
    def from_code(
        cls,
        environment: Environment,
        code: CodeType,
        globals: MutableMapping[str, Any],
        uptodate: Callable[[], bool] | None = None,
    ) -> LazyTemplate:
        namespace: dict[str, Any] = {"environment": environment, "__file__": code.co_filename}
        namespace.update(Pending=Pending, Own=Own, times=times, power=power)
        exec(code, namespace)
        made = cls._from_namespace(environment, namespace, globals)
        made._uptodate = uptodate
        return cast(LazyTemplate, made)

    def new_context(
        self,
        vars: Any = None,
        shared: bool = False,
        locals: Any = None,
    ) -> Context:
        if isinstance(vars, Names):
            known = vars
        else:
            known = Names(cast(Any, self.environment).templar, dict(vars or {}), visible=False)
        if locals:
            known = Names(known.templar, dict(known.own), known.visible)
            known.own.update({k: v for k, v in locals.items() if v is not missing})
        return LazyContext(self.environment, known, self.name, self.blocks)

    def _get_default_module(self, ctx: Context | None = None) -> Any:
        # Not kept: what a module holds was rendered for one host.
        return self.make_module(None)


class DataEnvironment(Environment):
    """The ground of both environments."""

    context_class = LazyContext
    template_class = LazyTemplate
    templar: Templar

    def __init__(self, library: Library, **options: Any) -> None:
        extensions = ["jinja2.ext.do", "jinja2.ext.loopcontrols"]
        settings = {"trim_blocks": True, **options}
        super().__init__(undefined=Missing, extensions=extensions, optimized=False, **settings)
        self.filters = cast(Any, PluginTable(library.filters))
        self.tests = cast(Any, PluginTable(library.tests))
        self.globals = {}

    def getattr(self, obj: Any, attribute: str) -> Any:
        return access.attribute(self, obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return access.item(self, obj, argument)


class _Nowhere(BaseLoader):
    def load(self, environment: Environment, name: str, globals: Any = None) -> Template:
        raise TemplateNotFound(name, "only template files can include, import or extend others")


class ConditionEnvironment(DataEnvironment):
    """For conditions."""

    def __init__(self, library: Library) -> None:
        super().__init__(library, loader=_Nowhere())

    code_generator_class = ValueCode
    concat = staticmethod(inner)


class ValueEnvironment(ConditionEnvironment):
    """For templates among values."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._lexer = RawTexts(self)

    @property
    def lexer(self) -> RawTexts:
        return self._lexer


class TextEnvironment(DataEnvironment):
    """For template files."""

    code_generator_class = TextCode

    def __init__(self, library: Library, **options: Any) -> None:
        super().__init__(library, finalize=text, **options)


class Engine:
    """What all templars of a library share."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.environment = ValueEnvironment(library)
        self.conditions = ConditionEnvironment(library)
        self._templates: dict[str, LazyTemplate] = {}
        self._expressions: dict[str, LazyTemplate] = {}
        self.texts = lru_cache(maxsize=64)(self._texts)

    def template(self, source: str) -> LazyTemplate:
        """The compiled form of a template among values. Raises jinja2.TemplateSyntaxError."""
        found = self._templates.get(source)
        if found is None:
            made = self.environment.from_string(str.__str__(source))
            found = cast(LazyTemplate, made)
            _room(self._templates)[str.__str__(source)] = found
        return found

    def expression(self, source: str) -> LazyTemplate:
        """The compiled form of a condition's expression. Raises jinja2.TemplateSyntaxError."""
        found = self._expressions.get(source)
        if found is None:
            made = self.conditions.from_string("{{ " + source + "\n}}")
            found = cast(LazyTemplate, made)
            _room(self._expressions)[source] = found
        return found

    def _texts(self, options: tuple[tuple[str, Any], ...]) -> TextEnvironment:
        return TextEnvironment(self.library, **dict(options))


def _room(cache: dict[str, LazyTemplate]) -> dict[str, LazyTemplate]:
    if len(cache) >= _KEPT:
        cache.clear()
    return cache


_engines: WeakKeyDictionary[Library, Engine] = WeakKeyDictionary()


def engine_of(library: Library) -> Engine:
    """The engine of a library; made once."""
    found = _engines.get(library)
    if found is None:
        found = _engines[library] = Engine(library)
    return found
