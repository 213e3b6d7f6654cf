"""The command ``cluster``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.clustering.options import ClusterOptions
from galaxtool.clustering.results import ClusterResult
from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.errors import ConfigError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def cluster(
    inputs: Sequence[str | Path],
    *,
    output: Path,
    model: str | Path | None = None,
    backbone: str | None = None,
    layer: str = "joint",
    method: str = "kmeans",
    clusters: int | None = None,
    min_size: int | None = None,
    variance: float = 0.95,
    labels: str | Path | None = None,
    label_column: str | None = None,
    names: Sequence[str] = (),
    seed: int = 0,
    hdu: str | None = None,
    each_hdu: bool = False,
    bands: Sequence[str] = (),
    pattern: str | None = None,
    mask_hdu: str | None = None,
    weight_hdu: str | None = None,
    pixel_scale: float | None = None,
    pixels: str = "auto",
    size_arcsec: float | None = None,
    stretch: str | None = None,
    image_column: str | None = None,
    id_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    table: str | None = None,
    engine: str = "auto",
    device: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ClusterResult:
    """Group cutouts by their features, and compare the groups with labels.

    The features are reduced to principal components and grouped. Where labels exist, each cluster is matched with at
    most one label, and the match is scored, with the majority class and random clusters as baselines. The output is a
    folder with the table clusters.csv, the page clusters.html, figures and metrics.json.

    Parameters
    ----------
    inputs : sequence of str or Path
        An index, a file of embeddings (see `galaxtool embed`), or cutouts: folders, image files, globs, archives,
        stacks or catalogues, which are embedded first. Their embeddings are kept in the cache.
    output : Path
        Folder to write.
    model : str or Path, optional
        Model to embed cutouts with, by default mini; for an index or a file of embeddings, the one that it was made
        with.
    backbone : str, optional
        Backbone to embed cutouts with instead of a model, as it is and without any training on galaxies, such as
        dinov1-s; see `galaxtool backbones`.
    {layer}
        The layer of an index or a file of embeddings is fixed.
    method : str
        Method: kmeans, or hdbscan, which finds the number of clusters itself and leaves images in sparse regions out.
    clusters : int, optional
        Number of clusters of kmeans; by default the number of different labels, or 10 without labels.
    min_size : int, optional
        Number of images of the smallest cluster of hdbscan; by default one percent of all, at least 5.
    variance : float
        Share of the variance that the principal components keep; 1 to group the features as they are.
    labels : str or Path, optional
        Data set with the labels of the same images: a folder with a sub-folder for each class or a labels.csv, or a
        catalogue. By default the labels of the cutouts themselves, if they have any.
    {label_column}
    names : sequence of str
        Names to choose from for the clusters, such as ring,spiral: a model with a text encoder gives each cluster the
        nearest one. By default the classes of the model.
    seed : int
        Random seed of the centres, the bootstrap and the random clusters.
    {hdu}
    {each_hdu}
    {bands}
    {pattern}
    {mask_hdu}
    {weight_hdu}
    {pixel_scale}
    {pixels}
    {size_arcsec}
    {stretch}
    {image_column}
    {id_column}
    {ra_column}
    {dec_column}
    {table}
    {engine}
    {device}
    overwrite : bool
        Replace the folder of an earlier run.
    {progress}

    Returns
    -------
    ClusterResult
        The clusters and their scores, and the path of the folder.

    Raises
    ------
    InputError
        If an input does not exist, there are fewer images than clusters, or `labels` has none of these images.
    ConfigError
        If options do not fit each other, or the features.
    OutputExists
        If the folder is not empty, unless `overwrite` is set.
    """
    from galaxtool.clustering.cluster import cluster_inputs
    from galaxtool.search.features import FeatureArgs

    if model is not None and backbone is not None:
        raise ConfigError("Both --model and --backbone are given.", hint="Give one of them.")
    options = ClusterOptions(
        output=Path(output), method=method, clusters=clusters, min_size=min_size, variance=variance,
        labels=None if labels is None else str(labels), label_column=label_column, names=names, seed=seed,
    )  # fmt: skip
    args = FeatureArgs(
        inputs=inputs,
        model=None if model is None else str(model),
        reading=ReadingOptions(
            hdu=hdu, each_hdu=each_hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu,
            pixel_scale=pixel_scale, pixels=pixels, size_arcsec=size_arcsec, stretch=stretch,
            image_column=image_column, id_column=id_column, ra_column=ra_column, dec_column=dec_column, table=table,
        ),
        compute=ComputeOptions(engine=engine, device=device, layer=layer),
    )  # fmt: skip
    return cluster_inputs(args, options, backbone, overwrite, progress or Silent())
