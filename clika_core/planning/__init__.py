"""The skip-rule engine: from a graph, settings and a target to one decision per layer, with its causes.

Read `decision` (what comes out), `selectors`, `tail`, `skip_rules` (who is skipped), `groups` (what the target
fuses), `inheritance`, `borders`, and `plan`, which puts them together. Linear in nodes and edges; no NumPy.
"""
