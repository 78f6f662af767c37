class FilterModule(object):
    def filters(self):
        return {'dup': lambda v: 'b_file'}
