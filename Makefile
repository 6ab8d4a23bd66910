# `make` lists what there is.
# From make's command line only: what the environment calls PYTHON or ARGS is not meant for this file.
PYTHON = python3
VENV = .venv
DEMO = .demo
SITE = .site
FRAMEWORK = sklearn
ARGS =
# Test processes at once: what needs the container engine is one after another in one of them.
JOBS = 2
# Tool caches stay out of the template's folder: cookiecutter would copy them into projects.
export PYTHONDONTWRITEBYTECODE = 1
export RUFF_CACHE_DIR = $(CURDIR)/.ruff_cache

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint docs samples locks images bench bench-scoring bench-training release

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

# Ends well on a Python that the tests run on. An environment of another one is made anew.
FITS = -c 'import sys; sys.exit(sys.version_info < (3, 11))'
$(VENV)/.installed: pyproject.toml
	@$(VENV)/bin/python $(FITS) 2>/dev/null || { \
	    $(PYTHON) $(FITS) || { echo "This is $$($(PYTHON) --version 2>&1), and the template's tests need Python 3.11 or newer:" \
	        "name one, as in make test PYTHON=python3.12" >&2; exit 1; }; \
	    $(PYTHON) -m venv --clear $(VENV); }
	$(VENV)/bin/python -m pip install --quiet --editable '.[test]'
	@touch $@

demo:  ## the main job end to end: generate, train, serve, ask, stop (FRAMEWORK=xgboost for another)
	@$(PYTHON) tools/demo '$(DEMO)' '$(FRAMEWORK)'

test: $(VENV)/.installed  ## run the tests; ARGS='-m "not slow"' for the fast ones
	$(VENV)/bin/python -m pytest -n $(JOBS) --dist loadscope -m "not release" $(ARGS)

test-all: $(VENV)/.installed  ## run them with every framework beside every SDK, as before a release
	$(VENV)/bin/python -m pytest -n $(JOBS) --dist loadscope $(ARGS)

# What is rendered is checked in the projects that the tests bake.
ENGINE = '{{cookiecutter.framework_nm}}/{{cookiecutter.framework_nm}}server/_engine'
CODE = hooks tests tools/demo tools/docs tools/release tools/measure_images.py tools/monitoring tools/update benchmarks $(ENGINE) '{{cookiecutter.framework_nm}}/variants'
lint: $(VENV)/.installed  ## check the template's own code
	$(VENV)/bin/ruff check --config pyproject.toml $(CODE)
	$(VENV)/bin/ruff format --config pyproject.toml --check $(CODE)
	$(VENV)/bin/mypy hooks tests tools/demo tools/measure_images.py benchmarks
	$(VENV)/bin/mypy tools/docs
	$(VENV)/bin/mypy tools/release
	$(VENV)/bin/mypy tools/update
	$(VENV)/bin/mypy tools/monitoring
	$(VENV)/bin/mypy --no-warn-return-any $$(find tests/engine -name '*.py')

docs: $(VENV)/.installed  ## build the documentation's site, into .site
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --site-dir '$(SITE)'

samples: $(VENV)/.installed  ## train the sample models again, with the versions that the projects pin
	tools/samples $(VENV)/bin/cookiecutter

locks: $(VENV)/.installed  ## resolve what the images install again, from the pins in cookiecutter.json
	tools/locks $(VENV)/bin

images: $(VENV)/.installed  ## measure the images: size, start, one row; ARGS='sklearn xgboost' for some
	PYTHONPATH=tests $(VENV)/bin/python tools/measure_images.py $(ARGS)

bench: $(VENV)/.installed  ## measure against what a user would pick instead; writes docs/performance.md
	$(VENV)/bin/python -m benchmarks $(ARGS)

bench-scoring: $(VENV)/.installed  ## measure scoring beside predict on a frame and MLflow's command; writes into docs/scoring.md
	$(VENV)/bin/python -m benchmarks.scoring $(ARGS)

bench-training: $(VENV)/.installed  ## measure models of real tables beside histogram gradient boosting; writes docs/training.md
	$(VENV)/bin/python -m benchmarks.training $(ARGS)

# The number of a release, and whether to push it.
VERSION =
PUBLISH =
release:  ## release the template: make release VERSION=2.1.0 changes, commits and tags; PUBLISH=1 pushes it, too
	@$(PYTHON) tools/release '$(VERSION)' $(if $(PUBLISH),--publish)
