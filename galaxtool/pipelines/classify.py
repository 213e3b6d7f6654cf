"""Classifying cutouts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError, InputError, ModelError
from galaxtool.types import Progress, Silent

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table

    from galaxtool.io.inputs import Inputs
    from galaxtool.models.engines import Engine
    from galaxtool.pipelines.scoring import ScoredBatch

_BATCHES_A_PART = 16
_NAMED = 10  # unreadable inputs named on the screen; the table names them all


@dataclass(frozen=True)
class ClassifyResult:
    """What a classification wrote.

    Parameters
    ----------
    output : Path
        The table.
    n : int
        Rows.
    labels : dict
        Class -> how many.
    errors : int
        Rows with an error.
    skipped : dict
        Why members of folders were passed over -> how many.
    engine, model : str
    model_digest : str
    table : astropy.table.Table
        As written.
    """

    output: Path
    n: int
    labels: dict[str, int]
    errors: int
    skipped: dict[str, int]
    engine: str
    model: str
    model_digest: str
    table: Table = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, without the table."""
        return {
            "output": str(self.output),
            "n": self.n,
            "labels": self.labels,
            "errors": self.errors,
            "skipped": self.skipped,
            "engine": self.engine,
            "model": self.model,
            "model_digest": self.model_digest,
        }


def classify(
    inputs: Sequence[str | Path],
    *,
    model: str = "mini",
    output: Path = Path("predictions.csv"),
    engine: str = "auto",
    top_k: int = 1,
    hdu: str | None = None,
    image_column: str | None = None,
    id_column: str | None = None,
    batch_size: int = 64,
    precision: str = "auto",
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
) -> ClassifyResult:
    """Classify cutouts and write a table of probabilities.

    One row for each input, in input order: the columns of an input catalogue, then id, path, ra, dec, label,
    probability, p_<class> for each class, flags and error. An image that cannot be read is a row with an error.

    Parameters
    ----------
    inputs : sequence of str or Path
        Folders, files, globs and catalogues with a column of paths.
    model : str
        Registered name, model or run directory, or .onnx file.
    output : Path
        Table to write; its suffix chooses the format: .csv, .ecsv, .fits, .vot or .parquet.
    engine : str
        auto, onnx or torch; auto takes ONNX where the model has it.
    top_k : int
        For more than 1, further columns label_2, probability_2 and so on.
    hdu : str, optional
        HDU of FITS files, by number or EXTNAME; by default the first with an image.
    image_column, id_column : str, optional
        Columns of a catalogue, where they do not have one of the usual names.
    batch_size : int
        Images scored at once.
    precision : str
        auto, fp32, bf16 or fp16; other than fp32 with the torch engine only.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    resume : bool
        Go on with an interrupted job on the same output.
    overwrite : bool
        Throw away an interrupted job on the same output.
    strict : bool
        Exit with status 1 if any input has an error; the table is written all the same.

    Returns
    -------
    ClassifyResult

    Raises
    ------
    InputError
        If there is nothing to classify, nothing can be read, or `strict` and something cannot.
    ModelError, UnknownName
        If the model cannot be used.
    """
    from galaxtool.io.inputs import gather
    from galaxtool.io.tables import check_table_path, write_table
    from galaxtool.models.engines import open_engine
    from galaxtool.models.find import find_model

    progress = progress or Silent()
    if batch_size < 1 or top_k < 1:
        raise ConfigError("--batch-size and --top-k must be at least 1.")
    output = Path(output)
    check_table_path(output)
    files = find_model(model)
    gathered = gather(inputs, image_column=image_column, id_column=id_column)
    opened = open_engine(files, engine, device, precision)
    if opened.record.head == "none":
        raise ModelError(
            f"The model '{model}' has learned without labels and has no classes.",
            hint="Use it to embed or index, or train its classes: galaxtool finetune DATASET --method linear-probe "
            f"--backbone {opened.record.backbone.partition('@')[0]}@PATH/weights.safetensors",
        )
    arrays = _score_all(gathered, opened, output, batch_size, hdu, resume, overwrite, progress)
    table = _table(gathered, opened, arrays, top_k)
    write_table(table, output, meta=_provenance(opened, model))
    arrays["unfinished"].discard()
    errors = [str(e) for e in arrays["error"] if e]
    result = ClassifyResult(
        output=output,
        n=len(table),
        labels=dict(Counter(str(label) for label in table["label"].filled("") if label).most_common()),
        errors=len(errors),
        skipped=dict(gathered.skipped),
        engine=opened.name,
        model=model,
        model_digest=opened.record.digest,
        table=table,
    )
    _complain(result, errors, strict, progress)
    return result


