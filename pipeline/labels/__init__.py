"""Labels: a corpus as its authors ship it → clips, their targets, and where they stand."""
