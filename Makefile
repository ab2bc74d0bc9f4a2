# Two commands: `make brief` leaves the briefing in out/, `make test` runs the tests. Both set up .venv by themselves
# and need nothing on the machine but Python 3.11 or newer and make.

PYTHON ?= python3
CODE ?= 64495
OUT ?= out
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell $(PYTHON) -c 'import hashlib,sys;print(hashlib.sha256(open("requirements.lock","rb").read()+open("pyproject.toml","rb").read()+sys.version.encode()).hexdigest()[:16])')

.PHONY: brief test setup lint lock clean

brief: setup
	@mkdir -p $(OUT)
	@for format in html pdf markdown json; do \
	  case $$format in markdown) end=md;; *) end=$$format;; esac; \
	  $(BIN)/facetwise brief $(CODE) --format $$format -o $(OUT)/brief-$(CODE).$$end || exit $$?; \
	done

test: setup
	@$(BIN)/pytest

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Facetwise needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which with PYTHON=...") if sys.version_info < (3, 11) else None'
	@echo "Setting up $(VENV) (once, about a minute)" >&2
	@rm -f $(VENV)/.ready-*
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -q -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q -q --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/facetwise lint

# Maintainers: make anew what the two commands install, for every platform and Python version at once.
lock:
	@uv pip compile pyproject.toml --extra pdf --extra web --extra mcp --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --custom-compile-command 'make lock' --upgrade -o requirements.lock

clean:
	@rm -rf $(VENV) $(OUT)
