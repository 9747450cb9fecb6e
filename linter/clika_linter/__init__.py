"""`clika lint`: finds in settings, graph snapshot and report what otherwise costs a training run.

Reads files only; imports no framework and no NumPy. Start reading at `rule` (what a rule is), `context` (what a
rule sees) and any file of `rules`. `command` is the command line, `registration` joins it to `clika`.
"""
