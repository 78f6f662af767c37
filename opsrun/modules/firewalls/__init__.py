"""Firewalls: rules of iptables, ufw and firewalld, by their own programs."""
