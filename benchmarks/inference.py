"""Measure each engine in each precision: milliseconds per image, and how close its embeddings are to PyTorch's in fp32.

    python benchmarks/inference.py
    python benchmarks/inference.py --models mini vit-16 --rounds 3 --batch 16

For `mini` (its own weights), ViT-B/16 and ConvNeXt-B (random weights), the script runs PyTorch in fp32 and bf16, ONNX
Runtime in fp32 and int8, and OpenVINO in fp32, bf16 and int8 on the same pictures, all with the same number of threads.
The engines take turns in each round, because a shared machine changes its speed, and the best round of each counts.
int8 files are calibrated on simulated galaxies.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
import torch

from galaxtool.backbones.create import create_backbone
from galaxtool.errors import GalaxtoolError
from galaxtool.heads.linear import build as build_linear
from galaxtool.models.directory import load_network, save_model
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import ONNX, find_model
from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.file import write_onnx
from galaxtool.models.onnx.precision import make_example_images, make_example_pictures, to_int8
from galaxtool.models.record import ModelRecord
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.utils.cores import count_cores
from galaxtool.vision.preprocess import Preprocess

MODELS = ("mini", "vit-16@none", "timm:convnext_base@none")
VARIANTS = (
    ("torch", "fp32", "float"),
    ("torch", "bf16", "float"),
    ("onnx", "fp32", "float"),
    ("onnx", "fp32", "int8"),
    ("openvino", "fp32", "float"),
    ("openvino", "bf16", "float"),
    ("openvino", "fp32", "int8"),
)
"""Engine, precision that it computes in, and folder of the file."""


@dataclass
class Variant:
    """An engine that is measured.

    Parameters
    ----------
    engine : Engine
        The open engine.
    title : str
        Its name and precision.
    seconds : float
        Best time of a batch.
    """

    engine: Engine
    title: str
    seconds: float = float("inf")


def main() -> None:
    """Make the models and measure them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="bundled model, or backbones with @none")
    parser.add_argument("--batch", type=int, default=32, help="images in a batch")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the best of each engine counts")
    parser.add_argument("--threads", type=int, default=count_cores(), help="threads of each engine")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {options.threads} threads, batches of {options.batch};")
    print(f"PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}\n")
    print(
        "| model | engine | ms per image | images/s | least cosine to PyTorch fp32 |\n|---|---|---|---|---|", flush=True
    )
    for name in options.models:
        with tempfile.TemporaryDirectory() as scratch:
            folders = write_models(name, Path(scratch))
            report(name, folders, options)


def write_models(name: str, scratch: Path) -> dict[str, Path]:
    """Write the model directories with float and int8 files."""
    folder = scratch / "float"
    if name.endswith("@none"):
        torch.manual_seed(0)
        backbone, taxonomy = create_backbone(name), build_taxonomy(["ring", "disc", "smudge"])
        preprocess = Preprocess(size=int(backbone.image_size))
        record = ModelRecord(
            name=name, backbone=name, dim=backbone.dim, head="linear", preprocess=preprocess.as_dict(),
            taxonomy=taxonomy.as_dict(),
        )  # fmt: skip
        model = GalaxyModel(backbone, build_linear(dim=backbone.dim, n_classes=3)).eval()
        save_model(folder, model, record, taxonomy)
    else:
        original = find_model(name).folder
        assert original is not None
        shutil.copytree(original, folder)
    model, record = load_network(find_model(folder))
    write_onnx(folder / ONNX, model, record)
    reduced = shutil.copytree(folder, scratch / "int8")
    to_int8(reduced / ONNX, make_example_images(record.make_preprocess(), 32, seed=1))
    return {"float": folder, "int8": reduced}


def report(name: str, folders: dict[str, Path], options: argparse.Namespace) -> None:
    """Measure the engines of a model and print their rows."""
    variants = list(open_variants(folders, options.threads))
    preprocess = variants[0].engine.record.make_preprocess()
    pictures = make_example_pictures(preprocess, options.batch, seed=2)
    exact = variants[0].engine.run(pictures).embedding
    cosines = [float((variant.engine.run(pictures).embedding * exact).sum(axis=1).min()) for variant in variants]
    for _ in range(options.rounds):
        for variant in variants:
            start = time.perf_counter()
            variant.engine.run(pictures)
            variant.seconds = min(variant.seconds, time.perf_counter() - start)
    for variant, cosine in zip(variants, cosines, strict=True):
        milliseconds = 1e3 * variant.seconds / options.batch
        print(
            f"| {name} | {variant.title} | {milliseconds:.2f} | {1e3 / milliseconds:.0f} | {cosine:.5f} |", flush=True
        )


def open_variants(folders: dict[str, Path], threads: int) -> Iterator[Variant]:
    """Yield the engines that this machine has."""
    for engine, precision, kind in VARIANTS:
        title = f"{engine} {'int8' if kind == 'int8' else precision}"
        try:
            opened = open_engine(find_model(folders[kind]), engine, "cpu", precision, threads=threads)
        except GalaxtoolError as error:
            print(f"{title}: {error.message}")
            continue
        yield Variant(opened, title)


if __name__ == "__main__":
    main()
