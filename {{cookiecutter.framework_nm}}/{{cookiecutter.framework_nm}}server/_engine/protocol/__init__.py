"""Bytes to arrays and back: V1, V2 as JSON and as binary, tensors, and the messages to clients. Pure functions.

Not here: servers, models.
"""
