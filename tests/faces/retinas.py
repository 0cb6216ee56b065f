"""RetinaFace with random weights that find some faces in any picture."""

from functools import cache

import cv2
import numpy as np
import torch
from skimage.data import astronaut

from pipeline.faces.retinaface import make_network
from tests.tiny_models import fill_weights, make_folder

SPREADS = {"cls_score": 2.0, "bbox_pred": 0.2, "landmark_pred": 0.3}
"""Standard deviation of each output that makes a few dozens of faces in a picture."""


def rescale(layer, _, output):
    """Hook that gives a layer the spread it is to have, as of the next picture."""
    scale = layer.spread / output.std()
    layer.weight.mul_(scale)
    layer.bias.copy_((layer.bias - output.mean((0, 2, 3))) * scale)


@cache
@torch.inference_mode()
def save_retinaface():
    """File of random weights at half precision, whose last layers suit `draw(180, 320)`."""
    path = make_folder() / "retinaface.pth"
    network = make_network().eval()
    fill_weights(network)
    network.bn_data.running_mean.fill_(127)
    network.bn_data.running_var.fill_(64**2)
    hooks = []
    for stride in (32, 16, 8):
        for name, spread in SPREADS.items():
            layer = network.get_submodule(f"face_rpn_stride{stride}.{name}")
            layer.spread = spread
            hooks.append(layer.register_forward_hook(rescale))
    network(torch.from_numpy(draw(180, 320)[None]).float())
    torch.save({name: weight.half() for name, weight in network.state_dict().items()}, path)
    return path


def draw(height, width, seed=1):
    noise = np.random.default_rng(seed).integers(-60, 61, (height, width, 3))
    picture = cv2.resize(astronaut(), (width, height), interpolation=cv2.INTER_AREA)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)
