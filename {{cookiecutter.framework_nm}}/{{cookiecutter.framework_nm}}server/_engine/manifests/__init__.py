"""The project's manifests, as far as other rooms read and change them. It has the standard library only.

Not here: what the cluster does with them.
"""
