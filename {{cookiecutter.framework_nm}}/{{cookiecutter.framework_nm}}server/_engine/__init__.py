"""The engine: what every generated project shares. Yours are `trainer` and `inferencer`, which use it.

README.md says what is in each room, and how to change something anyway. Nothing here imports anything of the
project outside this folder: the model class is handed in.
"""
