"""The quantized model as arithmetic on integer codes, once for all backends.

`points` says which values have quantization parameters, `parameters` holds them, `layer_spec` gathers what one
quantized layer needs, `compute` computes it over a backend's arrays, and `visitor` runs a whole model.
"""
