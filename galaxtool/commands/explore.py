"""The command ``explore``."""

from __future__ import annotations

from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths
from galaxtool.webserver.served_page import ServedPage


@accept_paths
@describe_shared_options
def explore(
    index: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    browser: bool = True,
    model: str | Path | None = None,
    hdu: str | None = None,
    pixel_scale: float | None = None,
    size_arcsec: float | None = None,
    stretch: str | None = None,
    engine: str = "auto",
    device: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ServedPage:
    """Explore images in the browser: search, a map, collections.

    INDEX is an index, a file that `galaxtool embed` wrote, or images, which are indexed first. The page is served on
    this machine until Ctrl-C. Its address contains a token, and nobody can use the page without it. No internet
    connection is needed.

    Parameters
    ----------
    index : Path
        Index directory, file of embeddings, or a folder, archive or catalogue of images; the index of images is kept in
        the cache.
    host : str
        Address to listen on; by default, only programs on this machine can reach the page.
    port : int
        Port to listen on; 0 for any free one.
    browser : bool
        Open the page in the browser.
    model : str, optional
        Model to index images with; by default mini. For an index or a file of embeddings, only compared with the model
        that made them.
    {hdu}
    {pixel_scale}
    {size_arcsec}
    {stretch}
    {engine}
    {device}
    overwrite : bool
        Index the images again, even if their index is in the cache.
    {progress}

    Returns
    -------
    ServedPage
        The address of the page. Call its `wait` to serve until Ctrl-C, or its `stop` to end it.

    Raises
    ------
    ConfigError
        If the port is in use, or the value of an option cannot be used.
    InputError
        If the index does not exist or cannot be read.
    IndexMismatch
        If the index was built with another model than the given one.

    Notes
    -----
    Maps and collections are kept beside INDEX, in a folder of the same name that ends in ``.explore``, or in the cache
    if that cannot be written.
    """
    from galaxtool.explorer.page import open_page
    from galaxtool.search.features import FeatureArgs
    from galaxtool.webserver.server import ServerOptions

    reading = ReadingOptions(hdu=hdu, pixel_scale=pixel_scale, size_arcsec=size_arcsec, stretch=stretch)
    return open_page(
        Path(index),
        FeatureArgs(
            inputs=[index], model=None if model is None else str(model), reading=reading,
            compute=ComputeOptions(engine=engine, device=device), overwrite=overwrite,
        ),
        ServerOptions(host=host, port=port, browser=browser),
        progress or Silent(),
    )  # fmt: skip
