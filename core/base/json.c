/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_DEPTH = 32 }; /* documents of ours nest less than ten levels */

struct asy_json {
    asy_buf *out;
    char closer[JSON_DEPTH];
    bool has_items[JSON_DEPTH];
    int depth;
};

asy_json *asy_json_new(asy_buf *out)
{
    asy_json *json = asy_alloc(sizeof(*json));
    json->out = out;
    return json;
}

asy_json *asy_json_free(asy_json *json)
{
    if (json) {
        ASY_ASSERT(json->depth == 0);
        asy_buf_putc(json->out, '\n');
        free(json);
    }
    return NULL;
}

static void indent(asy_json *json)
{
    asy_buf_putc(json->out, '\n');
    for (int i = 0; i < json->depth; i++)
        asy_buf_puts(json->out, "  ");
}

static void write_code_unit(asy_buf *out, uint32_t c)
{
    if (c > 0xffff) {
        c -= 0x10000;
        asy_buf_printf(out, "\\u%04x\\u%04x", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
    } else {
        asy_buf_printf(out, "\\u%04x", c);
    }
}

static bool must_spell(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || asy_utf8_deceptive(c);
}

static void write_text(asy_buf *out, asy_span text)
{
    asy_buf_putc(out, '"');
    while (text.len) {
        uint32_t c = 0;
        size_t len = asy_utf8_decode(text, &c);
        if (len == 0) {
            asy_buf_printf(out, "\\\\x%02x", text.ptr[0]);
            len = 1;
        } else if (c == '\\') {
            asy_buf_puts(out, "\\\\\\\\");
        } else if (c == '"') {
            asy_buf_puts(out, "\\\"");
        } else if (must_spell(c)) {
            write_code_unit(out, c);
        } else {
            asy_buf_add(out, text.ptr, len);
        }
        text = (asy_span){text.ptr + len, text.len - len};
    }
    asy_buf_putc(out, '"');
}

static void begin_value(asy_json *json, const char *key)
{
    if (json->depth > 0) {
        if (json->has_items[json->depth - 1])
            asy_buf_putc(json->out, ',');
        json->has_items[json->depth - 1] = true;
        indent(json);
    }
    if (key) {
        write_text(json->out, asy_span_str(key));
        asy_buf_puts(json->out, ": ");
    }
}

static void open_group(asy_json *json, const char *key, char opener, char closer)
{
    ASY_ASSERT(json->depth < JSON_DEPTH);
    begin_value(json, key);
    asy_buf_putc(json->out, opener);
    json->closer[json->depth] = closer;
    json->has_items[json->depth] = false;
    json->depth++;
}

void asy_json_object(asy_json *json, const char *key)
{
    open_group(json, key, '{', '}');
}

void asy_json_array(asy_json *json, const char *key)
{
    open_group(json, key, '[', ']');
}

void asy_json_end(asy_json *json)
{
    ASY_ASSERT(json->depth > 0);
    json->depth--;
    if (json->has_items[json->depth])
        indent(json);
    asy_buf_putc(json->out, json->closer[json->depth]);
}

void asy_json_str(asy_json *json, const char *key, const char *value)
{
    if (!value) {
        asy_json_null(json, key);
        return;
    }
    asy_json_span(json, key, asy_span_str(value));
}

void asy_json_span(asy_json *json, const char *key, asy_span value)
{
    begin_value(json, key);
    write_text(json->out, value);
}

void asy_json_u64(asy_json *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    asy_buf_printf(json->out, "%llu", (unsigned long long)value);
}

void asy_json_i64(asy_json *json, const char *key, int64_t value)
{
    begin_value(json, key);
    asy_buf_printf(json->out, "%lld", (long long)value);
}

void asy_json_double(asy_json *json, const char *key, double value)
{
    begin_value(json, key);
    asy_buf_printf(json->out, "%.3f", value);
}

void asy_json_bool(asy_json *json, const char *key, bool value)
{
    begin_value(json, key);
    asy_buf_puts(json->out, value ? "true" : "false");
}

void asy_json_sha256(asy_json *json, const char *key, const asy_sha256 *hash)
{
    char hex[ASY_SHA256_HEX + 1];
    asy_sha256_hex(hash, hex);
    asy_json_str(json, key, hex);
}

void asy_json_null(asy_json *json, const char *key)
{
    begin_value(json, key);
    asy_buf_puts(json->out, "null");
}

void asy_json_raw(asy_json *json, const char *key, asy_span document)
{
    begin_value(json, key);
    while (document.len && (document.ptr[document.len - 1] == '\n'))
        document.len--;
    for (size_t i = 0; i < document.len; i++) {
        if (document.ptr[i] == '\n')
            indent(json);
        else
            asy_buf_putc(json->out, (char)document.ptr[i]);
    }
}
