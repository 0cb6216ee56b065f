"""Networks: what frozen ones need, whoever runs them: weights, devices, batches, hidden states."""
