"""Cleaning: usable clips and their sound, out of whatever files a corpus has."""
