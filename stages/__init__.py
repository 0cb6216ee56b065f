"""One thin module per DVC stage: parse its own section of params.yaml, call pipeline, write."""

import os
import signal

# Before any library starts its threads: on a machine that others use, too, threads that spin while
# they wait cost several times the work itself.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# What a scheduler sends ends a stage as Ctrl-C does: with what is done kept.
signal.signal(signal.SIGTERM, signal.default_int_handler)
