"""What runs a model: ONNX Runtime, OpenVINO, PyTorch."""
