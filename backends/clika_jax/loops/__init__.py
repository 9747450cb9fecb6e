"""Loops that tracing unrolled, run as loops again where their iterations are one program.

`iterations` marks what belongs to which iteration, `segments` compares iterations, `finding` makes loops of them, and
`running` is where to start reading: `rolled(function, *arguments)`.
"""
