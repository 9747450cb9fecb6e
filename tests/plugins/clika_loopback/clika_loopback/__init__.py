"""A backend whose framework is NumPy: a model is a list of operations, written down.

Start reading at `model` (how a model is written), then `recording` (what tracing says of it) and
`traced_model` (how the core runs it). `registration` is what `clika` loads; it imports no NumPy.
"""
