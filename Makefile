# Two commands do everything on a fresh machine: `make rehearse` and `make test`.
PYTHON ?= python3
ARGS ?=
RUNTIME = $$($(PYTHON) scripts/prepare.py runtime)
TEST = $$($(PYTHON) scripts/prepare.py test)
WORKERS ?= 2

.PHONY: help rehearse test test-python check soak lock tables fixtures picture mutation

help:
	@echo "make rehearse   a whole release on this machine (ARGS='--scenario errors')"
	@echo "make test       the tests; under six minutes on two cores"
	@echo "make check      lint, types, import law"
	@echo "make soak       the long tests"
	@echo "make lock       resolve the dependencies again"
	@echo "make tables     write the tables of inputs and outputs into the documents"
	@echo "make fixtures   run Lighthouse again for the bundled samples"
	@echo "make picture    play a release again for the README's picture"
	@echo "make mutation ROOM=flags   break the room's code and count which tests notice"

rehearse:
	@python=$(RUNTIME) && exec "$$python" -I -m releasegate rehearse $(ARGS)

test:
	@python=$(TEST) && exec "$$python" -m pytest -n $(WORKERS) --dist worksteal -m "not soak" $(ARGS)

# The pure rooms and the command line on another Python: make test-python PYTHON=python3.14
test-python:
	@python=$(TEST) && exec "$$python" -m pytest -n $(WORKERS) -m "not soak and not servers and not data" --ignore=tests/action --ignore=tests/github --ignore=tests/forge $(ARGS)

soak:
	@python=$(TEST) && exec "$$python" -m pytest -n $(WORKERS) --dist worksteal -m soak $(ARGS)

check:
	@python=$(TEST) && bin=$$(dirname "$$python") && \
	  "$$bin/ruff" check . && "$$bin/ruff" format --check . && "$$bin/mypy" && "$$bin/lint-imports" --no-cache

lock:
	@$(PYTHON) scripts/lock.py
	@python=$(TEST) && "$$python" scripts/node.py test --lock && "$$python" scripts/node.py lighthouse --lock

tables:
	@python=$(TEST) && exec "$$python" scripts/tables.py $(ARGS)

fixtures:
	@python=$(TEST) && exec "$$python" scripts/fixtures.py

picture:
	@python=$(TEST) && exec "$$python" scripts/picture.py

mutation:
	@python=$(TEST) && exec "$$python" scripts/mutation.py $(ROOM) $(ARGS)
