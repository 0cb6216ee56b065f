import subprocess
import sys

import pytest
import torch

from pipeline.heads.training_params import TrainingParams
from pipeline.training.optimisers import make_optimiser


@pytest.mark.parametrize("kind", ["adamw", "adam", "sgd"])
def test_parameters_stepped_at_once_are_those_stepped_one_after_another(kind):
    torch.manual_seed(0)
    starts = [torch.randn(3, 5), torch.randn(7), torch.randn(2, 2, 11)]
    params = TrainingParams(optimizer=kind, learning_rate=0.1, weight_decay=0.05, dampening=0.2)
    found = []
    for foreach in (True, False):
        weights = [torch.nn.Parameter(start.clone()) for start in starts]
        optimiser = make_optimiser([{"params": weights}], params)
        for group in optimiser.param_groups:
            group["foreach"] = foreach
        for _ in range(5):
            for weight in weights:
                weight.grad = weight.detach().sin()
            optimiser.step()
        found.append(weights)
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


def test_no_optimiser_imports_the_compiler():
    asked = (
        "import sys, torch\n"
        "from pipeline.heads.training_params import TrainingParams\n"
        "from pipeline.training.optimisers import make_optimiser\n"
        "weight = torch.nn.Parameter(torch.ones(2))\n"
        "made = make_optimiser([{'params': [weight]}], TrainingParams())\n"
        "weight.sum().backward()\n"
        "made.step()\n"
        "print('torch._dynamo' in sys.modules, weight.tolist() != [1, 1])"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)
    assert told.stdout.split() == ["False", "True"]
