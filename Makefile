# The five things one does with this repository. Each target installs what the machine lacks first (scripts/setup).
#
#   make build        .build/release/{hallmark,sigstore-kms-hallmark,notation-hallmark}
#   make quickstart   the whole story on this machine, in under a minute after the build (KEEP=1 leaves the server running)
#   make test         unit tests, the embedding example and the library's documentation, then real clients (az, Azure SDKs, cosign,
#                     notation, sigstore-go, openssl, docker-registry) against a real server
#   make bench        figures for docs/benchmarks.md (QUICK=1: three minutes, prints only)
#   make fuzz         every parser of outside bytes, SECONDS_EACH=20 seconds each

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: build release quickstart test unit library conformance bench fuzz clean

SECONDS_EACH ?= 20
PYTEST_ARGS ?=
PRODUCTS := hallmark sigstore-kms-hallmark notation-hallmark

build:
	scripts/setup build
	$(MAKE) release

release:
	for product in $(PRODUCTS); do swift build -c release --product $$product || exit 1; done

quickstart:
	scripts/setup quickstart
	$(MAKE) release
	scripts/quickstart

test: unit library conformance

unit:
	scripts/setup build
	swift test

# The verifier as others embed it: an example package of its own, and the documentation without a warning.
library:
	scripts/setup build
	Examples/EmbedVerify/run
	scripts/docc

conformance:
	scripts/setup test
	$(MAKE) release
	cd Tests/Conformance && ../../.tools/venv/bin/python -m pytest $(PYTEST_ARGS)

bench:
	scripts/setup bench
	$(MAKE) release
	.tools/venv-bench/bin/python Benchmarks/artifacts.py $(if $(QUICK),--rounds 1,--write docs/benchmarks-artifacts.md)
	.tools/venv-bench/bin/python Benchmarks/gates.py $(if $(QUICK),--rounds 1,--write docs/benchmarks-gates.md)
	.tools/venv-bench/bin/python Benchmarks/trace.py $(if $(QUICK),--signatures 50000 --rounds 20,--write docs/benchmarks-trace.md)
	.tools/venv-bench/bin/python Benchmarks/watch.py $(if $(QUICK),--rows 200000 --rounds 1,--write docs/benchmarks-watch.md)
	.tools/venv-bench/bin/python Benchmarks/run.py $(if $(QUICK),--quick,--write docs/benchmarks.md)

fuzz:
	scripts/setup build
	Fuzz/run $(SECONDS_EACH)

clean:
	rm -rf .build Fuzz/.build Fuzz/work .pytest_cache
