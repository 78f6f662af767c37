from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return ["L %s %s %s" % (t, variables.get("foo"), kwargs.get("z")) for t in terms]
