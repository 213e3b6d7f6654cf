"""Check taxonomies, vote schemas, bundled models and recipes: what a plugin brings as files."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from galaxtool.errors import GalaxtoolError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.models.find import find_model
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.votes.load import load_schema
from galaxtool.utils.config import load_recipe

_LEAST_SIDE = 32


def check_taxonomy(name: str) -> None:
    """Check a registered taxonomy: it can be read, and every symbol is a square picture that is not blank.

    Parameters
    ----------
    name : str
        Name of the taxonomy, plain or as ``plugin:name``.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    found = get_registry().taxonomies.find(name)
    try:
        taxonomy = found.create(found.spec)
    except GalaxtoolError as error:
        raise AssertionError(f"The taxonomy '{name}' cannot be read: {error.message} {error.hint}") from error
    assert len(taxonomy.classes) > 1, f"The taxonomy '{name}' has {len(taxonomy.classes)} class; two are the least."
    seen: dict[bytes, str] = {}
    for one in taxonomy.classes:
        assert one.prompt.strip(), f"The class '{one.slug}' of '{name}' has no prompt."
        for drawing in one.drawings:
            with Image.open(drawing) as image:
                pixels = image.convert("RGB")
            assert pixels.width == pixels.height >= _LEAST_SIDE, (
                f"The symbol '{drawing.name}' of '{name}' has {pixels.width} x {pixels.height} pixels; make it square, "
                f"of at least {_LEAST_SIDE}."
            )
            assert len(set(pixels.convert("L").tobytes())) > 1, f"The symbol '{drawing.name}' is blank."
            other = seen.setdefault(pixels.tobytes(), one.slug)
            assert other == one.slug, f"The classes '{other}' and '{one.slug}' of '{name}' have the same symbol."


def check_vote_schema(name: str) -> None:
    """Check a registered vote schema: its file can be read, has the registered name, and its questions form a tree.

    Parameters
    ----------
    name : str
        Name of the schema, plain or as ``plugin:name``.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    spec = get_registry().vote_schemas.find(name).spec
    try:
        schema = load_schema(name)
    except GalaxtoolError as error:
        raise AssertionError(f"The vote schema '{name}' cannot be used: {error.message} {error.hint}") from error
    assert schema.name == spec.name, f"The file of the vote schema '{name}' names itself '{schema.name}'; use one name."
    assert len(schema.endings()) > 1, f"All objects end at the same answer of the vote schema '{name}'."


def check_model(name: str) -> None:
    """Check a trained model that a plugin brings: its directory is whole, without pickles, and states its licence.

    Parameters
    ----------
    name : str
        Registered name.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    folder = Path(get_registry().models.find(name).spec.folder)
    try:
        record = ModelRecord.read(folder / "model.json")
        files = find_model(folder)
    except GalaxtoolError as error:
        raise AssertionError(f"The model '{name}' cannot be used: {error.message} {error.hint}") from error
    assert files.has_weights or files.onnx, f"The model '{name}' has neither weights.safetensors nor model.onnx."
    assert record.licence, f"The model '{name}' states no licence; write one into its model.json."
    pickles = [file.name for file in folder.rglob("*") if file.suffix in (".pt", ".pth", ".pkl", ".pickle", ".ckpt")]
    assert not pickles, f"The model '{name}' has the file '{pickles[0] if pickles else ''}', which is never loaded."


def check_recipe(name: str) -> None:
    """Check a registered recipe: its file can be read, and sets only what its command knows.

    Parameters
    ----------
    name : str
        Name of the recipe, plain or as ``plugin:name``.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    found = get_registry().recipes.find(name)
    try:
        if found.spec.command == "finetune":
            load_recipe(Path(found.spec.path), FinetuneConfig.names())
        else:
            found.create(Path(found.spec.path))
    except GalaxtoolError as error:
        raise AssertionError(f"The recipe '{name}' cannot be used: {error.message} {error.hint}") from error
