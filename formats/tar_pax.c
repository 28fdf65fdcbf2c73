/* SPDX-License-Identifier: Apache-2.0 */
/* pax extended header records: "LENGTH KEY=VALUE\n", LENGTH counting the whole record. */
#include "formats/tar.h"

#include <string.h>

bool tar_decimal(asy_span text, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || sum > (INT64_MAX - 9) / 10)
            return false;
        sum = sum * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *value = sum;
    return text.len > 0;
}

/* Takes the record at the start of data; false when there is no well-formed one. */
static bool next_record(asy_span data, size_t *len, asy_span *key, asy_span *value)
{
    uint64_t total;
    const uint8_t *blank = memchr(data.ptr, ' ', data.len < 20 ? data.len : 20);
    if (!blank)
        return false;
    size_t digits = (size_t)(blank - data.ptr);
    if (!tar_decimal(asy_span_sub(data, 0, digits), &total) || total > data.len ||
        total < digits + 3 || data.ptr[total - 1] != '\n' || data.ptr[0] == '0')
        return false;
    asy_span rest = asy_span_sub(data, digits + 1, total - digits - 2);
    const uint8_t *equals = memchr(rest.ptr, '=', rest.len);
    if (!equals || equals == rest.ptr)
        return false;
    *len = total;
    *key = asy_span_sub(rest, 0, (uint64_t)(equals - rest.ptr));
    *value = asy_span_sub(rest, key->len + 1, rest.len - key->len - 1);
    return true;
}

static bool is(asy_span key, const char *name)
{
    return asy_span_eq(key, asy_span_str(name));
}

static void take(tar_pax *pax, asy_span key, asy_span value)
{
    if (is(key, "path")) {
        pax->path = value;
        pax->has_path = true;
    } else if (is(key, "linkpath")) {
        pax->link = value;
        pax->has_link = true;
    } else if (is(key, "size")) {
        pax->size = value;
        pax->has_size = true;
    } else if (is(key, "GNU.sparse.name")) {
        pax->sparse_name = value;
    } else if (is(key, "mtime")) {
        pax->time = true;
    }
    pax->sparse |= asy_span_starts(key, "GNU.sparse.") || asy_span_starts(key, "SCHILY.realsize");
    pax->overrides |= !is(key, "comment");
}

void tar_pax_parse(asy_span data, tar_pax *pax)
{
    size_t len;
    asy_span key, value;
    while (data.len) {
        if (!next_record(data, &len, &key, &value)) {
            pax->malformed = true;
            return;
        }
        take(pax, key, value);
        data = (asy_span){data.ptr + len, data.len - len};
    }
}

void tar_pax_emit(asy_layout *layout, uint64_t offset, uint64_t size)
{
    size_t len;
    asy_span key, value, data = asy_span_sub(asy_layout_bytes(layout), offset, size);
    while (data.len && next_record(data, &len, &key, &value)) {
        asy_span name = tar_string(key);
        asy_region *region = asy_layout_region(
            layout, offset, len, asy_layout_text(layout, "pax.%.*s", (int)name.len, name.ptr),
            ASY_ROLE_STRUCT);
        if (region)
            region->value = (const char *)asy_layout_copy(layout, value).ptr;
        offset += len;
        data = (asy_span){data.ptr + len, data.len - len};
    }
    if (data.len) {
        asy_layout_malformed(layout, offset, data.len, "pax", "this is no pax record");
        asy_layout_region(layout, offset, data.len, "pax", ASY_ROLE_RAW);
    }
}
