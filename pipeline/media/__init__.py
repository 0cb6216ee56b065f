"""Media: what a file holds, its sound and its pictures, all on one clock.

The zero of that clock is the start of the file (its container's start time), for sound and for
pictures alike, so a sound track that begins late begins with silence.
"""

AUDIO_HZ = 16_000
"""Rate of the packed audio: what speech encoders are trained on."""
