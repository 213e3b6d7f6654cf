"""Put the detector of a run into the plugin, in half precision, with the threshold that suits fields kept aside.

The detector that comes with the plugin was made in two trainings:

    galaxtool detect simulate -o fields -n 700 --seed 1 --valid 0.057
    galaxtool detect train fields -o run --backbone mini-radio --batchnorm learned --head small --image-size 192 \
        --upscale 2 --epochs 6 --batch-size 8 --lr 1e-3 --flips --ema 0.99
    galaxtool detect simulate -o more-fields -n 1640 --seed 11 --crowded 0.5 --valid 0.0244
    galaxtool detect train more-fields -o run2 --start run --batchnorm learned --image-size 192 --upscale 2 --epochs 6 \
        --batch-size 8 --lr 7e-4 --flips --ema 0.99
    python scripts/release_detector.py run2 radio more-fields --image-size 256

Its card has scores on other fields:

    galaxtool detect simulate -o fresh -n 40 --seed 20262 --valid 0
    galaxtool detect evaluate fresh --split all --beside sep -o scores
"""

from __future__ import annotations

import argparse
import dataclasses
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from galaxtool_detect.boxes import Detections, DetectionSet
from galaxtool_detect.datasets.open import open_detection_set
from galaxtool_detect.detectors.files import as_half, load_detector, save_detector
from galaxtool_detect.detectors.find import BUNDLED
from galaxtool_detect.inference.scan import detect_field
from galaxtool_detect.networks.detector import Detector
from galaxtool_detect.training.validation import score_detections


def main() -> None:
    """Measure the detector before and after rounding, and save it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("fields", help="data set whose split 'valid' is measured")
    parser.add_argument("--image-size", type=int, default=256)
    given = parser.parse_args()
    detector, record = load_detector(given.run / "model")
    detector.config = dataclasses.replace(record.network, image_size=given.image_size)
    fields = open_detection_set(given.fields).take("valid")
    scores = {}
    for precision in ("single", "half"):
        if precision == "half":
            as_half(detector)
        found = [detect_field(detector, one, upscale=record.upscale, device=torch.device("cpu")) for one in fields]
        scores[precision] = measure(fields, found, detector)
        print(precision, scores[precision])
    best = scores["half"]
    record = dataclasses.replace(
        record,
        network=dataclasses.replace(detector.config, backbone=detector.config.backbone.partition("@")[0]),
        threshold=round(best["threshold"], 2),
        training={**record.training, "backbone": "mini-radio"},
        scores={key.removeprefix("valid_"): round(value, 4) for key, value in best.items()},
    )
    save_detector(BUNDLED / given.name, detector, record, half=True)
    for file in sorted((BUNDLED / given.name).iterdir()):
        print(file, file.stat().st_size)


def measure(fields: DetectionSet, found: list[Detections], detector: Detector) -> dict[str, float]:
    """Return mAP@50, best F1 and its threshold, and completeness in steps of S/N at this threshold."""
    listed = list(fields)
    scores = score_detections(listed, found, len(detector.config.classes))
    snr, matched = [], []
    for field, detections in zip(listed, found, strict=True):
        kept = detections.select(detections.scores >= scores["threshold"])
        centers = (kept.boxes[:, :2] + kept.boxes[:, 2:]) / 2
        for box, value in zip(field.boxes, field.truth["snr"], strict=False):
            inside = (centers >= box[:2]) & (centers <= box[2:])
            matched.append(bool(inside.all(axis=1).any()))
            snr.append(value)
    edges = (5, 7, 10, 20, 50, 1e9)
    for low, high in pairwise(edges):
        chosen = (np.array(snr) >= low) & (np.array(snr) < high)
        scores[f"completeness_snr_{low}"] = float(np.array(matched)[chosen].mean()) if chosen.any() else float("nan")
    return scores


if __name__ == "__main__":
    main()
