# Daybook. `make help` lists everything.
.DEFAULT_GOAL := help
.PHONY: help run test check fmt lint docs schemas bench soak conformance kurrent setup clean

DATA ?= .daybook
PYTHON := target/test-venv/bin/python
# KURRENT=1 also checks and tests the log on KurrentDB, whose gRPC stack takes minutes to compile.
ifdef KURRENT
WHAT := --workspace --exclude bench --features daybook/kurrent,tests/kurrent
endif

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## build Daybook, load the demo month once, and keep serving it
	cargo build --release --package daybook
	./target/release/daybook demo --data $(DATA)

test: setup ## install what the tests need, then run every test
	cargo test --no-fail-fast $(WHAT)

check: fmt lint docs test ## exactly what CI runs

fmt: ## formatting as in .rustfmt.toml
	cargo fmt --all --check

lint: ## clippy with warnings denied
	cargo clippy --all-targets $(WHAT) -- --deny warnings

docs: ## public documentation, warnings denied
	RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --document-private-items $(WHAT)

schemas: ## write docs/reference from the code
	cargo run --quiet --package daybook -- reference --out docs/reference

bench: ## measure against peers in the same run; prints ratios
	cargo run --release --package bench
	cargo run --release --package bench --bin as_of -- --lines 1000000 --lines 10000000

soak: ## the long runs: kills of Daybook and of PostgreSQL, fail-overs, frozen processes, the full demo month
	cargo build --release --package daybook
	DAYBOOK_SOAK=1 cargo test --release --package tests -- scenarios::it_is_killed scenarios::postgresql_is_killed scenarios::two_processes scenarios::the_demo_month scenarios::on_postgresql::the_demo_month --nocapture --test-threads 1
	DAYBOOK_SOAK=1 cargo test --release --package store-postgres --package store-sqlite -- crash failover skipping --nocapture

conformance: ## the log's contract on KurrentDB, as a table; DAYBOOK_TEST_KURRENT names a real server
	cargo test --package store-kurrent
	cargo run --quiet --package store-kurrent --example conformance

kurrent: ## the whole house on KurrentDB, with a binary that has it (until `make test` builds the other)
	cargo build --package kurrent-fake
	cargo build --package daybook --features kurrent
	cargo test --package tests --features kurrent -- scenarios::on_kurrentdb --nocapture

setup: ## install what the tests need: Chromium, Python's stripe package
	@.ci/setup

clean: ## remove everything that was built, and the demo's data
	cargo clean
	rm -rf $(DATA)
