"""The runtimes that a model runs in: ONNX Runtime, OpenVINO, PyTorch."""
