# Doorward. Two commands are enough: `make demo` and `make test`. Each installs what it needs and says what it does.
.DELETE_ON_ERROR:
.PHONY: help demo demo-check test check bench build plugins libraries install uninstall clean sizes \
        timing test-faults test-hole test-busy test-rules test-throttle test-rust test-c test-abi test-asan test-python test-wheel test-demo test-schema test-oidc test-passkey \
        test-client test-browsers

PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec
DESTDIR ?=
SHELL   := bash

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: build ## build everything and run the demo: a C++ and a Python server on one SQLite file
	demo/run

demo-check: build ## the same on free ports, walked through over HTTP and in a browser
	demo/check

test: test-rust test-c test-abi test-asan test-python test-wheel test-demo test-oidc test-passkey test-client ## build and pass every suite
	@echo "make test: every suite has passed"

check: ## formatting, lints, licences
	tools/check

bench: ## every hot operation beside the raw cost of the same work
	@tools/need cc=gcc python3=python3 /usr/lib/postgresql/*/bin/initdb=postgresql \
	    /usr/include/security/pam_appl.h=libpam0g-dev /usr/include/sasl/sasl.h=libsasl2-dev
	bench/run

sizes: ## what libdoorward weighs, crate by crate, with all engines and with SQLite alone
	tools/sizes

timing: ## whether a clock tells known addresses from unknown ones; needs a quiet machine
	cargo build --release --locked -p doorward-email-code
	cargo run --release --locked -p doorward-bench --bin timing

test-rules: build ## a hundred thousand histories of an owner and of who reads one mailbox, on memory and on SQLite
	FACTOR_HISTORIES=100000 cargo test --release --locked -p doorward-tests --test factor_property

test-faults: build ## SQLite on a bad disk and with its files taken away, under load; what the look for foreign descriptors costs
	@tools/need cc=gcc
	cargo test --locked -p doorward-tests --test faults -- --include-ignored --nocapture --test-threads 1

test-busy: build ## the whole suite three times, beside two busy processes a core: no verdict rests on speed
	tests/busy

test-throttle: build ## what attackers get and honest people meet, and 24 h of strangers: on all stores, simulated clock
	@tools/need /usr/lib/postgresql/*/bin/initdb=postgresql python3=python3
	cargo build --release --locked -p doorward-email-code -p doorward-api-key -p doorward-totp
	cargo test --release --locked -p doorward-tests --test throttle -- --include-ignored --nocapture --test-threads 1
	@echo "make test-throttle: every figure is what the page says, on memory, SQLite and PostgreSQL"

build: ## libraries, plugins and the command, for development
	@tools/need cc=gcc c++=g++ make=make pkg-config=pkg-config
	cargo build --workspace --locked

plugins: ## the plugins, for release
	cargo build --release --locked \
		-p doorward-api-key \
		-p doorward-email-code \
		-p doorward-ldap \
		-p doorward-oidc \
		-p doorward-passkey \
		-p doorward-recovery-codes \
		-p doorward-totp
	$(MAKE) -C plugins/pam

test-hole: build ## two thousand look-ups through a network that swallows them: when the last one is answered
	cargo test --release --locked -p doorward-tests --test postgres -- --ignored --nocapture half_a_second

# What the tests under cargo start or compile: one a line.
FOR_RUST_TESTS = \
	/usr/lib/postgresql/*/bin/initdb=postgresql \
	/usr/lib/python3/dist-packages/aiosmtpd=python3-aiosmtpd \
	/usr/lib/x86_64-linux-gnu/libsqlite3.so.0=libsqlite3-0 \
	/usr/include/security/pam_appl.h=libpam0g-dev \
	/usr/lib/x86_64-linux-gnu/libnss_wrapper.so=libnss-wrapper \
	/usr/sbin/pgbouncer=pgbouncer \
	/usr/sbin/slapd=slapd \
	cc=gcc \
	oathtool=oathtool \
	openssl=openssl \
	python3=python3 \
	rsvg-convert=librsvg2-bin \
	strace=strace \
	zbarimg=zbar-tools

test-rust: build
	@tools/need $(FOR_RUST_TESTS)
	cargo test --workspace --locked

test-c: build
	tests/c/run.sh

test-abi: build
	tests/abi/run.sh

test-asan:
	tests/c/asan.sh

test-python: build
	tests/python/run.sh

test-wheel: build
	tests/python/wheel.sh

test-demo: build
	demo/check

test-oidc: build
	plugins/oidc/test.sh

test-schema: build ## twenty thousand requests made from the surface's document, as nobody and signed in: nothing undocumented, no 5xx, no secret
	tests/schema/run.sh 300

test-passkey: build
	plugins/passkey/test.sh

test-client:
	client/test.sh

test-browsers: ## the client in Chromium, Firefox and WebKitGTK: storms, tabs, caches, passkeys; takes a while
	client/test.sh browsers

libraries: ## the C libraries for release, and nothing else: PREFIX=, LIBEXECDIR=, ENGINES=sqlite, CARGOFLAGS=--offline
	PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" LIBEXECDIR="$(LIBEXECDIR)" ffi/install.sh build

install: ## headers, libraries, pkg-config, CMake, man pages, built if need be: PREFIX=, LIBDIR=, DESTDIR=, ENGINES=sqlite, PROFILE=dev
	PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" LIBEXECDIR="$(LIBEXECDIR)" DESTDIR="$(DESTDIR)" ffi/install.sh install

uninstall: ## remove what install put there
	PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" LIBEXECDIR="$(LIBEXECDIR)" DESTDIR="$(DESTDIR)" ffi/install.sh uninstall

clean: ## remove what was built
	cargo clean
