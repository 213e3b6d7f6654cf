"""What a finished training leaves in its run directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from galaxtool import __version__
from galaxtool.files import replacing, sha256_of, write_json
from galaxtool.pipelines.training_data import Labelled, data_record
from galaxtool.registry import get_registry
from galaxtool.runs import RunDirectory, utc_now
from galaxtool.specs import Citation, MethodSpec

if TYPE_CHECKING:
    from galaxtool.backbones.create import BackboneName
    from galaxtool.training.task import Task
    from galaxtool.training.trainer import Outcome


def note_inputs(run: RunDirectory, settings: Mapping[str, Any], labelled: Labelled) -> None:
    """Write ``config.toml``, and the data sets with the digest of the split into the manifest."""
    import tomli_w

    plain = {
        key: [str(v) for v in value]
        if isinstance(value, (list, tuple))
        else value
        if isinstance(value, (int, float))
        else str(value)
        for key, value in settings.items()
        if value is not None
    }
    with replacing(run.path / "config.toml") as temporary:
        temporary.write_text(tomli_w.dumps({"finetune": plain}), encoding="utf-8")
    run.manifest["inputs"] = [
        {"name": dataset.name, "images": len(dataset.items), "split_sha256": sha256_of(run.path / "split.csv")}
        for dataset in labelled.datasets
    ]
    run.save()


def finish_run(
    run: RunDirectory,
    settings: Mapping[str, Any],
    task: Task,
    outcome: Outcome,
    labelled: Labelled,
    name: BackboneName,
    method: MethodSpec,
) -> dict[str, Any]:
    """Score the best epoch, write ``metrics.json``, figures and the model directory; return the metrics."""
    import torch

    from galaxtool.models.directory import save_model
    from galaxtool.models.network import GalaxyModel
    from galaxtool.models.record import ModelRecord
    from galaxtool.training.metrics import classification_metrics
    from galaxtool.training.trainer import embed_pictures
    from galaxtool.vision.figures import draw_confusion, draw_history

    features = embed_pictures(task, task.valid)
    model = GalaxyModel(task.backbone, outcome.head, outcome.symbol_tower).eval()
    with torch.inference_mode():
        probabilities = torch.softmax(outcome.head(features).float(), dim=1).cpu().numpy()
        unit = torch.nn.functional.normalize(features, dim=1).cpu().numpy()
    metrics = {
        "split": "valid",
        "best_epoch": outcome.best["epoch"],
        **classification_metrics(probabilities, task.valid.targets, unit, seed=settings["seed"]),
    }
    write_json(run.path / "metrics.json", metrics)
    draw_history(outcome.history, outcome.best["epoch"], run.path / "figures" / "history.png")
    draw_confusion(
        task.valid.targets, probabilities.argmax(axis=1), task.taxonomy.slugs, run.path / "figures" / "confusion.png"
    )
    citations = _citations(labelled, name, method)
    record = ModelRecord(
        name=run.path.name,
        backbone=str(name),
        dim=task.backbone.dim,
        head=method.head,
        preprocess=task.preprocess.as_dict(),
        taxonomy=task.taxonomy.as_dict(),
        method={"name": method.name, **asdict(task.options)},
        data=data_record(labelled, settings["where"]),
        metrics=metrics,
        has_text="text" in method.needs,
        has_symbol_tower=outcome.symbol_tower is not None,
        licence=name.weights.licence if name.weights else "",
        citations=citations,
        notes="Scores are of the validation split of its own training data.",
        created=utc_now(),
        galaxtool=__version__,
    )
    save_model(run.path / "model", model, record, task.taxonomy)
    run.manifest["metrics"] = metrics
    run.manifest["citations"] = citations
    return metrics


def _citations(labelled: Labelled, name: BackboneName, method: MethodSpec) -> list[dict[str, str]]:
    registry = get_registry()
    known = {r.spec.name: r.spec.citation for r in registry.specs("dataset")}
    found: Iterable[Citation | None] = (
        method.citation,
        name.spec.citation,
        name.weights.citation if name.weights else None,
        *(known.get(dataset.name) for dataset in labelled.datasets),
        *labelled.taxonomy.citations,
    )
    return [asdict(c) for c in dict.fromkeys(found) if c is not None]
