"""The command ``detect evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxtool import Progress


@dataclass(frozen=True)
class EvaluateResult:
    """The result of `evaluate`.

    Parameters
    ----------
    output : Path
        The folder, with scores.json, tables and a figure.
    finders : dict
        Name of the detector, catalogue or baseline -> its scores.
    """

    output: Path
    finders: dict[str, dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"output": str(self.output), "finders": self.finders}


def evaluate(
    dataset: str,
    *,
    model: str = "radio",
    detections: Sequence[Path] = (),
    beside: Sequence[str] = (),
    output: Path = Path("detect-evaluation"),
    images: Path | None = None,
    split: str | None = None,
    size_arcsec: float | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    threshold: float | None = None,
    upscale: float | None = None,
    inject: int = 0,
    one_class: bool = False,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> EvaluateResult:
    """Score a detector on images with boxes: average precision, completeness, reliability, flux bias.

    Average precisions are those of COCO, over classes and for all sources together. Completeness is given against true
    signal-to-noise and flux, reliability against the measured ones, with 95 % intervals; fluxes are compared with the
    true ones. Sources and detections are matched by position.

    Parameters
    ----------
    dataset : str
        Images with boxes: a folder or file of Pascal VOC, COCO, YOLO, or a catalogue; or with --inject an image.
    model : str
        Detector that comes with the plugin, folder of a run of detect train, or .onnx file of detect export.
    detections : sequence of Path
        Catalogues of detections to score instead of a detector, by galaxtool or by other programs.
    beside : sequence of str
        Further detectors to score on the same images; sep is a baseline without a network.
    output : Path
        Folder for scores.json, tables and a figure.
    images : Path, optional
        Image, or folder of images, that the boxes belong to; by default looked for beside them.
    split : str, optional
        Split to score: train, valid, test or all. By default test, else valid, else all.
    size_arcsec : float, optional
        Side of the boxes, for catalogues without sizes.
    ra_column, dec_column, image_column, label_column : str, optional
        Columns of a catalogue; by default those whose names say so.
    threshold : float, optional
        Least score of a detection in completeness, reliability and fluxes; by default that of the detector.
    upscale : float, optional
        Factor by which images are enlarged; by default that of the training, unless the beam has quite another width.
    inject : int
        Score on this number of point sources of known flux that are added to the images, away from other sources.
    one_class : bool
        Count boxes whatever their class.
    seed : int
        Random seed of --inject.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    precision : {"auto", "fp32", "bf16", "fp16"}
        Precision of backbone and pyramid; auto is fp32.
    overwrite : bool
        Replace earlier scores.
    progress : Progress, optional
        Receives the progress.

    Returns
    -------
    EvaluateResult
        The scores of each detector.

    Raises
    ------
    ConfigError
        If the data have classes that the detector lacks, or a setting is out of range.
    InputError
        If the data cannot be read, or have no sources.
    OutputExists
        If the folder has scores.
    """
    from galaxtool import Silent
    from galaxtool_detect.datasets.catalogue import CatalogueOptions
    from galaxtool_detect.measures.run import EvaluateOptions, run_evaluation

    options = EvaluateOptions(
        dataset=str(dataset),
        model=str(model),
        detections=tuple(Path(one) for one in detections),
        beside=tuple(beside),
        output=Path(output),
        images=None if images is None else Path(images).expanduser(),
        split=split,
        catalogue=CatalogueOptions(
            size_arcsec=size_arcsec,
            ra_column=ra_column,
            dec_column=dec_column,
            image_column=image_column,
            label_column=label_column,
        ),
        threshold=threshold,
        upscale=upscale,
        inject=inject,
        one_class=one_class,
        seed=seed,
        device=device,
        precision=precision,
        overwrite=overwrite,
    )
    scores = run_evaluation(options, progress or Silent())
    return EvaluateResult(options.output, {one.name: one.as_dict() for one in scores})
