"""The framework-neutral graph: nodes, operator types, how a trace becomes a graph, the snapshot file.

`graph` says what a graph is, `operators` what a layer's type means. `recording` is what a backend hands over and
`assembly` makes a graph of it: `dependence` says what is a layer, `naming` and `symbols` how it is called,
`composites/` recognises norms and activations spelt as primitives. `removals` says what preprocessing takes out,
`snapshot` reads and writes `model.graph.json`. Imports no framework and no NumPy.
"""
