"""Canaries in the cluster: `make canary`, `make promote`, `make rollback`.

It asks kubectl, and has the standard library only, on any Python from 3.8. Not here: what is deployed first (k8s/).
"""
