"""Inference on estimates: covariances and effects. Works on arrays; knows no result class."""
