# Hold Slayer.
#
#   make run     a real call being held and handed back, on this machine alone; ARGS='--scenario vocals' for another
#   make test    everything that must hold
#
# Both install what is missing by themselves. `make help` lists the rest.

SHELL := /bin/bash
.NOTPARALLEL:
.PHONY: help run demo test guest-test peers flood slay-table fuzz tones words challenge e2e lint fmt setup bench bench-page bench-words cost quality image image-test update-key deb deb-test arm-test clean

export CARGO_TERM_COLOR ?= auto
ARGS ?=
# The harness that plays both sides of the box and measures it; its README says how to set it up.
BENCH ?= ../shared/bench
# `--quick` is short, `--help` tells the rest.
BENCH_ARGS ?=

nextest := $(shell command -v cargo-nextest)
deny := $(shell command -v cargo-deny)
# Runs tests: cargo-nextest where it is installed, else cargo's own.
tests := $(if $(nextest),cargo nextest run --locked,cargo test --locked)

help:
	@sed -n 's/^#   //p' Makefile
	@echo 'make lint    format, clippy, licences; make fmt puts the format right'
	@echo 'make guest-test  the box as a service in a small machine of QEMU: button, lamp, handset, rights and watchdog; as root'
	@echo 'make peers   only the calls against real peers (SIPp, baresip, pjsua2), and those against Asterisk, which it installs'
	@echo 'make flood   FLOOD_PACKETS (an hour of 3,000 a second) from strangers while a call is up'
	@echo 'make slay-table  SLAY_COMPANIES (1000) composed companies in virtual time: how many holds end with both talking'
	@echo 'make fuzz    FUZZ_SECONDS (60) of random input to each part of the signalling, and to what reads browsers'
	@echo 'make tones   every tone of every country on every line, and hours of sound that is none if POOL names what model/ gathered'
	@echo 'make words       word errors and phrases found on telephone sound, beside faster-whisper'
	@echo 'make bench-words  two holds at once while what both lines say is recognised'
	@echo 'make challenge   CALLS names a folder of composed calls (model/README.md): the box holds them over SIP and RTP, in real time'
	@echo 'make deb     a Debian package for this kind of machine, or with ARCH=arm64 for a Raspberry Pi; make deb-test tries it in a fresh Debian 12 and 13'
	@echo 'make arm-test  the program for arm64 and its package under qemu-aarch64: what it hears beside this machine; as root'
	@echo 'make image   a card for a Raspberry Pi, in target/image; make update-key the key for its updates; make image-test starts it in a machine of QEMU, calls, presses, cuts the power; as root'
	@echo 'make e2e     the page in a browser, all of it, with pictures'
	@echo 'make quality speech under loss and jitter, ours beside PJMEDIA, by PESQ; on a quiet machine'
	@echo 'make bench   beside Asterisk, with the goals and what came of each (BENCH_ARGS=--quick: short); make bench-page what the page costs; make cost counts instructions of packets and ticks; make setup, make clean'

run: demo

demo:
	@tests/setup.sh run
	@echo 'building; the first time takes some minutes' >&2
	cargo run --locked --release -- demo $(ARGS)

test: setup lint
	$(if $(nextest),cargo test --locked --doc --quiet,)
	$(tests)
	cargo build --locked
	node tests/e2e/run.mjs --fast

# The unit, the button, the lamp and a handset with a kernel of their own, which has GPIO lines and a made-up sound card; what it fetches (230 MB) it keeps. It needs
# what `test` has built, and root. GUEST_LOGS names a folder for its consoles.
guest-test: setup
	@programs=$$(cargo test --locked --no-run --test guest --message-format=json 2>/dev/null | \
	  sed -n 's/.*"target":{"kind":\["\(test\|bin\)"\].*"executable":"\([^"]*\)".*/\1 \2/p') && \
	tests/guest/run.sh "$$(sed -n 's/^bin //p' <<<"$$programs")" "$$(sed -n 's/^test //p' <<<"$$programs")"

# Part of `test`, where Asterisk is left out if it is not installed; it takes some minutes once.
peers: setup
	@tests/setup.sh peers
	ASTERISK=1 $(tests) --test peers

# Part of `test` with fewer packets. An hour's worth at 3,000 a second, which fills 10 Mbit/s, as fast as the machine can.
FLOOD_PACKETS ?= 10800000
flood: setup
	FLOOD_PACKETS=$(FLOOD_PACKETS) cargo test --locked --release --test box flood -- --nocapture

# What becomes of many composed companies with the real listener, in virtual time and from seeds, in about a minute.
# SLAY_SOUND names another folder of sound pieces than tests/listen/sound.
SLAY_COMPANIES ?= 1000
slay-table: setup
	SLAY_COMPANIES=$(SLAY_COMPANIES) cargo test --locked --test sim -- --ignored --nocapture slay_table

# Each fuzz target for so many seconds, without a sanitizer: the room has no unsafe code. Needs the nightly compiler.
FUZZ_SECONDS ?= 60
fuzz:
	@command -v cargo-fuzz >/dev/null || cargo +nightly install --locked --quiet cargo-fuzz
	for target in message values framing sdp digest machine head form; do \
	  mkdir -p target/fuzz/$$target && \
	  cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz-build --sanitizer none $$target \
	    target/fuzz/$$target tests/fuzz/corpus/$$target -- -max_len=2048 -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

# The page in Debian's Chromium, in both languages: every page looked at by axe, and pictures in target/e2e. `test` does the
# shorter half of it.
e2e: setup
	cargo build --locked
	node tests/e2e/run.mjs

