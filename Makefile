# The five things one does with this repository. Each target installs what the machine lacks first (scripts/setup).
#
#   make build        .build/release/hallmark
#   make quickstart   the whole story on this machine, in under a minute after the build (KEEP=1 leaves the server running)
#   make test         unit tests, then real clients (az, Azure SDKs, cosign, openssl) against a real server
#   make bench        figures for docs/benchmarks.md (QUICK=1: three minutes, prints only)
#   make fuzz         every parser of outside bytes, SECONDS_EACH=20 seconds each

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: build quickstart test unit conformance bench fuzz clean

SECONDS_EACH ?= 20
PYTEST_ARGS ?=

build:
	scripts/setup build
	swift build -c release --product hallmark

quickstart:
	scripts/setup quickstart
	swift build -c release --product hallmark
	scripts/quickstart

test: unit conformance

unit:
	scripts/setup build
	swift test

conformance:
	scripts/setup test
	swift build -c release --product hallmark
	cd Tests/Conformance && ../../.tools/venv/bin/python -m pytest $(PYTEST_ARGS)

bench:
	scripts/setup bench
	swift build -c release --product hallmark
	.tools/venv-bench/bin/python Benchmarks/run.py $(if $(QUICK),--quick,--write docs/benchmarks.md)

fuzz:
	scripts/setup build
	Fuzz/run $(SECONDS_EACH)

clean:
	rm -rf .build Fuzz/.build Fuzz/work .pytest_cache
