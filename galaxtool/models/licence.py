"""Whether a model may be used under the licences that ``GALAXTOOL_LICENSES`` allows."""

from __future__ import annotations

from galaxtool.models.record import ModelRecord
from galaxtool.utils.licences import check_licence, list_allowed_licences


def check_model_licence(record: ModelRecord, name: str) -> None:
    """Raise `ModelError` if a model has a licence that is not allowed.

    A model that was trained from random weights and states no licence is the user's own, and always allowed.
    """
    is_own = not record.licence and record.backbone.endswith("@none")
    if not is_own and list_allowed_licences() is not None:
        check_licence(record.licence, f"The weights of the model '{name}'")
