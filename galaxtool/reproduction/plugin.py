"""The built-in recipes of tables and figures, and the data set ``copies``."""

from __future__ import annotations

from pathlib import Path

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import DatasetSpec, RecipeSpec

_RECIPES = (
    ("galaxalign-table2", "Classification by ten models."),
    ("galaxalign-table3", "Similarity search by ten models."),
    ("galaxalign-table4", "Ablation of GalaxAlign in classification."),
    ("galaxalign-fig4", "t-SNE of the features of Zoobot and GalaxAlign."),
    ("galaxalign-fig5", "Thumbnails on two principal components."),
    ("galaxalign-fig6", "F1 against the size of the training set."),
    ("galaxalign-fig7", "A query of each class and its most similar galaxies."),
    ("lastufka2024-fig1", "Samples of the data sets and histograms of their pixel values."),
    ("lastufka2024-fig2", "UMAP of ten principal components of frozen features."),
    ("lastufka2024-fig3", "F1 of frozen foundation models against the share of training labels."),
    ("lastufka2024-fig4", "F1 of each class of RGZ, also relabelled by peaks and components."),
    ("lastufka2024-table4", "Source detection, by galaxtool detect reproduce."),
    ("vit-galaxy10-table1", "A vision transformer from scratch and its last layer alone, with shares of the data."),
    ("vit-galaxy10-table2", "Epochs and times of these trainings."),
    ("vit-galaxy10-fig2", "An image of each class."),
    ("vit-galaxy10-fig3", "Number of images of each class."),
    ("vit-galaxy10-fig4", "Curves from scratch and of the last layer alone."),
    ("vit-galaxy10-fig5", "Validation curves of all trainings."),
    ("vit-galaxy10-fig6", "Highest validation accuracy by share of the data."),
    ("vit-galaxy10-fig7", "Lowest validation loss by share of the data."),
    ("alberghi2024-table1", "VGG11, a small network and clusters of DINO's features."),
    ("alberghi2024-fig1", "An image of each class."),
    ("alberghi2024-fig5", "Attention maps of DINO, plain and tuned."),
    ("alberghi2024-figA1", "Confusion matrix of the clusters of DINO's features."),
    ("alberghi2024-figA2", "The same of the tuned DINO."),
)


@hookimpl
def register_recipes() -> list[RecipeSpec]:
    """Return the recipes of tables and figures."""
    folder = Path(__file__).resolve().parent / "recipe_files"
    return [
        RecipeSpec(
            name=name,
            summary=summary,
            path=str(folder / f"{name}.toml"),
            command="reproduce",
            factory="galaxtool.reproduction.recipe_file:read_table_recipe",
        )
        for name, summary in _RECIPES
    ]


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    """Return the data set that shows what augmenting before splitting is worth."""
    return [
        DatasetSpec(
            name="copies",
            summary="another data set with a turned copy of each image, to show what a leak is worth: copies:NAME:PATH",
            factory="galaxtool.reproduction.copies:open_copies",
            needs_path=True,
        )
    ]
