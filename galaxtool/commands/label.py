"""The command ``label``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.labeling.options import LabelOptions, ReplayOptions, Start, make_question, make_replay_options
from galaxtool.labeling.results import LabelResult
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def label(
    inputs: Sequence[str | Path],
    *,
    output: Path | None = None,
    wanted: str | None = None,
    classes: Sequence[str] = (),
    taxonomy: str | None = None,
    scale: str | None = None,
    by: str = "me",
    text: str | None = None,
    symbol: str | None = None,
    image: str | None = None,
    id: str | None = None,
    labels: Path | None = None,
    label_column: str | None = None,
    rank: Path | None = None,
    replay: Path | None = None,
    pages: int = 3,
    runs: int = 10,
    seed: int = 0,
    host: str = "127.0.0.1",
    port: int = 0,
    browser: bool = True,
    model: str | Path | None = None,
    layer: str = "joint",
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
) -> LabelResult:
    """Label a few images and rank the rest with a model trained on those labels.

    INPUTS are an index, a file that `galaxtool embed` wrote, or images, which are embedded first. Every answer is added
    to labels.csv at once, and a later call resumes from there.

    Parameters
    ----------
    inputs : sequence of str or Path
        One index directory, one file of embeddings, or images: folders, files, globs, archives, stacks or catalogues.
    output : Path, optional
        Log of labels to add to, by default labels.csv; with --replay the folder to write, by default replay.
    wanted : str, optional
        Label to look for: with --classes, the class to rank by; with --replay, the label in that table; otherwise the
        name of the positive label.
    classes : sequence of str
        2 to 30 classes, separated by commas; the first nine have keys. By default, one question: wanted or not.
    taxonomy : str, optional
        Taxonomy whose classes to choose from; see `galaxtool taxonomies`.
    scale : str, optional
        Lowest and highest grade of interest, such as 0-5, instead of classes.
    by : str
        Name of the person who labels. Several people can label in turn; their agreement is printed.
    text : str, optional
        Description of what to look for first.
    symbol : str, optional
        Symbol to look for first: a class of the model, or a file with a drawing.
    image : str, optional
        Image file of an example to start from.
    id : str, optional
        Identifier of an example to start from. Without any example or description, the oddest objects come first.
    labels : Path, optional
        Table of labels of these objects to start from, such as an earlier labels.csv.
    label_column : str, optional
        Column of the labels in that table, or in the table of --replay.
    rank : Path, optional
        Table to write with the scores of all objects, given the labels so far, the best candidates first. No page is
        opened. The suffix selects the format: .csv, .ecsv, .fits, .vot or .parquet.
    replay : Path, optional
        Table with the path or id and the label of each object, which answers instead of a person, to measure how soon
        the wanted objects are found. Writes replay.json and a figure. No page is opened.
    pages : int
        Number of pages of 24 images that --replay answers.
    runs : int
        Number of repetitions of --replay, each from a different example.
    seed : int
        Random seed for the objects drawn at random.
    host : str
        Address to listen on; by default, only programs on this machine can reach the page.
    port : int
        Port to listen on; 0 for any free one.
    browser : bool
        Open the page in the browser.
    model : str, optional
        Model to embed images with; by default mini. For an index or a file of embeddings, only compared with the model
        that made them.
    {layer}
        The layer of an index or a file of embeddings is fixed.
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
        Embed the images again, even if their embeddings are in the cache. Labels are never discarded.
    {progress}

    Returns
    -------
    LabelResult
        The labels so far, and what was written. Its `wait` serves the page until Ctrl-C, and its `stop` ends it.

    Raises
    ------
    ConfigError
        If options contradict each other, or the log has labels of other classes.
    InputError
        If an input or a table cannot be read, or a table does not name these objects.
    GalaxtoolError
        If the log is open in another process, or cannot be written.
    """
    from galaxtool.labeling.run import run_label
    from galaxtool.search.features import FeatureArgs
    from galaxtool.webserver.server import ServerOptions

    reading = ReadingOptions(
        hdu=hdu, each_hdu=each_hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu,
        pixel_scale=pixel_scale, pixels=pixels, size_arcsec=size_arcsec, stretch=stretch, image_column=image_column,
        id_column=id_column, ra_column=ra_column, dec_column=dec_column, table=table,
    )  # fmt: skip
    args = FeatureArgs(
        inputs=inputs, model=None if model is None else str(model), reading=reading,
        compute=ComputeOptions(engine=engine, device=device, layer=layer), overwrite=overwrite,
    )  # fmt: skip
    options: LabelOptions | ReplayOptions
    if replay is not None:
        options = make_replay_options(
            replay, wanted, output, label_column=label_column, pages=pages, runs=runs, seed=seed,
            others={
                "rank": rank, "labels": labels, "classes": classes, "taxonomy": taxonomy, "scale": scale, "text": text,
                "symbol": symbol, "image": image, "id": id,
            },
        )  # fmt: skip
    else:
        options = LabelOptions(
            output=output or Path("labels.csv"), question=make_question(classes, scale, wanted, taxonomy), by=by,
            start=Start(text=text, symbol=symbol, image=image, id=id, labels=labels, label_column=label_column),
            rank=rank, seed=seed,
        )  # fmt: skip
    server = ServerOptions(host=host, port=port, browser=browser)
    return run_label(args, options, server, progress or Silent())
