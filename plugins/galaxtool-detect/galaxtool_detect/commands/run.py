"""The command ``detect run``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxtool import Progress


@dataclass(frozen=True)
class RunResult:
    """The result of `run`.

    Parameters
    ----------
    output : Path
        The catalogue.
    maps : int
        Number of maps that were read.
    sources : int
        Number of sources.
    classes : dict
        Class -> number of sources.
    files : list of Path
        All files that were written.
    failed : list of Path
        Maps that could not be read.
    """

    output: Path
    maps: int
    sources: int
    classes: dict[str, int]
    files: list[Path] = field(default_factory=list)
    failed: list[Path] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        names = {"files": [str(file) for file in self.files], "failed": [str(file) for file in self.failed]}
        return {**vars(self), "output": str(self.output), **names}


def run(
    inputs: list[Path],
    *,
    model: str = "radio",
    output: Path = Path("sources.csv"),
    components: Path | None = None,
    regions: Sequence[Path] = (),
    overlay: Path | None = None,
    html: Path | None = None,
    join: bool = True,
    hdu: str | None = None,
    threshold: float | None = None,
    upscale: float | None = None,
    overlap: float = 0.25,
    batch_size: int = 8,
    device: str = "auto",
    precision: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> RunResult:
    """Find the sources in maps of any size and write a catalogue.

    Pixels stay floats: each window is divided by a robust estimate of its noise. Degenerate axes are dropped, and parts
    of a map without data are skipped. What was found is kept beside the output until the end, and --resume continues an
    interrupted run.

    Parameters
    ----------
    inputs : list of Path
        Maps: FITS files, pictures, or folders of them.
    model : str
        Detector that comes with the plugin, folder of a run of detect train, or .onnx file of detect export.
    output : Path
        Catalogue to write; the suffix decides the format.
    components : Path, optional
        Catalogue of all boxes, of which a source may have several.
    regions : sequence of Path
        Region files: .reg for DS9, .crtf for CASA.
    overlay : Path, optional
        Figure of the map with the boxes: .png, .jpg or .pdf.
    html : Path, optional
        Page with a picture of every source.
    join : bool
        Join boxes that are parts of one source.
    hdu : str, optional
        Number or name of the HDU of FITS files; by default the first with an image.
    threshold : float, optional
        Least score of a source, from 0.05 to 1; by default that of the best F1 when the detector was trained.
    upscale : float, optional
        Factor by which maps are enlarged; by default that of the training, unless the beam has quite another width.
    overlap : float
        Share of a window that it has in common with the next.
    batch_size : int
        Number of windows that pass through the network at once.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    precision : {"auto", "fp32", "bf16", "fp16"}
        Precision of backbone and pyramid; auto is fp32.
    resume : bool
        Resume an interrupted job with the same output.
    overwrite : bool
        Discard an interrupted job with the same output. A finished table is always replaced.
    progress : Progress, optional
        Receives the progress.

    Returns
    -------
    RunResult
        Number of sources, and the path of the catalogue.

    Raises
    ------
    OutputExists
        If there is unfinished work on this output, and neither `resume` nor `overwrite` is set, or if an output is one
        of the maps.
    InputError
        If an input does not exist, or the unfinished work has other inputs or settings.
    UnreadableImage
        If a map cannot be read.
    """
    from galaxtool import JobOptions, Silent, refuse_inputs
    from galaxtool_detect.catalog.write import CatalogueOutputs
    from galaxtool_detect.inference.catalogue import detect_and_write
    from galaxtool_detect.inference.run import RunSettings

    settings = RunSettings(
        model=model,
        hdu=hdu,
        threshold=threshold,
        upscale=upscale,
        overlap=overlap,
        batch_size=batch_size,
        device=device,
        precision=precision,
    )
    outputs = CatalogueOutputs(
        table=Path(output),
        components=components,
        regions=tuple(Path(path) for path in regions),
        overlay=overlay,
        html=html,
    )
    named = (("--output", outputs.table), ("--components", components), ("--overlay", overlay), ("--html", html))
    for flag, path in (*named, *(("--regions", path) for path in outputs.regions)):
        refuse_inputs({flag: path}, inputs)
    paths = [Path(one) for one in inputs]
    options = JobOptions(resume=resume, overwrite=overwrite)
    outcome = detect_and_write(paths, settings, outputs, progress or Silent(), options=options, join=join)
    return RunResult(
        Path(output), outcome.maps, sum(outcome.classes.values()), outcome.classes, outcome.files, outcome.failed
    )
