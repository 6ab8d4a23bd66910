"""The serving side: the same model behind the serving SDK's server.

What is the same in every project is in `_engine/serving`, `_engine/protocol` and `_engine/sdk`; what you want to be
different goes in here.
"""
