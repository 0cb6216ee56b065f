"""Frames and faces made by hand."""

import numpy as np

from pipeline.faces.contract import Faces
from pipeline.media.video import Frame

BLANK = np.zeros((100, 200, 3), np.uint8)


def frame_at(index, hz=5.0, image=BLANK):
    return Frame(index, index / hz, image)


def faces_at(*lefts, side=20.0):
    """Square faces of one height at these left edges, with landmarks in their middle."""
    boxes = np.array([(left, 30.0, left + side, 30.0 + side) for left in lefts]).reshape(-1, 4)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    return Faces(boxes, np.arange(len(lefts), 0, -1.0), np.repeat(middles[:, None], 5, axis=1))
