"""Files of hosts that have no shell to use: SFTP version 3, as OpenSSH speaks it.

`client.SFTP` speaks over any `Process` whose streams are the subsystem's; `files.SFTPFiles` does
with it what `opsrun.remote.files` does with a shell.
"""
