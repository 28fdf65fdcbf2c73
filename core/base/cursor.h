/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cursor: the one way in which bytes of an input are read. A cursor walks a span and never leaves
 * it: a read past the end returns false (or 0 with `failed` set, for the sticky forms) and moves
 * nothing.
 */
#ifndef ASY_CURSOR_H
#define ASY_CURSOR_H

#include "base/base.h"

typedef struct asy_cursor {
    asy_span span;
    uint64_t pos; /* always <= span.len */
    bool failed;  /* set by the first sticky read that did not fit; all later ones give 0 */
} asy_cursor;

asy_cursor asy_cursor_over(asy_span span);
uint64_t asy_cursor_left(const asy_cursor *cursor);
/* Moves to an absolute position; false when it lies outside. */
bool asy_cursor_seek(asy_cursor *cursor, uint64_t pos);
bool asy_cursor_skip(asy_cursor *cursor, uint64_t count);
/* Takes the next `count` bytes. */
bool asy_cursor_take(asy_cursor *cursor, uint64_t count, asy_span *out);
/* Looks at the next `count` bytes without moving. */
bool asy_cursor_peek(const asy_cursor *cursor, uint64_t count, asy_span *out);

/* Sticky fixed-width reads: le and be name the byte order in the input. */
uint8_t asy_cursor_u8(asy_cursor *cursor);
uint16_t asy_cursor_u16le(asy_cursor *cursor);
uint32_t asy_cursor_u32le(asy_cursor *cursor);
uint64_t asy_cursor_u64le(asy_cursor *cursor);
uint16_t asy_cursor_u16be(asy_cursor *cursor);
uint32_t asy_cursor_u32be(asy_cursor *cursor);
uint64_t asy_cursor_u64be(asy_cursor *cursor);

#endif
