"""What a model directory is: its metadata, its digests, the compiled model (ONNX) in it, and where versions lie.

Not here: training one, and serving one.
"""
