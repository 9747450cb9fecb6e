"""`.stablehlo` files: a quantized model as a `jax.export` artefact, weights stored as int8.

`file_format` is what the pipeline asks, `writer` makes the program, `reading` looks into a file, `verification`
compares one with a report. `jax.export.deserialize` of the file's bytes gives a function that runs without this
project.
"""
