/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: what every other module stands on. Spans, overflow-checked arithmetic, the error object,
 * allocation, cleanup attributes. Includes nothing of the project.
 *
 * Ownership, said once for the whole code base: out-parameters are owned by the caller, returned
 * pointers are borrowed unless the function is named _new, _dup or _take. A function that can fail
 * returns a negative ASY_E_* and fills an asy_error; 0 is success.
 */
#ifndef ASY_BASE_H
#define ASY_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ASY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ASY_COUNT(array)      (sizeof(array) / sizeof((array)[0]))
#define ASY_UNUSED            __attribute__((unused))

/* ---- spans ---------------------------------------------------------------------------------- */

/* A borrowed run of bytes. ptr may be NULL when len is 0. */
typedef struct asy_span {
    const uint8_t *ptr;
    size_t len;
} asy_span;

/* The span over a NUL-terminated string, without the NUL. */
asy_span asy_span_str(const char *text);

/* The part [offset, offset + size) of a span; empty when it does not lie inside. */
asy_span asy_span_sub(asy_span span, uint64_t offset, uint64_t size);

bool asy_span_eq(asy_span a, asy_span b);
/* Order by unsigned bytes, the shorter first when one is a prefix; <0, 0, >0. */
int asy_span_cmp(asy_span a, asy_span b);
bool asy_span_is_zero(asy_span span); /* true for the empty span */
bool asy_span_starts(asy_span span, const char *prefix);
bool asy_span_ends(asy_span span, const char *suffix);

/* ---- checked arithmetic --------------------------------------------------------------------- */

/* *sum = a + b; false, and *sum untouched, when it overflows. */
static inline bool asy_add_u64(uint64_t a, uint64_t b, uint64_t *sum)
{
    uint64_t result;
    if (__builtin_add_overflow(a, b, &result))
        return false;
    *sum = result;
    return true;
}

/* *product = a * b; false, and *product untouched, when it overflows. */
static inline bool asy_mul_u64(uint64_t a, uint64_t b, uint64_t *product)
{
    uint64_t result;
    if (__builtin_mul_overflow(a, b, &result))
        return false;
    *product = result;
    return true;
}

/* ---- errors --------------------------------------------------------------------------------- */

enum {
    ASY_OK = 0,
    ASY_E_USAGE = -1,       /* the caller's words are off */
    ASY_E_IO = -2,          /* the system refused a read, a write, a call */
    ASY_E_FORMAT = -3,      /* input that cannot be what it claims to be */
    ASY_E_LIMIT = -4,       /* a named limit was reached */
    ASY_E_NOT_FOUND = -5,   /* no such file, revision, recipe */
    ASY_E_MISMATCH = -6,    /* a checksum or an object id does not hold */
    ASY_E_BUILD = -7,       /* the build ran and failed */
    ASY_E_TIMEOUT = -8,     /* the build ran too long */
    ASY_E_INFRA = -9,       /* the machine cannot do it now: root, disk, namespaces, network */
    ASY_E_INTERRUPTED = -10 /* SIGINT or SIGTERM */
};

/*
 * What went wrong, where, and the way out. Plain value: start it as ASY_ERROR_INIT, end it with
 * asy_error_clear (or declare it with ASY_ERROR_AUTO). The strings are owned by the error.
 */
typedef struct asy_error {
    int code;        /* one of ASY_E_*, 0 when unset */
    char *message;   /* outermost context first, joined by ": " */
    char *path;      /* file concerned, or NULL */
    char *hint;      /* what the user can do, or NULL */
    uint64_t offset; /* byte offset in path, when has_offset */
    bool has_offset;
} asy_error;

/* clang-format off */
#define ASY_ERROR_INIT {0}
/* clang-format on */
#define ASY_ERROR_AUTO __attribute__((cleanup(asy_error_clear))) asy_error

/* Each of these accepts a NULL error and returns the code (that of the last asy_error_set on this
 * thread, when there is no object to hold one), so that `return asy_error_hint(…)` reads
 * well. asy_error_set replaces what was there. */
int asy_error_set(asy_error *error, int code, const char *format, ...) ASY_PRINTF(3, 4);
/* As asy_error_set with ": " and the text of errno appended. */
int asy_error_errno(asy_error *error, int code, const char *format, ...) ASY_PRINTF(3, 4);
/* Puts "text: " before the message that is there; keeps the code, and returns it. */
int asy_error_wrap(asy_error *error, const char *format, ...) ASY_PRINTF(2, 3);
/* Names the file; an earlier, more precise path is kept. */
int asy_error_path(asy_error *error, const char *path);
/* Names the byte offset in the file. */
int asy_error_at(asy_error *error, uint64_t offset);
/* Says the way out; replaces an earlier hint. */
int asy_error_hint(asy_error *error, const char *format, ...) ASY_PRINTF(2, 3);
void asy_error_clear(asy_error *error);

/* ---- memory --------------------------------------------------------------------------------- */

/*
 * Small allocations, whose size the program and not the input decides: they abort() when the
 * machine has no memory left, as nothing sensible can follow. Sizes that an input decides go
 * through asy_blob (core/io/blob.h), which fails with ASY_E_LIMIT.
 */
void *asy_alloc(size_t size);                /* zeroed */
void *asy_calloc(size_t count, size_t size); /* zeroed, overflow-checked */
void *asy_realloc_array(void *ptr, size_t count, size_t size);
char *asy_strdup(const char *text); /* NULL gives NULL */
char *asy_strndup(const char *text, size_t len);
char *asy_asprintf(const char *format, ...) ASY_PRINTF(1, 2);

/* Ends the program when an invariant of the code itself is broken. Never for input. */
#define ASY_ASSERT(condition)                                                                      \
    ((condition) ? (void)0 : asy_assert_failed(#condition, __FILE__, __LINE__))
void asy_assert_failed(const char *condition, const char *file, int line) __attribute__((noreturn));

void asy_free_cleanup(void *pointer_to_pointer);
void asy_close_cleanup(int *fd);
#define ASY_AUTO_FREE  __attribute__((cleanup(asy_free_cleanup)))
#define ASY_AUTO_CLOSE __attribute__((cleanup(asy_close_cleanup)))

/* Grows an array so that one more element fits: ASY_GROW(list, count, capacity). */
#define ASY_GROW(list, count, capacity)                                                            \
    do {                                                                                           \
        if ((count) == (capacity)) {                                                               \
            (capacity) = (capacity) ? (capacity)*2 : 8;                                            \
            (list) = asy_realloc_array((list), (capacity), sizeof(*(list)));                       \
        }                                                                                          \
    } while (0)

#endif
