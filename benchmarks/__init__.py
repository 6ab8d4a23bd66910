"""Side by side with what a user would pick instead: `python -m benchmarks` from the template's folder.

The order of work is in `__main__.py`. `environments.py` and `projects.py` prepare, `servers.py` is the table of what is
compared, `measure.py` runs it with `process.py`, `protocols.py` and `load.py`; `report.py`, with `aims.py`, `sweeps.py`
and `figures.py`, and `chart.py` write docs/performance.md. `peers/` holds the peers' code, and everything that is made
stays in `.bench`.
"""
