"""Filters of this project."""
