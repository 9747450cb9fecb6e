"""The demo's neutral half: its images, its architecture and its weight file; NumPy only, no framework.

Imported by the command `clika demo` and by each backend's `demo_network.py` and `demo_training.py`; imports
`clika_core.errors` and nothing else of the project. Start reading at `architecture`, then `data`, `weights`.
"""
