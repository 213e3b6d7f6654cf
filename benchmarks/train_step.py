"""Measure a training step of each method, and of GalaxAlign written out with N symbols and N prompts.

    python benchmarks/train_step.py --backbone open_clip:ViT-B-16@none --batch 64
    python benchmarks/train_step.py --backbone open_clip:ViT-B-16@none --batch 128 --checkpointing
    python benchmarks/train_step.py --backbone small-resnet@none --batch 64 --rounds 15

A step consists of augmentation, forward and backward passes, gradient clipping and AdamW, on random pictures of ten
classes. Written out, GalaxAlign encodes a symbol and a prompt for every image of the batch and compares N with N, as
printed by Wang et al. 2024; the script also prints its loss, which should agree with galaxtool's. ``open_clip`` is
OpenCLIP's own model, ClipLoss and AdamW on N prompts and the same images, already augmented; ``clip`` is galaxtool's
method. The variants take turns, and the script prints the median over the rounds.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time

NAMES = ["supervised", "galaxalign, stage 1", "galaxalign, stage 2", "written out", "clip", "open_clip"]


def main() -> None:
    """Read the arguments, then measure; this imports PyTorch and takes seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="open_clip:ViT-B-16@none", help="backbone to train")
    parser.add_argument("--batch", type=int, default=64, help="batch size")
    parser.add_argument("--rounds", type=int, default=3, help="number of steps of each variant; the median counts")
    parser.add_argument("--checkpointing", action="store_true", help="use gradient checkpointing")
    parser.add_argument("--precision", default="auto", help="see galaxtool finetune")
    parser.add_argument("--device", default="auto", help="see galaxtool finetune")
    parser.add_argument("--arms", nargs="+", choices=NAMES, default=NAMES, metavar="ARM", help="; ".join(NAMES))
    options = parser.parse_args()
    measure(options)


def measure(options: argparse.Namespace) -> None:
    """Measure the variants and print the table."""
    import torch
    from train_step_variants import VARIANTS, make_task

    from galaxtool.vision.device import choose_device, choose_precision

    device = choose_device(options.device)
    precision = choose_precision(options.precision, device)
    times: dict[str, list[float]] = {arm: [] for arm in options.arms}
    losses = {}
    for _ in range(options.rounds):
        for arm in options.arms:
            torch.manual_seed(0)
            # created again each time, so that the weights and AdamW moments of only one variant are in memory
            step = VARIANTS[arm](make_task(options, device, precision))
            losses.setdefault(arm, step())  # also a warm-up
            started = time.perf_counter()
            step()
            times[arm].append(time.perf_counter() - started)
            del step
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{platform.machine()}, {os.cpu_count()} cores"
    print(
        f"{options.backbone}, batch {options.batch}, ten classes, {precision}, {name}, torch {torch.__version__}"
        + (", gradient checkpointing" if options.checkpointing else "")
    )
    print("\n| step | s | images/s | / supervised | / written out | first loss |\n|---|---|---|---|---|---|")
    median = {arm: statistics.median(values) for arm, values in times.items()}
    for arm, seconds in median.items():
        to_supervised = seconds / median["supervised"] if "supervised" in median else float("nan")
        to_written = seconds / median["written out"] if "written out" in median else float("nan")
        print(
            f"| {arm} | {seconds:.3f} | {options.batch / seconds:.1f} | {to_supervised:.2f} | {to_written:.2f} "
            f"| {losses[arm]:.6f} |"
        )


if __name__ == "__main__":
    main()
