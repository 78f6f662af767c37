class FilterModule(object):
    def filters(self):
        return {'df': lambda v: 'deep'}
