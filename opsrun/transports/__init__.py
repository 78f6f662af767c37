"""How a host is reached.

::

    targets       what is known of a host: variables, options and ssh_config, put together
    ssh_config    OpenSSH's client configuration
    hostkeys      known_hosts
    credentials   keys, certificates, agent, passwords
    ssh           over SSH: the wrapper around paramiko's SSHClient
    pipe          over the pipes of a local command: this machine
    programs      through a program that gives a shell: ssh(1), docker, podman, kubectl
"""
