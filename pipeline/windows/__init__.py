"""Windows: what a head sees at once, for training and for prediction alike."""
