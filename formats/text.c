/* SPDX-License-Identifier: Apache-2.0 */
/* Text: valid UTF-8 (so ASCII, too) without control characters other than \t \n \f \r and ESC. */
#include "formats/format.h"

#include <string.h>

static bool is_text_control(uint8_t c)
{
    return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == 0x1b;
}

/* The length of the run of printable ASCII at the start, eight bytes at a time where it can. */
static size_t plain_run(asy_span text)
{
    const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
    size_t at = 0;
    for (uint64_t word; text.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text.ptr + at, sizeof(word));
        uint64_t low = (word - ones * 0x20) & ~word & high;          /* a byte below 0x20 */
        uint64_t del = ((word ^ ones * 0x7f) - ones) & ~word & high; /* a byte that is 0x7f */
        if ((word & high) | low | del)
            break;
    }
    while (at < text.len && text.ptr[at] >= 0x20 && text.ptr[at] < 0x7f)
        at++;
    return at;
}

/* `cut`: the text may end in the middle of a character. */
static bool is_text(asy_span text, bool cut)
{
    while (text.len) {
        size_t len = plain_run(text);
        if (len == 0) {
            uint32_t c = 0;
            len = asy_utf8_decode(text, &c);
            if (len == 0)
                return cut && text.len < 4 && text.ptr[0] >= 0xc2;
            if (c < 0xa0 && !is_text_control((uint8_t)c))
                return false;
        }
        text = (asy_span){text.ptr + len, text.len - len};
    }
    return true;
}

static int probe(const asy_probe *file)
{
    if (file->size == 0 || !is_text(file->head, file->size > file->head.len))
        return ASY_BID_NO;
    return is_text(file->bytes, false) ? ASY_BID_TEXT : ASY_BID_NO;
}

static int read_text(asy_layout *layout, asy_error *error ASY_UNUSED)
{
    asy_layout_region(layout, 0, asy_layout_bytes(layout).len, "text", ASY_ROLE_OPAQUE);
    return ASY_OK;
}

extern const asy_format asy_format_text;
const asy_format asy_format_text = {
    .name = "text", .title = "text", .payload = true, .probe = probe, .read = read_text};
