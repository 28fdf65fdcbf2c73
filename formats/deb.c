/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deb: an ar of debian-binary, control.tar and data.tar (deb(5)). Installing unpacks the two tars;
 * their ar headers have no counterpart on the system.
 */
#include "formats/ar.h"

#include <string.h>

static const asy_step step_times = {
    .name = "deb.member-times",
    .version = 1,
    .cause = "timestamp.archive-member",
    .summary = "the time in the ar header of a required member, which installing ignores"};
static const asy_step step_size = {
    .name = "deb.member-size",
    .version = 1,
    .cause = "derived.size",
    .summary = "the size in the ar header of control.tar or data.tar, and the pad byte after it"};

/* dpkg-deb decodes a tar as its name says, whatever its content looks like. */
static const struct {
    const char *suffix, *format;
} encodings[] = {{"", "tar"}, {".gz", "gzip"}, {".xz", "xz"}, {".zst", "zstd"}};

typedef enum phase { BINARY, CONTROL, DATA, AFTER } phase;

/* "control.tar" with or without a suffix. */
static bool is_tar(asy_span name, const char *stem)
{
    asy_span start = asy_span_str(stem);
    return asy_span_starts(name, stem) && (name.len == start.len || name.ptr[start.len] == '.');
}

/* The format that a tar's suffix calls for; NULL for those that no handler reads. */
static const char *named_format(asy_span name)
{
    const uint8_t *tar = memmem(name.ptr, name.len, ".tar", 4);
    size_t at = tar ? (size_t)(tar - name.ptr) + 4 : name.len;
    for (size_t i = 0; i < ASY_COUNT(encodings); i++)
        if (asy_span_eq(asy_span_sub(name, at, name.len - at), asy_span_str(encodings[i].suffix)))
            return encodings[i].format;
    return NULL;
}

static bool is_cut(const asy_node *node)
{
    for (size_t i = 0; i < node->finding_count; i++)
        if (node->findings[i].limit)
            return true;
    return false;
}

/* Says so where the content of a tar is not what dpkg-deb takes it for. */
static void done(void *state ASY_UNUSED, asy_layout *layout, uint64_t offset, const asy_node *node)
{
    const char *wanted = named_format(node->name);
    if (!node->unpacked || !wanted || is_cut(node))
        return;
    if (strcmp(wanted, node->format->name) != 0) {
        asy_layout_malformed(layout, offset + AR_HEADER, node->bytes.len, "content",
                             "named %.*s, but its content is a %s", (int)node->name.len,
                             (const char *)node->name.ptr, node->format->title);
        return;
    }
    const asy_node *inner =
        strcmp(wanted, "tar") != 0 && node->child_count ? node->children[0] : NULL;
    if (inner && !is_cut(inner) && strcmp(inner->format->name, "tar") != 0)
        asy_layout_malformed(layout, offset + AR_HEADER, node->bytes.len, "content",
                             "it decodes to a %s, not to a tar archive", inner->format->title);
}

static unsigned out_of_place(asy_layout *layout, uint64_t offset, const char *wanted)
{
    asy_layout_malformed(layout, offset, AR_HEADER, "header.name", "%s should stand here", wanted);
    return 0;
}

static unsigned member(void *state, asy_layout *layout, uint64_t offset, asy_span name)
{
    phase *at = state;
    if (*at == BINARY) {
        *at = CONTROL;
        return asy_span_eq(name, asy_span_str("debian-binary"))
                   ? AR_TIMES
                   : out_of_place(layout, offset, "debian-binary");
    }
    bool control = is_tar(name, "control.tar"), data = is_tar(name, "data.tar");
    if ((*at == CONTROL && control) || (*at == DATA && data)) {
        (*at)++;
        return named_format(name) ? AR_TIMES | AR_UNPACKED : 0;
    }
    if (*at != AFTER && !asy_span_starts(name, "_"))
        return out_of_place(layout, offset, *at == CONTROL ? "control.tar" : "data.tar");
    if (control || data)
        return out_of_place(layout, offset, "neither control.tar nor data.tar");
    asy_layout_notable(layout, offset, AR_HEADER, "header.name",
                       "a member that installing ignores");
    return 0;
}

static int probe(const asy_probe *file)
{
    asy_span name = asy_span_sub(file->head, AR_MAGIC, 16);
    return asy_span_starts(file->head, "!<arch>\n") && asy_span_starts(name, "debian-binary")
               ? ASY_BID_SURE
               : ASY_BID_NO;
}

static int read_deb(asy_layout *layout, asy_error *error ASY_UNUSED)
{
    const ar_rules rules = {
        .times = &step_times, .size = &step_size, .member = member, .done = done};
    phase at = BINARY;
    ar_read(layout, &rules, &at);
    if (at != AFTER && !asy_layout_full(layout))
        asy_layout_malformed(layout, asy_layout_bytes(layout).len, 0, NULL, "%s is missing",
                             at == CONTROL ? "control.tar" : "data.tar");
    return ASY_OK;
}

static const asy_step *const steps[] = {&step_times, &step_size, NULL};

extern const asy_format asy_format_deb;
const asy_format asy_format_deb = {.name = "deb",
                                   .title = "Debian binary package",
                                   .refines = "ar",
                                   .probe = probe,
                                   .read = read_deb,
                                   .steps = steps};
