"""The serving side: the same model behind REST and gRPC.

`codec.py` decodes requests by the model's signature, `batching.py` runs the model, and the other modules
connect both to the serving SDK. Nothing in here is particular to a framework.
"""
