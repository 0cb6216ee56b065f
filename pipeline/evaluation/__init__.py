"""Evaluation: what predictions are worth, and with what certainty."""
