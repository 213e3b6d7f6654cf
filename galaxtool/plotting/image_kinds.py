"""The built-in kinds of figure that show images or embeddings."""

from __future__ import annotations

from galaxtool.plugins.specs import MethodOption, PlotSpec

_EMBEDDED = "files of `galaxtool embed`, indexes, evaluation directories, data sets or images"
_IMAGES = "data sets, folders or files of images"

_SEED = MethodOption(name="seed", default=0, summary="Random seed.")
_TABLE = MethodOption(name="table", default="", summary="Catalogue with columns for --by and --truth, found by id.")
_PCA = MethodOption(
    name="pca", default=0, summary="Number of principal components to begin with; 0 for the features themselves."
)
_BALANCED = MethodOption(name="balanced", default=False, summary="Draw the same number of each class.")
_MOST_SHOWN = MethodOption(name="most", default=8, summary="Most images to draw.")


def _make_most(most: int) -> MethodOption:
    return MethodOption(name="most", default=most, summary="Most images of an input, drawn at random; 0 for all.")


def list_image_kinds() -> list[PlotSpec]:
    """Return the specs, in the order of the listing."""
    return [
        PlotSpec(
            name="samples",
            summary="Random images of each data set, with a histogram of the pixel values in their files.",
            factory="galaxtool.plotting.kinds.samples:plot_samples",
            inputs=_IMAGES,
            takes=("truth", "label", "model"),
            options=(MethodOption(name="n", default=5, summary="Images of each data set."), _SEED),
        ),
        PlotSpec(
            name="class-sheet",
            summary="Symbol, prompt and examples of each class.",
            factory="galaxtool.plotting.kinds.class_sheet:plot_class_sheet",
            inputs="a data set with labels, or nothing but a taxonomy",
            takes=("truth", "model"),
            options=(
                MethodOption(name="n", default=0, summary="Examples of each class; 0 for 3 on one column, 5 on two."),
                MethodOption(name="taxonomy", default="", summary="Taxonomy of the classes, if labels fit several."),
                _SEED,
            ),
        ),
        PlotSpec(
            name="tsne",
            summary="Embeddings in the plane of a t-SNE, coloured by class or by a column of a catalogue.",
            factory="galaxtool.plotting.kinds.projection:plot_tsne",
            inputs=_EMBEDDED,
            takes=("by", "truth", "label", "model"),
            options=(
                _PCA,
                MethodOption(name="perplexity", default=30.0, summary="Effective number of neighbours."),
                _make_most(5000),
                _BALANCED,
                _TABLE,
                _SEED,
            ),
        ),
        PlotSpec(
            name="umap",
            summary="Embeddings in the plane of a UMAP, coloured by class or by a column of a catalogue.",
            factory="galaxtool.plotting.kinds.projection:plot_umap",
            inputs=_EMBEDDED,
            takes=("by", "truth", "label", "model"),
            options=(
                _PCA,
                MethodOption(name="neighbors", default=15, summary="Number of neighbours."),
                MethodOption(name="min_dist", default=0.1, summary="Least distance of points in the plane."),
                _make_most(0),
                _BALANCED,
                _TABLE,
                _SEED,
            ),
        ),
        PlotSpec(
            name="pca-grid",
            summary="Thumbnails at their places on the first two principal components of the embeddings.",
            factory="galaxtool.plotting.kinds.picture_map:plot_picture_map",
            inputs=_EMBEDDED,
            takes=("model",),
            options=(MethodOption(name="side", default=14, summary="Thumbnails in each direction."), _TABLE, _SEED),
        ),
        PlotSpec(
            name="retrieval",
            summary="Queries with their nearest neighbours; right and wrong classes are marked.",
            factory="galaxtool.plotting.kinds.retrieval:plot_retrieval",
            inputs=_EMBEDDED,
            takes=("truth", "model"),
            options=(
                MethodOption(name="k", default=7, summary="Neighbours of each query."),
                MethodOption(name="queries", default="", summary="Identifiers of the queries, separated by commas."),
                MethodOption(name="n", default=0, summary="Number of queries, at most 20; 0 for one of each class."),
                MethodOption(
                    name="gallery",
                    default="",
                    summary="Other images, an index, a file of embeddings or an evaluation to look the queries up in.",
                ),
                MethodOption(
                    name="layout",
                    default="rows",
                    choices=("rows", "columns"),
                    summary="Whether each query has a row or a column.",
                ),
                _TABLE,
                _SEED,
            ),
        ),
        PlotSpec(
            name="attention",
            summary="Where the heads of a vision transformer look, perhaps before and after its training.",
            factory="galaxtool.plotting.kinds.looks:plot_attention",
            inputs=_IMAGES,
            takes=("model",),
            options=(
                MethodOption(name="heads", default="mean", summary="mean, all, or numbers of heads such as 1,4."),
                MethodOption(name="before", default="", summary="Model or backbone to compare --model with."),
                _MOST_SHOWN,
            ),
        ),
        PlotSpec(
            name="saliency",
            summary="Which parts of an image speak for a class: LayerCAM, Grad-CAM, or the gradient by the pixels.",
            factory="galaxtool.plotting.kinds.looks:plot_saliency",
            inputs=_IMAGES,
            takes=("model",),
            options=(
                MethodOption(
                    name="method",
                    default="layer-cam",
                    choices=("layer-cam", "grad-cam", "gradient"),
                    summary="A class activation map of a convolutional network, or the gradient of any network.",
                ),
                MethodOption(name="class", default="", summary="Class to look for; by default the predicted one."),
                _MOST_SHOWN,
                _SEED,
            ),
        ),
    ]
