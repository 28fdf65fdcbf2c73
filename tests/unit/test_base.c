/* SPDX-License-Identifier: Apache-2.0 */
/* What every other module relies on: nothing leaves its bounds, nothing deceives a reader. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "base/json.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

Test(cursor, never_leaves_its_span)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5};
    asy_cursor cursor = asy_cursor_over((asy_span){bytes, sizeof(bytes)});
    asy_span taken;
    cr_assert_eq(asy_cursor_u32le(&cursor), 0x04030201u);
    cr_assert_not(asy_cursor_take(&cursor, 2, &taken));
    cr_assert_eq(cursor.pos, 4u, "a failed take moves nothing");
    cr_assert_eq(asy_cursor_u16be(&cursor), 0);
    cr_assert(cursor.failed);
    cr_assert_eq(asy_cursor_u8(&cursor), 0, "a failed cursor stays failed");
    cr_assert_not(asy_cursor_seek(&cursor, 6));
    cr_assert_not(asy_cursor_skip(&cursor, UINT64_MAX));
}

Test(cursor, reads_both_byte_orders)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    asy_span span = {bytes, sizeof(bytes)};
    asy_cursor little = asy_cursor_over(span), big = asy_cursor_over(span);
    cr_assert_eq(asy_cursor_u64le(&little), 0x0807060504030201u);
    cr_assert_eq(asy_cursor_u64be(&big), 0x0102030405060708u);
}

Test(span, a_part_outside_is_empty)
{
    asy_span span = asy_span_str("abcdef");
    cr_assert_eq(asy_span_sub(span, 2, 3).len, 3u);
    cr_assert_eq(asy_span_sub(span, 7, 0).len, 0u);
    cr_assert_eq(asy_span_sub(span, 2, UINT64_MAX).len, 0u);
    cr_assert_eq(asy_span_sub(span, UINT64_MAX, 1).len, 0u);
}

Test(arithmetic, overflow_is_refused)
{
    uint64_t out = 7;
    cr_assert_not(asy_add_u64(UINT64_MAX, 1, &out));
    cr_assert_not(asy_mul_u64(UINT64_MAX, 2, &out));
    cr_assert_eq(out, 7u);
    cr_assert(asy_add_u64(UINT64_MAX - 1, 1, &out));
    cr_assert_eq(out, UINT64_MAX);
}

Test(escape, nothing_reaches_a_terminal_as_a_command)
{
    static const struct {
        const char *raw, *shown;
    } cases[] = {
        {"plain caf\xc3\xa9", "plain caf\xc3\xa9"},
        {"\033[31mred", "\\x1b[31mred"},
        {"a\nb\tc", "a\\x0ab\\x09c"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xc0\xaf", "\\xc0\\xaf"},          /* an overlong slash */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
        {"\xc2\x9b"
         "31m",
         "\\u{9b}31m"}, /* C1 CSI */
        {"\xe2\x80\xae"
         "gpj",
         "\\u{202e}gpj"}, /* right-to-left override */
        {"back\\slash", "back\\\\slash"},
        {"\x7f", "\\x7f"},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        ASY_BUF_AUTO out = ASY_BUF_INIT;
        asy_buf_escape_str(&out, cases[i].raw);
        cr_expect_str_eq(out.ptr, cases[i].shown);
    }
}

Test(json, strict_readers_take_any_bytes_of_an_input)
{
    ASY_BUF_AUTO out = ASY_BUF_INIT;
    asy_json *json = asy_json_new(&out);
    asy_json_object(json, NULL);
    asy_json_str(json, "bytes", "a\xff\"\\\n\xe2\x80\xae");
    asy_json_array(json, "list");
    asy_json_u64(json, NULL, UINT64_MAX);
    asy_json_null(json, NULL);
    asy_json_end(json);
    asy_json_object(json, "empty");
    asy_json_end(json);
    asy_json_end(json);
    asy_json_free(json);

    json_error_t trouble;
    json_t *root = json_loads(out.ptr, JSON_DECODE_INT_AS_REAL, &trouble);
    cr_assert_not_null(root, "%s: %s", trouble.text, out.ptr);
    cr_assert_str_eq(json_string_value(json_object_get(root, "bytes")),
                     "a\\xff\"\\\\\n\xe2\x80\xae");
    cr_assert_null(strstr(out.ptr, "\xe2\x80\xae"), "bidi controls are spelled");
    json_decref(root);
}

Test(json, an_embedded_document_stays_one_value)
{
    ASY_BUF_AUTO inner = ASY_BUF_INIT;
    ASY_BUF_AUTO outer = ASY_BUF_INIT;
    asy_json *json = asy_json_new(&inner);
    asy_json_object(json, NULL);
    asy_json_bool(json, "deep", true);
    asy_json_end(json);
    asy_json_free(json);
    json = asy_json_new(&outer);
    asy_json_object(json, NULL);
    asy_json_raw(json, "inner", asy_buf_span(&inner));
    asy_json_end(json);
    asy_json_free(json);
    cr_assert_str_eq(outer.ptr, "{\n  \"inner\": {\n    \"deep\": true\n  }\n}\n");
}

Test(error, context_is_chained_and_the_first_place_kept)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    cr_assert_eq(asy_error_set(&error, ASY_E_FORMAT, "bad field %d", 7), ASY_E_FORMAT);
    asy_error_path(&error, "inner");
    asy_error_path(&error, "outer");
    asy_error_at(&error, 512);
    cr_assert_eq(asy_error_wrap(&error, "cannot read %s", "x.tar"), ASY_E_FORMAT);
    cr_assert_str_eq(error.message, "cannot read x.tar: bad field 7");
    cr_assert_str_eq(error.path, "inner");
    cr_assert(error.has_offset && error.offset == 512);
    cr_assert_eq(asy_error_set(NULL, ASY_E_IO, "nobody listens"), ASY_E_IO);
}

Test(hash, sha256_is_the_published_function)
{
    char hex[ASY_SHA256_HEX + 1];
    asy_sha256 hash = asy_sha256_of(asy_span_str("abc")); /* FIPS 180-4, example of one block */
    asy_sha256_hex(&hash, hex);
    cr_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Test(arena, large_and_small_pieces_live_together)
{
    asy_arena *arena = asy_arena_new();
    char *small = asy_arena_strndup(arena, "small", 5);
    uint8_t *large = asy_arena_alloc(arena, 1 << 20);
    memset(large, 0xff, 1 << 20);
    char *text = asy_arena_printf(arena, "%s-%d", small, 7);
    cr_assert_str_eq(text, "small-7");
    cr_assert_eq((uintptr_t)large % 16, 0u);
    asy_arena_free(arena);
}
