class FilterModule(object):
    def filters(self):
        return {'insub': lambda v: 'sub'}
