"""Compare whole commands of galaxtool and of Hyrax that run the same network on the same images, in turn.

    python benchmarks/beside_hyrax.py --hyrax ~/hyrax-venv/bin/python --jpgs ../shared/data/optical_gz1_coarse

Hyrax has an environment of its own, because it needs other versions of some packages. `hyrax_parts.py` gives it the
plain reading of `loop_plain.py` and the ONNX file of the model. It runs with each setting of `SETTINGS`, and the
fastest counts. The rate of the loop follows from the difference between two numbers of images.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from loop_inputs import ImageSource
from loop_stages import make_models
from whole_commands import Timings, time_galaxtool

from galaxtool.models.find import ONNX, RECORD
from galaxtool.models.record import ModelRecord

HERE = Path(__file__).resolve().parent
COUNTS = {"jpg": (800, 2672), "fits-3x256": (2000, 6000)}

SETTINGS = ((0, 2), (2, 1))
"""Processes that read and threads of the network; Hyrax's own default is to read in the main process."""


def main() -> None:
    """Make the images, run the commands and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hyrax", type=Path, required=True, help="Python interpreter of an environment with Hyrax")
    parser.add_argument("--jpgs", type=Path, nargs="*", default=[], help="folders with real JPGs")
    parser.add_argument("--formats", nargs="+", default=list(COUNTS), choices=COUNTS)
    parser.add_argument("--rounds", type=int, default=2, help="rounds; the best counts")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}", flush=True)
    print("\n| images | number | program | seconds | / fastest Hyrax | loop, images/s | / fastest Hyrax |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="hyrax-") as name:
        folder = Path(name)
        jpgs = sorted(path for one in options.jpgs for path in one.rglob("*.jpg"))
        source, models = ImageSource(folder / "images", 64, jpgs), make_models("mini", folder / "m", ["fp32", "int8"])
        for kind in options.formats:
            compare(kind, source, models, folder, options)
    print(f"\nload {os.getloadavg()[0]:.1f}")


def compare(kind: str, source: ImageSource, models: dict[str, Path], folder: Path, options: argparse.Namespace) -> None:
    """Print the rows of one format."""
    few, many = (source.make_set(kind, count)[0] for count in COUNTS[kind])
    timings = Timings("Hyrax", *COUNTS[kind])
    for _ in range(options.rounds):
        for count, images in zip(COUNTS[kind], (few, many), strict=True):
            for setting in SETTINGS:
                seconds = time_hyrax(options.hyrax, images, models["fp32"], folder / "hyrax", *setting)
                timings.keep("Hyrax, {} readers, {} threads".format(*setting), count, seconds)
            for precision, model in models.items():
                timings.keep(f"galaxtool, {precision}", count, time_galaxtool(images, model, folder / "p.csv"))
    for one, times in timings.best.items():
        print(f"| {kind} | {timings.many} | {one} | {times[timings.many]:.1f} | {timings.lead(one, timings.many)} | "
              f"{timings.rate(one):.0f} | {timings.rate_lead(one)} |", flush=True)  # fmt: skip


def time_hyrax(python: Path, images: Path, model: Path, folder: Path, readers: int, threads: int) -> float:
    """Return the seconds of `hyrax infer`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    preprocess = ModelRecord.read(model / RECORD).make_preprocess()
    (folder / "weights").touch()
    (folder / "hyrax.toml").write_text(f"""
[general]
results_dir = "{folder}/results"
dev_mode = true
[model]
name = "hyrax_parts.OnnxNet"
[hyrax_parts]
size = {preprocess.size}
crop = {preprocess.crop}
onnx = "{model / ONNX}"
threads = {threads}
[infer]
model_weights_file = "{folder}/weights"
[data_loader]
batch_size = 64
num_workers = {readers}
[data_request.infer.data]
dataset_class = "hyrax_parts.Cutouts"
data_location = "{images}"
fields = ["image"]
primary_id_field = "object_id"
""")
    command = [python.parent / "hyrax", "infer", "--runtime-config", folder / "hyrax.toml"]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    start = time.perf_counter()
    with (folder / "log").open("w") as log:
        ended = subprocess.run(command, env=environment, cwd=folder, stdout=log, stderr=log, check=False)
    if ended.returncode:
        sys.exit((folder / "log").read_text()[-2000:])
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
