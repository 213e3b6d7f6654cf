"""Cutouts to a file of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool import __version__
from galaxtool.pipelines.embedding import embed_batches, gather_images, say_unreadable
from galaxtool.runs import utc_now
from galaxtool.types import Progress, Silent


@dataclass(frozen=True)
class EmbedResult:
    """What `embed` wrote.

    Parameters
    ----------
    output : str
        The file.
    count, unreadable, skipped : int
        Rows; those without an embedding; files that were passed over.
    dim : int
        Length of an embedding.
    model, model_digest, preprocess_digest : str
        What made them: embeddings compare only where both digests are the same.
    """

    output: str
    count: int
    unreadable: int
    skipped: int
    dim: int
    model: str
    model_digest: str
    preprocess_digest: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def embed(
    inputs: Sequence[str | Path],
    *,
    output: Path,
    model: str = "mini",
    hdu: str | None = None,
    image_column: str | None = None,
    id_column: str | None = None,
    engine: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    batch_size: int = 64,
    progress: Progress | None = None,
) -> EmbedResult:
    """Turn cutouts into embeddings.

    One row per input, in input order. An input that cannot be read is a row of NaN with `error` filled.

    Parameters
    ----------
    inputs : sequence of str or Path
        Folders, files, patterns, or catalogues with a column of image paths.
    output : Path
        Where to write: .parquet (id, path, ra, dec, embedding, error), or .npy with the rows' identifiers beside it
        in .ids.csv and what made them in .meta.json.
    model : str
        A model's name, a model or run directory, or an .onnx file.
    hdu : str, optional
        Number or EXTNAME of the HDU to take from FITS files.
    image_column : str, optional
        Column of a catalogue that holds the images' paths.
    id_column : str, optional
        Column of a catalogue that identifies its rows.
    engine : {"auto", "onnx", "torch"}
        What runs the model; auto takes ONNX where the model has it.
    device : str
        auto, cpu, cuda, cuda:1, mps.
    precision : str
        auto, fp32, bf16 or fp16.
    batch_size : int
        Images at a time.
    progress : Progress, optional
        Told how far it is.

    Returns
    -------
    EmbedResult

    Raises
    ------
    InputError
        If an input does not exist, or no image can be read; the file is then written all the same.
    """
    from galaxtool.indexes.embeddings import Embedded, check_embedding_path, writing_embeddings
    from galaxtool.models.engines import open_engine
    from galaxtool.models.find import find_model

    progress = progress or Silent()
    output = Path(output)
    check_embedding_path(output)
    found = gather_images(inputs, progress, image_column=image_column, id_column=id_column)
    opened = open_engine(find_model(model), engine, device, precision)
    record = opened.record
    preprocess_digest = record.make_preprocess().digest
    meta = {
        "model": record.name,
        "model_digest": record.digest,
        "preprocess_digest": preprocess_digest,
        "dim": record.dim,
        "unit_length": True,
        "engine": opened.name,
        "created": utc_now(),
        "galaxtool": __version__,
    }
    errors: list[str] = []
    with writing_embeddings(output, count=len(found.items), dim=record.dim, meta=meta) as writer:
        for batch in embed_batches(found.items, opened, batch_size=batch_size, hdu=hdu, progress=progress):
            rows = [Embedded(r.item.id, str(r.item.path), r.ra, r.dec, r.error) for r in batch.reads]
            writer.write(rows, batch.vectors)
            errors.extend(row.error for row in rows if row.error)
    say_unreadable(errors, len(found.items), progress)
    return EmbedResult(
        output=str(output),
        count=len(found.items),
        unreadable=len(errors),
        skipped=found.skipped.total(),
        dim=record.dim,
        model=record.name,
        model_digest=record.digest,
        preprocess_digest=preprocess_digest,
    )
