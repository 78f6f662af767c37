"""What a task does on a host: a file each, with no I/O of its own; see `opsrun.modules.base`."""
