"""Plugins: the hooks (`hooks`), the manager that loads them (`manager`), and what they registered (`registry`)."""
