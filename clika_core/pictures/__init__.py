"""Pictures of a graph: the traced one, and the one that will run, with decisions, borders and sensitivity.

Read `draw` (the traced graph) and `preprocessed` (the planned one) first. `boxes` makes a layer's box from
`facts` of the graph and `reasons` of the plan, `palette` holds the looks, `caption` explains them. `dot` makes
DOT text without graphviz, `svg` runs graphviz, `write` puts the files in place. No framework, no NumPy.
"""
