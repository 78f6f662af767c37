from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return ["C %s %s %s" % (t, variables.get("foo"), sorted(kwargs.items())) for t in terms]
