class FilterModule(object):
    def filters(self):
        return {'rf': lambda v: 'role filter', 'mine': lambda v: 'role mine'}
