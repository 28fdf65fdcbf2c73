# SPDX-License-Identifier: Apache-2.0
# One makefile for the whole tree. `make help` lists the targets.

MODE    ?= release
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := $(shell cat VERSION)

# The first two targets install what they need, so they must work before pkg-config is there.
SETUP_GOALS := demo check help setup clean
PKGS := libarchive libelf libgit2 libcrypto liblzma zlib libzstd libseccomp jansson libxxhash
PKGS_READY := $(shell pkg-config --exists $(PKGS) 2>/dev/null && echo yes)

BUILD  := build/$(MODE)
WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
          -Wpointer-arith -Wwrite-strings -Wundef -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
LINKHARD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
COMMON := -std=gnu11 -D_GNU_SOURCE -DASY_VERSION='"$(VERSION)"' -Icore -I. -MMD -MP -pthread

FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2
FLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -g -fsanitize=thread
FLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifeq ($(filter $(MODE),release asan tsan fuzz),)
$(error MODE is one of release, asan, tsan, fuzz)
endif

CFLAGS_ALL  = $(COMMON) $(WARN) $(HARDEN) $(FLAGS_$(MODE)) $(shell pkg-config --cflags $(PKGS)) $(CPPFLAGS) $(CFLAGS)
LDLIBS_ALL  = $(shell pkg-config --libs $(PKGS)) $(LDLIBS)
LDFLAGS_ALL = $(LINKHARD) $(filter -fsanitize%,$(FLAGS_$(MODE))) $(LDFLAGS)

LIB_SRC  := $(sort $(wildcard core/*/*.c formats/*.c))
CMD_SRC  := $(sort $(wildcard cmd/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/%.o)
CMD_OBJ  := $(CMD_SRC:%.c=$(BUILD)/%.o)
UNIT_OBJ := $(UNIT_SRC:%.c=$(BUILD)/%.o)

.PHONY: all build setup demo check check-unit check-cli check-asan check-real lint layers bench fuzz \
        install clean help
.DELETE_ON_ERROR:

all: build/assay

# build/assay is the program of the release mode; other modes stay in their folder.
build/assay: build/release/assay
	@ln -sfn release/assay $@
ifneq ($(MODE),release)
build/release/assay:
	$(MAKE) MODE=release build/release/assay
endif

build: $(BUILD)/assay $(BUILD)/unit

$(BUILD)/assay: $(CMD_OBJ) $(LIB_OBJ)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL)

$(BUILD)/unit: $(UNIT_OBJ) $(LIB_OBJ)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL) -lcriterion

$(BUILD)/%.o: %.c VERSION Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c -o $@ $<

$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(LIB_OBJ)
	$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LDLIBS_ALL)

-include $(LIB_OBJ:.o=.d) $(CMD_OBJ:.o=.d) $(UNIT_OBJ:.o=.d)
