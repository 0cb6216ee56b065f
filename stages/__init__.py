"""One thin module per DVC stage: parse its own section of params.yaml, call pipeline, write."""
