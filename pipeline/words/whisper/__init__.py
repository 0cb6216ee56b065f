"""Whisper: what is said in sound, and when, where the corpus has no words of its own."""
