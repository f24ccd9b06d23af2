"""How Ansible reaches the hosts of the lab."""
