"""What encoders share: weights, layers, batches, and what is done to pictures and sound."""
