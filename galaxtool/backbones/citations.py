"""Citations of the built-in backbones and of the weights in their sources."""

from __future__ import annotations

import re

from galaxtool.plugins.specs import Citation

CLIP = Citation(
    text="Radford et al. 2021, Learning transferable visual models from natural language supervision, ICML",
    arxiv="2103.00020",
)
OPENCLIP = Citation(
    text="Cherti et al. 2023, Reproducible scaling laws for contrastive language-image learning, CVPR",
    arxiv="2212.07143",
)
TIMM = Citation(text="Wightman 2019, PyTorch image models, GitHub", doi="10.5281/zenodo.4414861")
TORCHVISION = Citation(
    text="TorchVision maintainers and contributors 2016, TorchVision: PyTorch's computer vision library"
)
VIT = Citation(
    text="Dosovitskiy et al. 2021, An image is worth 16x16 words: transformers for image recognition at scale, ICLR",
    arxiv="2010.11929",
)
AUGREG = Citation(
    text="Steiner et al. 2022, How to train your ViT? Data, augmentation, and regularization in vision transformers, "
    "TMLR",
    arxiv="2106.10270",
)
MAE = Citation(text="He et al. 2022, Masked autoencoders are scalable vision learners, CVPR", arxiv="2111.06377")
DINO = Citation(
    text="Caron et al. 2021, Emerging properties in self-supervised vision transformers, ICCV", arxiv="2104.14294"
)
DINOV2 = Citation(
    text="Oquab et al. 2024, DINOv2: learning robust visual features without supervision, TMLR", arxiv="2304.07193"
)
MSN = Citation(
    text="Assran et al. 2022, Masked siamese networks for label-efficient learning, ECCV", arxiv="2204.07141"
)
RESNET = Citation(text="He et al. 2016, Deep residual learning for image recognition, CVPR", arxiv="1512.03385")
EFFICIENTNET = Citation(
    text="Tan & Le 2019, EfficientNet: rethinking model scaling for convolutional neural networks, ICML "
    "(the Lite variants: TensorFlow's EfficientNet-Lite, 2020)",
    arxiv="1905.11946",
)
VGG = Citation(
    text="Simonyan & Zisserman 2015, Very deep convolutional networks for large-scale image recognition, ICLR",
    arxiv="1409.1556",
)
ALBERGHI = Citation(
    text="Alberghi, Calderoni, Casiraghi & Forzo 2024, A comparison of deep and transfer learning approaches for "
    "galaxy morphology classification from images"
)
GALAXALIGN = Citation(
    text="Wang, Wang & Luo 2024, Effective fine-tuning of vision-language models for accurate galaxy morphology "
    "analysis",
    arxiv="2411.19475",
)
ZOOBOT = Citation(
    text="Walmsley et al. 2023, Zoobot: adaptable deep learning models for galaxy morphology, Journal of Open Source "
    "Software 8, 5312",
    doi="10.21105/joss.05312",
)

_OPENCLIP_WEIGHTS = tuple(
    (re.compile(pattern), Citation(text=text, arxiv=arxiv))
    for pattern, text, arxiv in (
        ("@openai$", CLIP.text, CLIP.arxiv),
        ("^EVA", "Sun et al. 2023, EVA-CLIP: improved training techniques for CLIP at scale", "2303.15389"),
        ("^nllb", "Visheratin 2023, NLLB-CLIP: train performant multilingual image retrieval on a budget",
         "2309.01859"),
        ("^PE-", "Bolya et al. 2025, Perception Encoder: the best visual embeddings are not at the output of the "
         "network", "2504.13181"),
        ("^coca", "Yu et al. 2022, CoCa: contrastive captioners are image-text foundation models, TMLR", "2205.01917"),
        ("^MobileCLIP2", "Faghri et al. 2025, MobileCLIP2: improving multi-modal reinforced training, TMLR",
         "2508.20691"),
        ("^MobileCLIP", "Vasu et al. 2024, MobileCLIP: fast image-text models through multi-modal reinforced training, "
         "CVPR", "2311.17049"),
        ("SigLIP2", "Tschannen et al. 2025, SigLIP 2: multilingual vision-language encoders", "2502.14786"),
        ("SigLIP", "Zhai et al. 2023, Sigmoid loss for language image pre-training, ICCV", "2303.15343"),
        ("CLIPA", "Li, Wang & Xie 2023, An inverse scaling law for CLIP training, NeurIPS", "2305.07017"),
        ("^ViTamin", "Chen et al. 2024, ViTamin: designing scalable vision models in the vision-language era, CVPR",
         "2404.02132"),
        ("@metaclip2", "Chuang et al. 2025, Meta CLIP 2: a worldwide scaling recipe", "2507.22062"),
        ("@metaclip_altogether", "Xu et al. 2024, Altogether: image captioning via re-aligning alt-text, EMNLP",
         "2410.17251"),
        ("@metaclip", "Xu et al. 2024, Demystifying CLIP data, ICLR", "2309.16671"),
        ("@dfn", "Fang et al. 2024, Data filtering networks, ICLR", "2309.17425"),
        ("@(datacomp|commonpool)", "Gadre et al. 2023, DataComp: in search of the next generation of multimodal "
         "datasets, NeurIPS", "2304.14108"),
    )
)  # fmt: skip
_TIMM_WEIGHTS = {
    "mae": MAE, "dino": DINO, "lvd142m": DINOV2, "augreg": AUGREG, "openai": CLIP, "laion2b": OPENCLIP,
}  # fmt: skip


def cite_openclip_weights(architecture: str, tag: str) -> Citation:
    """Return the paper of weights in OpenCLIP, found by architecture and tag; by default that of OpenCLIP itself."""
    name = f"{architecture}@{tag}"
    return next((citation for pattern, citation in _OPENCLIP_WEIGHTS if pattern.search(name)), OPENCLIP)


def cite_timm_weights(tag: str, *, paper: str, arxiv: str) -> Citation:
    """Return the paper of weights in timm, as timm names it or found by the tag; by default that of timm itself.

    Parameters
    ----------
    tag : str
        Tag of the weights, such as ``augreg_in21k_ft_in1k``.
    paper, arxiv : str
        Title and arXiv number of the paper in timm's records; empty if timm has none.
    """
    if arxiv:
        return Citation(text=paper or f"arXiv:{arxiv}", arxiv=arxiv)
    return _TIMM_WEIGHTS.get(tag.partition("_")[0], TIMM)


def cite_hub_repository(repository: str) -> Citation:
    """Return the citation of a repository ``OWNER/NAME`` on the Hugging Face hub."""
    if repository.startswith("mwalmsley/"):
        return ZOOBOT
    return Citation(text=f"{repository}, Hugging Face hub, https://huggingface.co/{repository}")
