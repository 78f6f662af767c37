"""Users, groups, keys, crontabs and access lists of a host."""
