"""What a backend is (`interface`), and what the core computes through one: nothing here knows a framework."""
