"""Trunks: networks of timm that heads train, from nothing or from weights of others."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.errors import ParamsError
from pipeline.families import suggest


class Trunk(nn.Module):
    """timm's `network` but for its classifier: pictures of `channels`, whose cells lie one after
    another, each with its channels → cells of its last map, in the same order.

    `cells` is how many these are for pictures of `height` and `width`, `dim` the size of each.
    Raises ParamsError for a network that timm lacks, or that makes no map of such pictures.
    """

    def __init__(self, network: str, height: int, width: int, channels: int) -> None:
        import timm  # seconds, and few heads have a trunk

        super().__init__()
        if not timm.is_model(network):
            hint = suggest(network, timm.list_models())
            raise ParamsError(f"trunk: expected a network of timm, got {network!r}; {hint}")
        self.network, self.sizes = network, (height, width, channels)
        self.body, (self.dim, *places) = self._make()
        self.cells = math.prod(places)

    def _make(self) -> tuple[Any, tuple[int, ...]]:
        """The network, and the shape of the map that it makes of one picture."""
        import timm

        height, width, channels = self.sizes
        body: Any = None
        shape: tuple[int, ...] = ()
        try:
            body = timm.create_model(self.network, num_classes=0, global_pool="", in_chans=channels)
            picture = next(body.parameters()).new_zeros(1, channels, height, width)
            with torch.no_grad():
                found = str(shape := tuple(body.eval()(picture).shape[1:]))
        except (AssertionError, AttributeError, RuntimeError, TypeError, ValueError) as error:
            found = str(error).split("\n", 1)[0]
        if len(shape) != 3 or shape[0] != body.num_features:
            raise ParamsError(
                f"trunk: expected a network that makes a map of pictures of {height} x {width}, "
                f"got {self.network}: {found}; choose another, or other `pixels`"
            )
        return body, shape

    def start(self, source: str, revision: str | None) -> str:
        """Load the weights at `source`, and give their digest.

        Raises ParamsError where they are of another network.
        """
        from pipeline.networks.pretrained import digest_folder, find_folder
        from pipeline.networks.timm import load_model

        folder = find_folder(source, revision)
        digest = digest_folder(folder)  # which refuses what is packed, waited for, or elsewhere
        model = load_model(folder)
        try:
            self.body.load_state_dict(model.state_dict())
        except RuntimeError as error:
            found = model.pretrained_cfg.get("architecture")
            raise ParamsError(
                f"pretrained {source!r}: expected weights of {self.network} for pictures of "
                f"{self.sizes[2]} channels, got {found}; name others, or the trunk that they are of"
            ) from error
        return digest

    def forward(self, rows: Float[Tensor, "rows _"]) -> Float[Tensor, "rows cells channels"]:
        """Cells of the last map; a lone picture is normalised by those before it."""
        self.body.train(self.training and len(rows) > 1)
        pictures = rows.reshape(len(rows), *self.sizes).movedim(-1, 1)
        maps: Tensor = self.body(pictures)
        return maps.flatten(2).mT
