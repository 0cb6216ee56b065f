"""Trained heads over new media: files in, emotions over time out."""
