/* SPDX-License-Identifier: Apache-2.0 */
/* arena: many small things that live and die together. Not for concurrent use. */
#ifndef ASY_ARENA_H
#define ASY_ARENA_H

#include "base/base.h"

typedef struct asy_arena asy_arena;

asy_arena *asy_arena_new(void);
asy_arena *asy_arena_free(asy_arena *arena);          /* returns NULL */
void *asy_arena_alloc(asy_arena *arena, size_t size); /* zeroed, aligned for any type */
char *asy_arena_strndup(asy_arena *arena, const char *text, size_t len);
asy_span asy_arena_copy(asy_arena *arena, asy_span bytes);
char *asy_arena_printf(asy_arena *arena, const char *format, ...) ASY_PRINTF(2, 3);

#endif
