# SPDX-License-Identifier: Apache-2.0
# One makefile for the whole tree. `make help` lists the targets.
#
#     make MODE=asan|tsan|fuzz        other builds, each in a folder of its own below build/
#     make CC=clang BUILD=build/clang another compiler beside the first

MODE    ?= release
BUILD   ?= build/$(MODE)
PREFIX  ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 20
VERSION := $(shell cat VERSION)

ifeq ($(filter $(MODE),release asan tsan fuzz),)
$(error MODE is one of release, asan, tsan, fuzz)
endif
ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(MODE)),clang,gcc)
endif

PKGS := libarchive libgit2 libcrypto liblzma zlib libzstd libseccomp jansson
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

# Control-flow protection has another name on each architecture.
MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
BRANCH_x86_64  := -fcf-protection
BRANCH_aarch64 := -mbranch-protection=standard

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wpointer-arith -Wwrite-strings -Wundef -Werror
HARDEN   := -fstack-protector-strong -fstack-clash-protection $(BRANCH_$(MACHINE)) -fPIE
LINKHARD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
COMMON   := -std=gnu11 -D_GNU_SOURCE -DASY_VERSION='"$(VERSION)"' -Icore -I. -pthread

SANITIZE_asan := -fsanitize=address,undefined
SANITIZE_tsan := -fsanitize=thread
SANITIZE_fuzz := -fsanitize=fuzzer-no-link,address,undefined
FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2
FLAGS_asan    := -O1 -g $(SANITIZE_asan) -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -g $(SANITIZE_tsan)
FLAGS_fuzz    := -O1 -g $(SANITIZE_fuzz) -fno-sanitize-recover=all

CFLAGS_ALL  := $(COMMON) $(WARN) $(HARDEN) $(FLAGS_$(MODE)) $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
LDFLAGS_ALL := $(LINKHARD) $(SANITIZE_$(MODE)) $(LDFLAGS)
LDLIBS_ALL  := $(PKG_LIBS) $(LDLIBS)

LIB_SRC  := $(sort $(wildcard core/*/*.c formats/*.c))
CMD_SRC  := $(sort $(wildcard cmd/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/%.o)
CMD_OBJ  := $(CMD_SRC:%.c=$(BUILD)/%.o)
UNIT_OBJ := $(UNIT_SRC:%.c=$(BUILD)/%.o)
FUZZERS  := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/%)

# As many jobs as processors, unless the user said how many.
JOBS = $(if $(findstring j,$(filter-out --%,$(MAKEFLAGS))),,-j$(shell nproc))

.PHONY: all build demo check check-unit check-cli check-asan check-real lint layers fuzz fuzzers \
        bench install clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:

ifeq ($(BUILD),build/release)
all: build/assay ## the program, build/assay
build/assay: $(BUILD)/assay
	@ln -sfn release/assay $@
else
all: $(BUILD)/assay
endif

build: all $(BUILD)/unit

$(BUILD)/assay: $(CMD_OBJ) $(LIB_OBJ)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL)

$(BUILD)/unit: $(UNIT_OBJ) $(LIB_OBJ)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL) -lcriterion

$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(LIB_OBJ)
	$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LDLIBS_ALL)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Holds what the objects were made with, and is touched only when that changes.
$(BUILD)/flags: FORCE | $(BUILD)/
ifeq ($(PKG_LIBS),)
	@echo 'The libraries that assay is built with are not all here: run' >&2
	@echo '`scripts/setup.sh build` (as root, or with sudo), or `make demo`.' >&2
	@pkg-config --print-errors --exists $(PKGS)
else
	$(file >$@.new,$(shell $(CC) --version 2>/dev/null) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(LDLIBS_ALL))
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
endif

$(BUILD)/:
	@mkdir -p $@

-include $(patsubst %.o,%.d,$(LIB_OBJ) $(CMD_OBJ) $(UNIT_OBJ)) \
         $(FUZZ_SRC:%.c=$(BUILD)/%.d)

# These two install what they need, so that they work on a bare system.
demo: ## sets up, builds, and verifies a genuine and a tampered package
	@scripts/setup.sh demo
	@$(MAKE) -s $(JOBS) all
	@scripts/demo.sh

check: ## sets up, builds and runs all tests that need no network
	@scripts/setup.sh check
	@$(MAKE) -s $(JOBS) build
	@scripts/check.sh $(BUILD)

check-unit: build ## the unit tests alone
	@scripts/check.sh $(BUILD) unit

check-cli: all ## the tests of the command line alone
	@scripts/check.sh $(BUILD) cli

check-asan: ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/setup.sh check
	@$(MAKE) -s $(JOBS) MODE=asan build
	@tests/sanitized.sh build/asan

check-real: ## verifies real packages of the Debian archive (needs the network)
	@scripts/setup.sh check
	@$(MAKE) -s $(JOBS) all
	@scripts/check-real.sh

lint: ## format, clang-tidy, cppcheck, shellcheck, banned functions
	@LINT_FLAGS='$(subst ','\'',$(COMMON) $(PKG_CFLAGS))' scripts/lint.sh

layers: ## no lower layer includes a higher one
	@scripts/check-layers.sh --self-test
	@scripts/check-layers.sh

fuzz: ## every fuzz target for FUZZ_SECONDS=20
	@$(MAKE) -s $(JOBS) MODE=fuzz fuzzers
	@scripts/fuzz.sh build/fuzz $(FUZZ_SECONDS)

fuzzers: $(FUZZERS)

bench: all ## sandbox start, overhead of verify, diff beside its floor
	@scripts/bench.sh

DOCDIR := $(DESTDIR)$(PREFIX)/share/doc/assay
install: all ## to DESTDIR= PREFIX=/usr/local
	install -D -m 755 $(BUILD)/assay $(DESTDIR)$(PREFIX)/bin/assay
	install -D -m 644 docs/man/assay.1 $(DESTDIR)$(PREFIX)/share/man/man1/assay.1
	install -D -m 644 completions/assay.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/assay
	install -D -m 644 completions/_assay $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_assay
	install -d -m 755 $(DOCDIR)
	install -m 644 README.md LICENSE $(DOCDIR)/
	find docs -type f ! -path 'docs/man/*' | while read -r file; do \
	    install -D -m 644 $$file $(DOCDIR)/$$file || exit 1; \
	done

clean: ## removes build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
