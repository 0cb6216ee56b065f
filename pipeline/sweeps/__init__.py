"""Sweeps: one head over every feature set alone, then over the best of each modality together."""
