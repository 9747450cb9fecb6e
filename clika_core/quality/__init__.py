"""What post-training quantization does beyond choosing ranges: one technique per file, written once for all backends.

Each works on a preprocessed model through `.parameters`, `.interpret` and `ArrayOps` alone.
"""
