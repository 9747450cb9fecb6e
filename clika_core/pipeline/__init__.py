"""The whole job, step by step: trace, plan, preprocess, calibrate, measure, quantize, deploy, report."""
