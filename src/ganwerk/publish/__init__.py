"""Trained generators outside of ganwerk: ONNX graphs, drawing without torch, a page that draws."""
