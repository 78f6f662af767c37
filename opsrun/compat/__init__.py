"""What Ansible's programs are told, in opsrun's words. Pure: nothing is run here."""
