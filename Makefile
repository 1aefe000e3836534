# Coffer's two commands are `make demo` and `make check`; `make help` lists the rest.
SHELL = /bin/sh
MESON = meson
PREFIX ?= /usr/local
DESTDIR ?=
T ?= 60
PROGRAMS = cofferd cofferd-keep cofferd-net cofferd-eval cofferd-fetch cofferd-attest coffer-agent coffer
export COFFER_TOOLS = $(CURDIR)/build/tools

.PHONY: all help deps deps-check demo check install bench fuzz lint attack nested sweep clean

all: deps-check build/plain/build.ninja
	@ninja -C build/plain >build/plain.build.log 2>&1 || { grep -E -A8 'error|FAILED' build/plain.build.log | head -60; echo "build failed: build/plain.build.log"; exit 1; }
	@ln -f build/plain/src/cofferd/cofferd build/plain/src/cofferd/keep/cofferd-keep build/plain/src/cofferd/net/cofferd-net build/plain/src/cofferd/eval/cofferd-eval build/plain/src/cofferd/fetch/cofferd-fetch build/plain/src/cofferd/attest/cofferd-attest \
	    build/plain/src/agent/coffer-agent build/plain/src/agent/coffer-init build/plain/src/agent/coffer-probe build/plain/src/cli/coffer build/
	@echo "built: build/coffer build/cofferd build/coffer-agent"

build/plain/build.ninja:
	@mkdir -p build
	@CC=gcc $(MESON) setup build/plain --prefix=$(PREFIX) >build/plain.setup.log 2>&1 || { cat build/plain.setup.log; exit 1; }

help:
	@echo "make             build build/coffer, build/cofferd, build/coffer-agent"
	@echo "make demo        install what is missing, build, and tell the whole story"
	@echo "make check       install what is missing, build with gcc and clang, run every test"
	@echo "make deps        install missing Debian packages (make deps-check only names them)"
	@echo "make install     programs, man pages, completion, unit (DESTDIR, PREFIX)"
	@echo "make bench       figures against a peer or the limit, also in build/bench.tsv"
	@echo "make fuzz T=600  every fuzz target for T seconds (or those in TARGETS=\"cert json\")"
	@echo "make attack      act out the adversary scenarios on a running trust service (docs/attacks.md)"
	@echo "make nested       guests whose channel is vsock, on an emulated host that has it (by hand)"
	@echo "make sweep       every truncation and every changed byte of genuine evidence (COFFER_SHARED), counted"
	@echo "make lint        layers, clang-format, clang-tidy"
	@echo "make clean       remove build/"

deps-check:
	@tools/deps.sh check

deps:
	@tools/deps.sh install
	@tools/deps.sh tools

demo:
	@mkdir -p build
	@{ tools/deps.sh install && tools/deps.sh tools && $(MAKE) --no-print-directory all; } >build/demo.log 2>&1 || { tail -20 build/demo.log; echo "setting up failed: build/demo.log"; exit 1; }
	@demo/demo.sh

check:
	@mkdir -p build
	@{ tools/deps.sh install && tools/deps.sh tools; } >build/deps.log 2>&1 || { tail -20 build/deps.log; echo "0 passed, 1 failed, 0 skipped"; exit 1; }
	@tools/check.sh

install: all
	@$(MESON) configure build/plain -Dprefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) $(MESON) install -C build/plain --no-rebuild

bench: all
	@tools/bench.sh

fuzz: deps-check
	@tools/fuzz.sh $(T) $(TARGETS)

sweep: all
	@COFFER_SHARED=$${COFFER_SHARED:-../shared} build/plain/tests/conformance/evidence_sweep 1

attack: all
	@COFFER_BOOTS=all tests/adversary/attack.py build/plain

nested: all
	@tests/nested/outer.py build/plain/src/cli/coffer build/plain/tests/e2e/fake-agent .

lint: deps-check build/plain/build.ninja
	@tools/lint.sh

clean:
	rm -rf build
