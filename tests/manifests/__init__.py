"""The generated manifests, held against all that a cluster would hold against them."""
