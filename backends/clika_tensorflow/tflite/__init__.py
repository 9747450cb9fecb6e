"""`.tflite` files: int8 weights and activations, int32 biases, with the ranges of our calibration and no other.

`builder` puts a flat buffer together, `operators` says how each layer is written, `writer` walks the graph, and
`file_format` runs the file in LiteRT. Nothing here needs TensorFlow itself, but the package `ai-edge-litert`.
"""
