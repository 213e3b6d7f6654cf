"""Models of timm (PyTorch Image Models) as backbones."""
