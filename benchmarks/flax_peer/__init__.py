"""Flax modules, what each tool makes of them, and the program that puts both into a table."""
