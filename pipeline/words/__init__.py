"""Words: what is said in each clip, by the corpus or by ear."""
