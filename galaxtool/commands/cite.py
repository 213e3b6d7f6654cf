"""The command ``cite``."""

from __future__ import annotations

from galaxtool.diagnostics.citation_list import CitationList
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
def cite(run: str) -> CitationList:
    """Print what to cite, as BibTeX: the method, the data and the weights.

    Parameters
    ----------
    run : str
        Run directory, evaluation directory, model directory, .onnx file, or the name of a model or backbone.

    Returns
    -------
    CitationList
        The papers, and the licences of the weights.

    Raises
    ------
    InputError
        If it is none of these.
    """
    from galaxtool.diagnostics.citations import list_citations

    return list_citations(run)
