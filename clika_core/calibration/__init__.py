"""Calibration: one pass over the data, an observer at every point, then parameters for all values and weights."""
