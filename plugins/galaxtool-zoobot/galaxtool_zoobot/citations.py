"""What to cite."""

from __future__ import annotations

from galaxtool import Citation

ZOOBOT = Citation(
    text="Walmsley et al. 2023, Zoobot: adaptable deep learning models for galaxy morphology, Journal of Open Source "
    "Software 8, 5312",
    doi="10.21105/joss.05312",
)
SCALING = Citation(text="Walmsley et al. 2024, Scaling laws for galaxy images", arxiv="2404.02973")
EUCLID = Citation(
    text="Euclid Collaboration: Walmsley et al. 2025, Euclid Quick Data Release (Q1): First visual morphology "
    "catalogue",
    arxiv="2503.15310",
)
