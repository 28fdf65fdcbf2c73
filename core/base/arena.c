/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 1 << 16, ALIGNMENT = 16 };

typedef struct block {
    struct block *next;
    size_t used, size;
    _Alignas(ALIGNMENT) unsigned char bytes[];
} block;

struct asy_arena {
    block *blocks; /* the first one is being filled */
};

asy_arena *asy_arena_new(void)
{
    return asy_alloc(sizeof(asy_arena));
}

asy_arena *asy_arena_free(asy_arena *arena)
{
    block *next;
    for (block *b = arena ? arena->blocks : NULL; b; b = next) {
        next = b->next;
        free(b);
    }
    free(arena);
    return NULL;
}

static block *add_block(asy_arena *arena, size_t size)
{
    uint64_t total;
    ASY_ASSERT(asy_add_u64(sizeof(block), size, &total));
    block *b = asy_alloc(total);
    b->size = size;
    /* A block made for one large thing goes behind the one being filled. */
    if (arena->blocks && size > BLOCK_SIZE) {
        b->next = arena->blocks->next;
        arena->blocks->next = b;
    } else {
        b->next = arena->blocks;
        arena->blocks = b;
    }
    return b;
}

void *asy_arena_alloc(asy_arena *arena, size_t size)
{
    uint64_t padded;
    ASY_ASSERT(asy_add_u64(size, ALIGNMENT - 1, &padded));
    padded -= padded % ALIGNMENT;
    block *b = arena->blocks;
    if (!b || b->size - b->used < padded)
        b = add_block(arena, padded > BLOCK_SIZE ? padded : BLOCK_SIZE);
    void *ptr = b->bytes + b->used;
    b->used += padded;
    return ptr;
}

char *asy_arena_strndup(asy_arena *arena, const char *text, size_t len)
{
    char *copy = asy_arena_alloc(arena, len + 1);
    if (len)
        memcpy(copy, text, len);
    return copy;
}

asy_span asy_arena_copy(asy_arena *arena, asy_span bytes)
{
    return (asy_span){(uint8_t *)asy_arena_strndup(arena, (const char *)bytes.ptr, bytes.len),
                      bytes.len};
}

char *asy_arena_printf(asy_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASY_ASSERT(len >= 0);
    char *text = asy_arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}
