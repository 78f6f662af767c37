class TestModule(object):
    def tests(self):
        return {"ct": lambda v: v == 1}
