"""From variables, options and ssh_config to a target, every question answered."""
