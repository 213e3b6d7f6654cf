"""Readers of images with boxes: VOC, COCO, YOLO, and catalogues over images."""
