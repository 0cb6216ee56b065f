import subprocess
import sys

CODE = """
import sys
from pipeline.training.imports import leave_out
with leave_out("scipy", "torchvision", "transformers"):
    import lightning.pytorch
print(*sorted({"torchmetrics", "scipy", "torchvision", "transformers"} & sys.modules.keys()))
import scipy.signal
from torchmetrics import MeanMetric
"""


def test_lightning_comes_without_what_heads_do_not_need() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["torchmetrics"]
