"""What to cite for the built-in backbones."""

from __future__ import annotations

from galaxtool.specs import Citation

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
VGG = Citation(
    text="Simonyan & Zisserman 2015, Very deep convolutional networks for large-scale image recognition, ICLR",
    arxiv="1409.1556",
)
ALBERGHI = Citation(
    text="Alberghi, Calderoni, Casiraghi & Forzo 2024, A comparison of deep and transfer learning approaches for "
    "galaxy morphology classification from images"
)
