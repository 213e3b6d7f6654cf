"""Measure training steps and inference of convolutional backbones in both memory layouts of PyTorch.

    python benchmarks/memory_layout.py --backbones efficientnet-lite0@none small-resnet resnet18@none --threads 1

A training step is a forward and a backward pass of a batch and a step of AdamW, on random images of the backbone's own
size. The layouts take turns, and the script prints the best of the rounds, in images per second. galaxtool trains and
runs with ``channels_last``.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from typing import Any

import torch

from galaxtool.backbones.create import create_backbone

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def main() -> None:
    """Measure the backbones and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=["efficientnet-lite0@none", "small-resnet@none"])
    parser.add_argument("--batch", type=int, default=32, help="batch size")
    parser.add_argument("--rounds", type=int, default=5, help="number of steps of each layout; the best counts")
    parser.add_argument("--threads", type=int, default=0, help="number of threads; 0 for PyTorch's default")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{platform.machine()}, {torch.get_num_threads()}"
    print(f"batch {options.batch}, {name} threads, torch {torch.__version__}\n")
    print("| backbone | pixels | " + " | ".join(f"{what}, {layout}" for what in ("training", "inference")
                                              for layout in LAYOUTS) + " |\n|---|---|---|---|---|---|")  # fmt: skip
    for backbone in options.backbones:
        size, speeds = measure(backbone, options.batch, options.rounds, device)
        print(f"| `{backbone}` | {size} | " + " | ".join(f"{speed:.1f}" for speed in speeds) + " |", flush=True)


def measure(name: str, batch: int, rounds: int, device: torch.device) -> tuple[int, list[float]]:
    """Return the size of the images, and images per second: training in each layout, then inference in each."""
    steps: dict[tuple[str, str], Callable[[], None]] = {}
    size = 0
    for layout, memory_format in LAYOUTS.items():
        torch.manual_seed(0)
        backbone = create_backbone(name).to(device).to(memory_format=memory_format)
        size = backbone.image_size
        images = torch.randn(batch, 3, size, size, device=device)
        steps["training", layout] = make_training_step(backbone, images)
        steps["inference", layout] = make_inference_step(backbone, images)
    # with one thread, the time of the processor does not depend on what else it does
    clock = time.process_time if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(rounds + 1):  # the first round is a warm-up
        for key, step in steps.items():
            started = clock()
            step()
            if device.type == "cuda":
                torch.cuda.synchronize()
            best[key] = min(best[key], clock() - started)
    return size, [batch / best[what, layout] for what in ("training", "inference") for layout in LAYOUTS]


def make_training_step(backbone: Any, images: torch.Tensor) -> Callable[[], None]:
    """Return a function that makes one step."""
    optimizer = torch.optim.AdamW(backbone.parameters(), lr=1e-4)

    def step() -> None:
        backbone.train()
        optimizer.zero_grad(set_to_none=True)
        backbone.embed(images).square().mean().backward()
        optimizer.step()

    return step


def make_inference_step(backbone: Any, images: torch.Tensor) -> Callable[[], None]:
    """Return a function that embeds the images."""

    def step() -> None:
        backbone.eval()
        with torch.inference_mode():
            backbone.embed(images)

    return step


if __name__ == "__main__":
    main()
