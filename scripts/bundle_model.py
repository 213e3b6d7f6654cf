"""Bundle the model of a finished run with the package: its weights, rounded to eight bits, and an ONNX file.

galaxtool finetune --recipe mini --out runs/mini
python scripts/bundle_model.py runs/mini mini

The model card, README.md in the folder of the model, is written by hand and kept.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from pathlib import Path

import torch

from galaxtool.commands.export import export
from galaxtool.models.directory import load_network, save_model
from galaxtool.models.find import find_model
from galaxtool.models.onnx.check_images import choose_check_images
from galaxtool.models.onnx.precision import store_compactly
from galaxtool.models.rounding import round_weights
from galaxtool.models.unlike_training import read_detector, write_detector

MODELS = Path(__file__).resolve().parent.parent / "galaxtool" / "models"
LIMIT = 15_000_000
"""Size of a bundled model in bytes."""


def main() -> None:
    """Bundle the run named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="finished run, or its model directory")
    parser.add_argument("name", help="name of the bundled model, e.g. mini or mini-radio")
    parser.add_argument("--notes", default="", help="warnings for users, in sentences; by default those of the run")
    parser.add_argument("--licence", default="BSD-3-Clause, trained from weights under Apache-2.0")
    parser.add_argument("--backbone", default="", help="full name to record, where the run started from a local file")
    parser.add_argument("--models", type=Path, default=MODELS, help="folder to write to")
    options = parser.parse_args()
    bundle(
        options.run, options.name, notes=options.notes, licence=options.licence, backbone=options.backbone,
        models=options.models,
    )  # fmt: skip


def bundle(run: Path, name: str, *, notes: str, licence: str, backbone: str, models: Path) -> Path:
    """Write the folder of a bundled model, replacing an older one, and return it."""
    files = find_model(run)
    folder = files.require_folder()
    model, record = load_network(files)
    backbone = backbone or record.backbone
    if "/" in backbone.partition("@")[2]:  # a path that means nothing on another machine
        raise SystemExit(f"The run started from {backbone}. Name its ancestor, such as --backbone mini@imagenet.")
    taxonomy = record.make_taxonomy(folder / "symbols")
    images = record.make_preprocess().normalize(choose_check_images(files, record, ()).pictures)
    round_weights(model.backbone.image_tower, torch.from_numpy(images))
    record = dataclasses.replace(
        record, name=name, licence=licence, notes=notes or record.notes, backbone=backbone
    )  # fmt: skip
    here, fresh = models / name, models / f"{name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    save_model(fresh, model, record, taxonomy, dtype=torch.float16)
    detector = read_detector(folder, record)
    if detector is not None:
        write_detector(fresh, detector)
    result = export(model=str(fresh), output=fresh / "model.onnx")
    store_compactly(fresh / "model.onnx")
    card = here / "README.md"
    if card.is_file():
        shutil.copyfile(card, fresh / "README.md")
    size = sum(file.stat().st_size for file in fresh.rglob("*") if file.is_file())
    print(f"cosine {result.least_cosine:.7f}; {size / 1e6:.1f} MB in all")
    if size > LIMIT:
        raise SystemExit(f"{fresh} has more than {LIMIT / 1e6:.0f} MB.")
    shutil.rmtree(here, ignore_errors=True)
    fresh.rename(here)
    print(f"bundled in {here}")
    return here


if __name__ == "__main__":
    main()
