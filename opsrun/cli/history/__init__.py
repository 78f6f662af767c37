"""``opsrun history``: what was run, shown again, compared, counted and repeated."""
