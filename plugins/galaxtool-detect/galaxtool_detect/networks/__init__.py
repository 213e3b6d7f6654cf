"""Pyramids of feature maps on galaxtool's backbones, and Faster R-CNN on them."""
