"""Training: from feature sets and targets to a head that is kept."""
