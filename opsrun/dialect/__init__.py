"""What the files of the Ansible dialect are made of, before anybody knows what they mean."""
