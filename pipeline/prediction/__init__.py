"""Prediction: trained heads over windows, back to one answer per clip or per frame."""
