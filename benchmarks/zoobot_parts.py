"""Classify a folder of JPGs by Zoobot's `predict` with an ONNX file of galaxtool; `beside_zoobot.py` starts it.

    python benchmarks/zoobot_parts.py FOLDER --onnx model.onnx --size 96 --crop 0.55 -o predictions.csv

Zoobot reads the images. The transform is the usual one of torchvision on Pillow images: the central square, shrunk.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import lightning
import pandas as pd
import torch
from loop_plain import open_model
from PIL import Image
from torchvision.transforms import v2
from zoobot.pytorch.predictions.predict_on_catalog import predict


class OnnxNet(lightning.LightningModule):
    """A network in an ONNX file."""

    def __init__(self, path: Path, threads: int) -> None:
        super().__init__()
        self._net = open_model(path, threads)

    def predict_step(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the probabilities of a batch."""
        return torch.from_numpy(self._net(batch["image"].numpy()))


def main() -> None:
    """Classify the images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="folder of JPGs of one size")
    parser.add_argument("--onnx", type=Path, required=True, help="ONNX file")
    parser.add_argument("--size", type=int, required=True, help="side of the model's pictures in pixels")
    parser.add_argument("--crop", type=float, default=1.0, help="share of the image that is kept")
    parser.add_argument("--readers", type=int, default=2, help="processes that read")
    parser.add_argument("--threads", type=int, default=1, help="threads of the network")
    parser.add_argument("-o", dest="output", type=Path, default=Path("predictions.csv"), help="CSV file to write")
    options = parser.parse_args()
    files = sorted(options.images.iterdir())
    with Image.open(files[0]) as first:
        side = round(min(first.size) * options.crop)
    transform = v2.Compose([
        v2.CenterCrop(side),
        v2.Resize(options.size, interpolation=v2.InterpolationMode.BICUBIC),
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.5] * 3, [0.5] * 3),
    ])  # fmt: skip
    net = OnnxNet(options.onnx, options.threads)
    catalogue = pd.DataFrame({"id_str": [file.name for file in files], "file_loc": [str(file) for file in files]})
    example = torch.zeros(1, 3, options.size, options.size)
    columns = [f"class_{number}" for number in range(net.predict_step({"image": example}).shape[1])]
    predict(
        catalogue,
        net,
        save_loc=str(options.output),
        label_cols=columns,
        inference_transform=transform,
        datamodule_kwargs={"batch_size": 64, "num_workers": options.readers},
        trainer_kwargs={"accelerator": "cpu", "logger": False, "enable_progress_bar": False},
    )


if __name__ == "__main__":
    main()