# Needs sox with libsox-fmt-all for GSM and AMR; GRID=0.1 tries a tenth of the lines. How long the whole takes was not measured:
# a tenth takes two minutes on one core.
tones: setup
	cargo test --locked --release --test listen tones:: -- --include-ignored --nocapture

# Word errors and phrase recall on telephone sound, beside faster-whisper with the same weights. Needs what Debian calls sox,
# libsox-fmt-all, espeak-ng and flite; the rest it fetches by pip.
words: setup
	python3 model/words/measure.py

# Real time: CALLS_AT_ONCE boxes, each between a phone and a provider of its own. PYTHON has numpy and soundfile.
PYTHON ?= python3
CALLS_AT_ONCE ?= 12
challenge: setup
	@test -d "$(CALLS)" || { echo 'make challenge: CALLS names a folder of composed calls'; exit 1; }
	cargo build --locked --release
	$(PYTHON) model/challenge.py target/release/hold-slayer $(CALLS) $(CALLS_AT_ONCE)

lint:
	cargo fmt --check
	cargo clippy --locked --all-targets --quiet -- -D warnings
	$(if $(deny),cargo deny --log-level error check licenses bans sources,@echo 'cargo-deny is not installed: licences not checked')

fmt:
	cargo fmt

setup:
	@tests/setup.sh test
	@tests/setup.sh e2e

bench: setup
	@test -e $(BENCH)/run.py || { echo 'make bench: there is no harness at BENCH=$(BENCH)'; exit 1; }
	cargo build --locked --release
	@$(MAKE) --no-print-directory cost
	python3 tests/bench/bench.py --bench $(BENCH) --box $(CURDIR)/target/release/hold-slayer $(BENCH_ARGS)

# How soon an event is on the page, and what 50 visitors do to the sound: with wrk, of Debian's package.
bench-page: setup
	@command -v wrk >/dev/null || { echo 'make bench-page: please install what Debian calls wrk'; exit 1; }
	cargo build --locked --release
	python3 tests/bench/page.py target/release/hold-slayer

# Two holds at once while the box recognises what both lines say. PYTHON has numpy and soundfile.
bench-words: setup
	cargo build --locked --release
	$(PYTHON) tests/bench/words.py target/release/hold-slayer .cache/words

# Instructions for each packet and tick: the same on every run, however busy the machine.
cost:
	@if command -v valgrind >/dev/null; then \
	  cargo test --locked --release --quiet --test cost -- --ignored --nocapture what_packets_and_ticks_cost; \
	else echo 'valgrind is not installed: instructions are not counted'; fi

# A Debian package in target/deb, for this machine's kind of processor or for arm64, as root.
ARCH ?= $(shell dpkg --print-architecture)
deb: setup
ifeq ($(ARCH),$(shell dpkg --print-architecture))
	cargo build --locked --release
	@image/deb.sh $(ARCH) target/release target/deb
else
	image/arm.sh build --release
	@image/deb.sh $(ARCH) target/arm64/aarch64-unknown-linux-gnu/release target/deb
endif

# A quarter of an hour once the builder's system is there (image/builder.sh) and dependencies are built.
arm-test: setup
	cargo build --locked
	image/arm-test.sh target/debug/hold-slayer

# Installed, started, upgraded and purged in a fresh Debian 12 and 13, as root.
deb-test: deb
	for suite in bookworm trixie; do image/deb-test.sh target/deb/hold-slayer_*_"$$(dpkg --print-architecture)".deb $$suite || exit 1; done

# The same packets through both, PJMEDIA in real time.
quality: setup
	.cache/venv/bin/pip install --quiet --disable-pip-version-check numpy==2.4.6 pesq==0.0.4
	.cache/venv/bin/python3 tests/quality/run.py

# The key pair for updates: the secret one in the file UPDATE_SECRET, the public one is said.
update-key:
	@test -n "$(UPDATE_SECRET)" || { echo 'make update-key: UPDATE_SECRET names the file for the secret key'; exit 1; }
	@image/key.sh --new "$(UPDATE_SECRET)"

# A card for a Raspberry Pi, in target/image, as root: image/README.md. What it fetches it keeps in ~/.cache. UPDATE_SECRET names the key
# whose updates it takes (make update-key), and an update of this version is made with it; or UPDATE_KEY is the public key of another's.
image:
	@image/image.sh target/image

# The card of `image`, but with a key that signs only what is tried here, in a machine that QEMU interprets, with a provider, a phone and a finger
# around it; the power goes IMAGE_CUTS times (20) in a hold, what is not flushed with it, and it is updated. An hour, as root; IMAGE_MEMORY (512) is the first test's
# machine's, in megabytes, and IMAGE_FILTER names the tests.
image-test: setup
	@mkdir -p target/image-test && rm -f target/image-test/key*
	@image/key.sh --new target/image-test/key >/dev/null
	@UPDATE_SECRET=target/image-test/key image/image.sh target/image-test
	PI_TREES=$(CURDIR)/target/image-test/boot cargo test --locked --quiet --test unit the_lines_are_those_of_the_kernel_s_own_trees
	@programs=$$(cargo test --locked --no-run --test image --message-format=json 2>/dev/null | \
	  sed -n 's/.*"target":{"kind":\["test"\].*"executable":"\([^"]*\)".*/\1/p') && \
	tests/image/run.sh target/image-test "$$programs" $(IMAGE_FILTER)

clean:
	cargo clean
	rm -rf .cache
