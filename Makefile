# Build, test and check. `make test` is what has to pass before a change goes in.

CARGO ?= cargo
CARGO_DENY_VERSION := 0.20.2
TYPOS_VERSION := 1.52.0

# Tools of the checks, built once from the registry and kept under target/.
TOOLS := target/tools
DENY := $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION)
TYPOS := $(TOOLS)/typos-cli-$(TYPOS_VERSION)

.PHONY: help run test setup unit long fuzz lint tools bench screenshots
.DEFAULT_GOAL := help

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Serve on 127.0.0.1:8080 with data in ./data
	$(CARGO) run --locked -- serve

test: setup lint ## Everything that must pass: what the tests need, lint, all tests on both databases
	scripts/with-postgres.sh $(CARGO) test --locked

unit: ## Unit tests alone: no database server, a few seconds
	$(CARGO) test --locked --lib

long: setup ## What takes minutes: crash, soak, scale, measurements
	FANGXIN_LONG=1 scripts/with-postgres.sh $(CARGO) test --locked -- --nocapture

# Seconds for each of eight parts: half an hour in all.
FUZZ_SECONDS ?= 225

fuzz: setup ## Half an hour of made-up input at every parser (FUZZ_SECONDS: for each part)
	FANGXIN_FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/with-postgres.sh $(CARGO) test --locked --test all fuzz -- --nocapture --test-threads=1

lint: tools ## Format, clippy, licences and sources of dependencies, spelling
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) fetch --locked --quiet
	$(DENY)/bin/cargo-deny --offline --log-level error check --hide-inclusion-graph bans licenses sources
	$(TYPOS)/bin/typos

bench: ## Measure filing, and reading by size, optimised (on PostgreSQL too: scripts/with-postgres.sh make bench)
	$(CARGO) bench --locked --bench filing
	$(CARGO) bench --locked --bench reading

screenshots: setup ## Take pictures of the pages, at both sizes, into docs/screenshots
	FANGXIN_SCREENSHOTS=$(CURDIR)/docs/screenshots $(CARGO) test --locked --test all -- face:: looks:: ratings::the_link_leads sound_in_a_browser

setup: ## Install what the tests need from the system
	@scripts/setup-tests.sh

tools: $(DENY)/.done $(TYPOS)/.done ## Build the tools of lint (some minutes, once)

$(DENY)/.done:
	$(CARGO) install --locked --quiet --root $(DENY) --version $(CARGO_DENY_VERSION) cargo-deny
	@touch $@

$(TYPOS)/.done:
	$(CARGO) install --locked --quiet --root $(TYPOS) --version $(TYPOS_VERSION) typos-cli
	@touch $@
