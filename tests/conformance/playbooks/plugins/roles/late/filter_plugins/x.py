class FilterModule(object):
    def filters(self):
        return {'latef': lambda v: 'late filter'}
