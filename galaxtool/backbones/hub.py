"""Finding weight files: on this machine, in the cache, on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from galaxtool.hookspecs import hookimpl
from galaxtool.specs import Weights


@hookimpl(trylast=True)
def resolve_weights(weights: Weights, cache_dir: Path, offline: bool) -> Path | None:
    """Find ``file:PATH`` and ``hf-hub:OWNER/NAME/FILE``; None where that is not possible."""
    scheme, _, rest = weights.uri.partition(":")
    if scheme == "file":
        return Path(rest).expanduser()
    if scheme != "hf-hub":
        return None
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    owner, name, file = rest.split("/", 2)
    try:
        found = hf_hub_download(f"{owner}/{name}", file, cache_dir=cache_dir, local_files_only=offline)
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, OSError):
        return None
    return Path(found)
