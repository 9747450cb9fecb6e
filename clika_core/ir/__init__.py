"""The framework-neutral graph: nodes, operator types, how a trace becomes a graph, the snapshot file.

`graph` says what a graph is, `operators` what a layer's type means, `recording` and `assembly` turn what a
backend saw into layers, `composites/` recognises norms and activations spelt as primitives, `snapshot` reads
and writes `model.graph.json`. Imports no framework and no NumPy.
"""
