from ansible_collections.n.p.plugins.module_utils import m
from ansible_collections.n.p.plugins.plugin_utils.u import helper

from ..plugin_utils.u import helper as again


class FilterModule(object):
    def filters(self):
        return {"cf": lambda v: helper(v) + again(v) + m.M, "cf2": lambda v: "cf2"}
