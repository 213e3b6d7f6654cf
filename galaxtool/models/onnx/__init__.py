"""Writing, describing and quantizing ONNX files."""
