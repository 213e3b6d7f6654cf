"""Classify a folder with a plain PyTorch DataLoader, Pillow or astropy, and torchvision, in fp32; write a CSV file.

python benchmarks/plain_loader.py FOLDER -o predictions.csv
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import numpy as np
import torch
from astropy.io import fits
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from galaxtool.models.directory import load_network
from galaxtool.models.find import find_model


class Cutouts(Dataset):
    """The images of a folder as tensors of shape (3, size, size)."""

    def __init__(self, folder: Path, size: int) -> None:
        self.files = sorted(p for p in folder.rglob("*") if p.suffix in (".png", ".jpg", ".jpeg", ".fits"))
        self.transform = v2.Compose(
            [
                v2.ToImage(),
                v2.Resize((size, size), antialias=True),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([0.5] * 3, [0.5] * 3),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, str]:
        path = self.files[index]
        if path.suffix == ".fits":
            data = fits.getdata(path).astype(np.float32)
            planes = data if data.ndim == 3 else np.stack([data] * 3)
            low, high = np.nanpercentile(planes, [1, 99.5])
            shown = np.clip((np.nan_to_num(planes[[2, 1, 0]]) - low) / (high - low), 0, 1)
            return self.transform(np.uint8(np.moveaxis(shown, 0, -1) * 255)), str(path)
        return self.transform(Image.open(path).convert("RGB")), str(path)


def main() -> None:
    """Classify the folder and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with PNG, JPG or FITS images")
    parser.add_argument("--model", default="mini", help="model to classify with")
    parser.add_argument("-o", dest="output", type=Path, default=Path("predictions.csv"), help="CSV file to write")
    options = parser.parse_args()
    model, record = load_network(find_model(options.model))
    loader = DataLoader(
        Cutouts(options.folder, record.make_preprocess().size), batch_size=64, num_workers=os.cpu_count() or 1
    )
    with options.output.open("w", newline="") as stream, torch.inference_mode():
        writer = csv.writer(stream)
        writer.writerow(["path", *record.slugs])
        for images, paths in loader:
            probabilities = model.score(model.backbone.embed(images))[2]
            writer.writerows([path, *row] for path, row in zip(paths, probabilities.tolist(), strict=True))


if __name__ == "__main__":
    main()
