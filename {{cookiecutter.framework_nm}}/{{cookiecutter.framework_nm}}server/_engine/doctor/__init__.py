"""What is wrong with a machine or a project, and what to do: `make doctor`.

It runs before anything is installed, so it has the standard library only, and any Python from 3.8. Not here: mending.
"""
