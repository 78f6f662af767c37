class FilterModule(object):
    def filters(self):
        return {'dynf': lambda v: 'dyn filter'}
