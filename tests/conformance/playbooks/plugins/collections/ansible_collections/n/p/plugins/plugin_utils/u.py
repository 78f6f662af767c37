def helper(v):
    return "h%s" % v
