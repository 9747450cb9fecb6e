"""Models with real weights, what tools make of them, and the program that puts both into a table."""
