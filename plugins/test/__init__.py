"""Jinja tests of the playbooks (Ansible loads each file by itself)."""
