"""Backups: which there are by their names, whether they are whole, and what is in them."""
