"""Extraction: media through encoders into feature sets, each clip once."""
