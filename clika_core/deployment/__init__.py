"""Deployment: from a plan and its parameters to the target's file, and what the runtime makes of it.

`onnx_model` writes ONNX with QuantizeLinear/DequantizeLinear pairs; `lowerings/` holds one function per operator
type; `onnx_runtime` runs the file; `agreement` compares it with the simulation. Needs the extra `onnx`.
"""
