M = "m"