def _score_all(
    gathered: Inputs,
    engine: Engine,
    output: Path,
    batch_size: int,
    hdu: str | None,
    resume: bool,
    overwrite: bool,
    progress: Progress,
) -> dict[str, Any]:
    """Score every input, part by part, and return the joined arrays with the folder that holds the parts."""
    from galaxtool.files import digest_of
    from galaxtool.pipelines.scoring import score_batches
    from galaxtool.pipelines.unfinished import Unfinished
    from galaxtool.types import batches

    about = {
        "model": engine.record.digest,
        "engine": engine.name,
        "precision": getattr(engine, "precision", "fp32"),
        "batch size": batch_size,
        "hdu": hdu,
        "inputs": digest_of([[item.id, str(item.path)] for item in gathered.items]),
    }
    unfinished = Unfinished(output, about, resume=resume, overwrite=overwrite)
    try:
        progress.start("Classifying", len(gathered.items))
        per_part = batch_size * _BATCHES_A_PART
        done = len(unfinished.parts)
        progress.advance(min(done * per_part, len(gathered.items)))
        for part in batches(gathered.items[done * per_part :], per_part):
            scored = []
            for batch in score_batches(part, engine, batch_size=batch_size, hdu=hdu):
                scored.append(_arrays(batch, len(engine.record.slugs)))
                progress.advance(len(batch.reads))
            unfinished.add(**_joined(scored))
    except BaseException:
        unfinished.close()
        raise
    return {**unfinished.collect(), "unfinished": unfinished}


def _arrays(batch: ScoredBatch, k: int) -> dict[str, np.ndarray]:
    """Return a batch's rows as plain arrays; probabilities of what could not be read are NaN."""
    import numpy as np

    probabilities = np.full((len(batch.reads), k), np.nan, dtype=np.float32)
    probabilities[[i for i, read in enumerate(batch.reads) if not read.error]] = batch.scores.probabilities
    return {
        "probabilities": probabilities,
        "ra": np.array([np.nan if read.ra is None else read.ra for read in batch.reads], dtype=float),
        "dec": np.array([np.nan if read.dec is None else read.dec for read in batch.reads], dtype=float),
        "flags": np.array([" ".join(read.flags) for read in batch.reads], dtype=np.str_),
        "error": np.array([read.error for read in batch.reads], dtype=np.str_),
    }


def _joined(scored: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    import numpy as np

    return {name: np.concatenate([one[name] for one in scored]) for name in scored[0]}


def _table(gathered: Inputs, engine: Engine, arrays: dict[str, Any], top_k: int) -> Table:
    import numpy as np
    from astropy.table import MaskedColumn

    from galaxtool.io.predictions import prediction_table
    from galaxtool.pipelines.scoring import outcomes

    probabilities = arrays["probabilities"]
    labelled = outcomes(engine.record, probabilities)
    table = prediction_table(
        gathered.items,
        engine.record.slugs,
        probabilities,
        outcomes=labelled,
        columns=gathered.columns,
        ra=[None if np.isnan(x) else float(x) for x in arrays["ra"]],
        dec=[None if np.isnan(x) else float(x) for x in arrays["dec"]],
        flags=[str(f).split() for f in arrays["flags"]],
        errors=[str(e) for e in arrays["error"]],
    )
    failed = np.isnan(probabilities).any(axis=1)
    slugs, chances = labelled or (engine.record.slugs, probabilities)
    order = np.argsort(-np.nan_to_num(chances), axis=1, kind="stable")
    for rank in range(1, min(top_k, len(slugs))):
        which = order[:, rank]
        before = table.colnames.index("flags")
        label = MaskedColumn(np.array(slugs)[which], mask=failed, name=f"label_{rank + 1}")
        value = MaskedColumn(chances[np.arange(len(which)), which], mask=failed, name=f"probability_{rank + 1}")
        table.add_columns([label, value], indexes=[before, before])
    return table


def _complain(result: ClassifyResult, errors: Sequence[str], strict: bool, progress: Progress) -> None:
    """Say what was skipped and what could not be read; raise where that is a failure."""
    for reason, n in result.skipped.items():
        progress.say(f"Skipped {n}: {reason}.")
    for error in errors[:_NAMED]:
        progress.say(f"Unreadable: {error}")
    if len(errors) > _NAMED:
        progress.say(f"Unreadable: {len(errors) - _NAMED} more; the table's error column names them all.")
    if result.errors == result.n:
        what = "The only input" if result.n == 1 else f"None of the {result.n} inputs"
        could = "could not be read" if result.n == 1 else "could be read"
        raise InputError(f"{what} {could}.", hint=f"The error column of '{result.output}' says why.")
    if strict and result.errors:
        raise InputError(
            f"{result.errors} of {result.n} inputs could not be read, and --strict was given.",
            hint=f"The error column of '{result.output}' says why.",
        )


def _provenance(engine: Engine, model: str) -> dict[str, str]:
    from galaxtool import __version__
    from galaxtool.config import invocation
    from galaxtool.runs import utc_now

    return {
        "MODEL": model,
        "MODELSHA": engine.record.digest,
        "ENGINE": engine.name,
        "GALAXTOO": __version__,
        "CREATED": utc_now(),
        "COMMAND": " ".join(invocation.get().argv),
    }
