# A bare clone needs Python 3.11, git and make; everything else comes from requirements/.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
BIN := .venv/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test check soak outage lint lock clean

help:  ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: .venv/done .venv-tflite/done  ## make .venv (everything) and .venv-tflite (the small runtime), from locked files

demo: .venv/done  ## the whole journey on drawn faces, results in work/demo
	$(BIN)/edgefer demo

# Two processes share the cores: more threads of NumPy in each would only wait for one another.
test: setup lint  ## everything that CI runs
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/done lint  ## the quick half: lint, types, imports, unit tests
	$(BIN)/pytest -m "not train and not slow"

soak: .venv/done  ## 100,000 frames through the whole loop: is anything growing? (15 minutes)
	$(BIN)/python benchmarks/soak.py

outage: .venv/done  ## a broker that is gone for a minute
	EDGEFER_OUTAGE=60 $(BIN)/pytest tests/test_mqtt_outages.py -k killed_mid

lint: .venv/done
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# `make lock` keeps today's versions where it can; `make lock UPGRADE=--upgrade` takes the newest.
# A first lock, before there is a .venv: make lock UV=uv
UV ?= $(BIN)/uv
COMPILE = $(UV) pip compile --quiet $(UPGRADE) setup.cfg

lock:  ## resolve the extras of setup.cfg into requirements/*.txt
	$(COMPILE) --python-version 3.11 --extra all --extra dev -o requirements/dev.txt
	$(COMPILE) --python-version 3.10 --extra edge -o requirements/edge.txt
	$(COMPILE) --python-version 3.10 --extra tflite-runtime --group build -o requirements/tflite-runtime.txt

clean:  ## remove builds, caches and both environments; work/ and calib_data/ stay
	rm -rf build dist *.egg-info .*_cache .hypothesis .venv .venv-tflite
	find edgefer train export edge tests -name __pycache__ -prune -exec rm -rf {} +

.venv/done: requirements/dev.txt setup.cfg pyproject.toml
	$(call install,requirements/dev.txt)

.venv-tflite/done: requirements/tflite-runtime.txt setup.cfg pyproject.toml
	$(call install,requirements/tflite-runtime.txt)

# The environment keeps a copy of the lock that filled it, written when pip has finished. It is made anew
# when the lock differs; a change of setup.cfg alone only installs edgefer itself again.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	echo "edgefer is built with Python 3.11, and '$(PYTHON)' is not it. Try: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
	exit 1; }
@cmp -s $(1) $(@D)/lock.txt || { \
	echo "Installing $(1) into $(@D); the first time takes some minutes" && \
	rm -rf $(@D) && $(PYTHON) -m venv $(@D) && \
	$(@D)/bin/python -m pip install --quiet --require-hashes -r $(1) && \
	cp $(1) $(@D)/lock.txt; }
$(@D)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
@touch $@
endef
