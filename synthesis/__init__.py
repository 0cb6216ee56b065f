"""Synthesis of the demo corpus: a script of takes, faces, voices, and the movies of them."""
