from jinja2 import pass_context, pass_environment

from ansible.errors import AnsibleError, AnsibleFilterError
from ansible.module_utils._text import to_bytes, to_native, to_text
from ansible.module_utils.common.collections import is_sequence
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.module_utils.six import iteritems, string_types
from ansible.utils.display import Display

display = Display()


@pass_context
def with_context(context, value):
    return "%s %s" % (value, context["foo"])


def fails(value):
    display.vvv("about to fail")
    raise AnsibleFilterError("no good: %s" % to_native(value))


def late_import(value):
    from ansible.module_utils.common.text.converters import to_text as again

    return again(to_bytes(value)) + to_text(value)


def many(value, one, k=None):
    return [value, one, k]


class FilterModule(object):
    def filters(self):
        return {
            "mine": lambda v: "mine:%s" % v,
            "upper": lambda v: "MYUPPER",
            "combine": lambda *a: "MYCOMBINE",
            "dup": lambda v: "a_file",
            "raises": lambda v: 1 / 0,
            "tmpl": lambda v: "{{ 1+1 }}",
            "typ": lambda v: "is %s" % isinstance(v, (list, dict, string_types)),
            "ctxf": with_context,
            "ansfail": fails,
            "tt": late_import,
            "bb": lambda v: boolean(v),
            "seq": lambda v: is_sequence(v),
            "dumped": lambda v: sorted(iteritems(v)),
            "gen": lambda v: [each for each in v],
            "many": many,
        }
