"""Deployment targets as values: what a runtime computes in integers, and how.

`target` says what a target is; each target is one file and one line in `registration`. No NumPy here.
"""
