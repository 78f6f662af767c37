class FilterModule(object):
    def filters(self):
        return {'otherf': lambda v: 'other'}
