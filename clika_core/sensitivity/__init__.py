"""Quantization sensitivity (QS): how far each layer's quantized output is from its float one, in one pass."""
