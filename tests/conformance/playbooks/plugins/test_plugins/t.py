class TestModule(object):
    def tests(self):
        return {"odd_one": lambda v: v == 1}
