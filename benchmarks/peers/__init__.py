"""The peers' code: what a user of each would write. Each file runs in its peer's environment, not in ours."""
