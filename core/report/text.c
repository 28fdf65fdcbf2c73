/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people: the verdict, what matters first, one line a difference. */
#include "report/writers.h"

#include "io/io.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 40, SHOWN_PER_FILE = 5, VALUE_BYTES_MAX = 100, ROW = 16, ROWS = 3 };

static const char *const sentences[] = {
    [ASY_IDENTICAL] = "the same bytes",
    [ASY_EQUIVALENT] = "every difference is proven not to matter",
    [ASY_EXPLAINED_ONLY] = "every difference has a known cause, yet a program could see it",
    [ASY_DIFFERENT] = "there are differences without a known cause",
    [ASY_INCONCLUSIVE] = "not all of it could be read or compared",
};

/* ANSI colours (ECMA-48, SGR): only when the reader is a terminal. */
static const char *risk_color(asy_risk risk)
{
    return risk >= ASY_RISK_HIGH ? "31" : risk == ASY_RISK_MEDIUM ? "33" : "36";
}

static void paint(const asy_report *report, asy_buf *out, const char *color, const char *text)
{
    if (report->color)
        asy_buf_printf(out, "\033[%sm%s\033[0m", color, text);
    else
        asy_buf_puts(out, text);
}

static void write_subject(asy_buf *out, const char *side, const asy_subject *subject)
{
    asy_buf_printf(out, "  %-6s ", side);
    asy_buf_escape_str(out, subject->path);
    asy_buf_printf(out, "  (%s, %" PRIu64 " byte%s)\n", subject->format, subject->size,
                   subject->size == 1 ? "" : "s");
}

static void write_head(const asy_report *report, asy_buf *out)
{
    const asy_result *result = report->result;
    const char *color = result->verdict <= ASY_EQUIVALENT       ? "32"
                        : result->verdict == ASY_EXPLAINED_ONLY ? "33"
                                                                : "31";
    paint(report, out, color, asy_verdict_name(result->verdict));
    asy_buf_printf(out, ": %s", sentences[result->verdict]);
    if (result->verdict != ASY_IDENTICAL)
        asy_buf_printf(out, "; risk %s", asy_risk_name(result->risk));
    asy_buf_putc(out, '\n');
    write_subject(out, "left", &report->left);
    write_subject(out, "right", &report->right);
    const asy_counts *counts = &result->counts;
    if (result->verdict == ASY_IDENTICAL)
        return;
    asy_buf_printf(out,
                   "  differences: %" PRIu64 " unexplained, %" PRIu64 " explained, %" PRIu64
                   " benign; %" PRIu64 " member%s identical\n",
                   counts->unexplained, counts->explained, counts->benign, counts->identical,
                   counts->identical == 1 ? "" : "s");
    if (counts->hidden)
        asy_buf_printf(out, "  set aside, not compared: %" PRIu64 "\n", counts->hidden);
}

static void write_limits(const asy_report *report, asy_buf *out)
{
    const asy_result *result = report->result;
    for (size_t i = 0; i < result->limit_count; i++) {
        asy_buf_puts(out, i ? ", " : "  not complete: ");
        if (strcmp(result->limits[i], "interrupted") != 0)
            asy_buf_puts(out, "limit on ");
        asy_buf_escape_str(out, result->limits[i]);
    }
    if (result->limit_count)
        asy_buf_putc(out, '\n');
    if (report->confinement)
        asy_buf_printf(out, "  read without %s, which the kernel lacks\n", report->confinement);
}

/* The path below what was compared; the whole path for the file itself. */
static const char *short_path(const asy_report *report, const char *path)
{
    const char *inside = strstr(path, "!/");
    if (inside && strchr(path, '/') > inside)
        return inside + 2;
    if (strcmp(report->left.format, "directory") == 0 && (inside = strchr(path, '/')))
        return inside + 1;
    return path;
}

static void write_value(asy_buf *out, const char *value)
{
    size_t len = strlen(value);
    asy_buf_escape(
        out, (asy_span){(const uint8_t *)value, len < VALUE_BYTES_MAX ? len : VALUE_BYTES_MAX});
    if (len > VALUE_BYTES_MAX)
        asy_buf_puts(out, "...");
}

/* "0755 -> 04755"; "only on the right: symlink to x"; else what the passes said. */
static void write_what(asy_buf *out, const asy_difference *difference)
{
    const char *left = difference->left.value, *right = difference->right.value;
    if (left && right && strcmp(left, right) != 0) {
        write_value(out, left);
        asy_buf_puts(out, " -> ");
        write_value(out, right);
        return;
    }
    if (difference->summary)
        asy_buf_escape_str(out, difference->summary);
    else
        asy_buf_puts(out, asy_kind_name(difference->kind));
    if (!left != !right) {
        asy_buf_puts(out, ": ");
        write_value(out, left ? left : right);
    }
}

static void write_lines(const asy_report *report, asy_buf *out, const asy_difference *difference)
{
    for (size_t i = 0; i < difference->line_count; i++) {
        const asy_line *line = &difference->lines[i];
        ASY_BUF_AUTO text = ASY_BUF_INIT;
        asy_buf_printf(&text, "%c ", line->origin);
        asy_buf_escape(&text, line->text);
        asy_buf_printf(out, "          %6u ", line->left ? line->left : line->right);
        if (line->origin == '-' || line->origin == '+')
            paint(report, out, line->origin == '-' ? "31" : "32", text.ptr);
        else
            asy_buf_puts(out, text.ptr);
        asy_buf_putc(out, '\n');
    }
    if (difference->lines_cut)
        asy_buf_puts(out, "                 ... more than is shown here\n");
}

static void write_row(asy_buf *out, const char *side, const asy_side *from, uint64_t at)
{
    asy_span bytes = from->bytes;
    asy_buf_printf(out, "          %-5s %08" PRIx64 " ", side, from->offset + at);
    for (size_t i = 0; i < ROW; i++)
        if (at + i < bytes.len)
            asy_buf_printf(out, " %02x", bytes.ptr[at + i]);
        else
            asy_buf_puts(out, "   ");
    asy_buf_puts(out, "  ");
    for (size_t i = 0; i < ROW && at + i < bytes.len; i++) {
        uint8_t c = bytes.ptr[at + i];
        asy_buf_putc(out, c >= 0x20 && c < 0x7f ? (char)c : '.');
    }
    asy_buf_putc(out, '\n');
}

static void write_bytes(asy_buf *out, const asy_difference *difference)
{
    const asy_side *left = &difference->left, *right = &difference->right;
    uint64_t at = difference->has_bytes ? difference->first_byte / ROW * ROW : 0;
    for (unsigned row = 0; row < ROWS; row++, at += ROW) {
        if (at < left->bytes.len)
            write_row(out, "left", left, at);
        if (at < right->bytes.len)
            write_row(out, "right", right, at);
    }
}

static void write_difference(const asy_report *report, asy_buf *out,
                             const asy_difference *difference)
{
    ASY_BUF_AUTO risk = ASY_BUF_INIT;
    asy_buf_printf(&risk, "%-8s", asy_risk_name(difference->risk));
    asy_buf_puts(out, "  ");
    paint(report, out, risk_color(difference->risk), risk.ptr);
    asy_buf_putc(out, ' ');
    asy_buf_escape_str(out, short_path(report, difference->path));
    asy_buf_puts(out, "  ");
    asy_buf_escape_str(out, difference->region);
    asy_buf_puts(out, ": ");
    write_what(out, difference);
    asy_buf_printf(out, " [%s", asy_status_name(difference->status));
    if (difference->cause)
        asy_buf_printf(out, ", %s", difference->cause);
    else if (difference->possible_cause)
        asy_buf_printf(out, ", perhaps %s", difference->possible_cause);
    asy_buf_puts(out, "]\n");
    if (!report->verbose)
        return;
    if (difference->line_count)
        write_lines(report, out, difference);
    else if (!difference->left.value || !difference->right.value)
        write_bytes(out, difference);
}

/* A difference in the order of the report: risk, then file, then code before the rest. */
typedef struct entry {
    const asy_difference *difference;
    size_t file; /* which run of differences with one path */
    bool code;
} entry;

static int by_weight(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    if (a->difference->risk != b->difference->risk)
        return a->difference->risk > b->difference->risk ? -1 : 1;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->code != b->code)
        return a->code ? -1 : 1;
    return a->difference->id < b->difference->id ? -1 : a->difference->id > b->difference->id;
}

static bool is_code(const asy_difference *difference)
{
    const asy_region *region =
        difference->left_region ? difference->left_region : difference->right_region;
    return region && (region->flags & ASY_REGION_EXEC);
}

/* What is neither derived nor, unless verbose, benign. */
static entry *collect(const asy_report *report, size_t *count, size_t *derived)
{
    const asy_result *result = report->result;
    entry *list = asy_calloc(result->difference_count + 1, sizeof(*list));
    size_t file = 0;
    *count = *derived = 0;
    for (size_t i = 0; i < result->difference_count; i++) {
        const asy_difference *difference = &result->differences[i];
        if (i > 0 && strcmp(difference->path, result->differences[i - 1].path) != 0)
            file++;
        if (difference->status == ASY_BENIGN && !report->verbose)
            continue;
        if (difference->derived_count)
            ++*derived;
        else
            list[(*count)++] = (entry){difference, file, is_code(difference)};
    }
    qsort(list, *count, sizeof(*list), by_weight);
    return list;
}

static bool one_group(const entry *a, const entry *b)
{
    return a->file == b->file && a->difference->risk == b->difference->risk;
}

/* Writes the differences of one file and risk, from `at`; gives where the next group starts. */
static size_t write_group(const asy_report *report, asy_buf *out, const entry *list, size_t count,
                          size_t at)
{
    size_t end = at;
    while (end < count && one_group(&list[at], &list[end]))
        end++;
    size_t shown = end - at;
    if (!report->verbose && shown > SHOWN_PER_FILE + 1)
        shown = SHOWN_PER_FILE;
    for (size_t i = at; i < at + shown; i++)
        write_difference(report, out, list[i].difference);
    if (at + shown < end) {
        asy_buf_printf(out, "           and %zu more parts of ", end - at - shown);
        asy_buf_escape_str(out, asy_path_base(short_path(report, list[at].difference->path)));
        asy_buf_putc(out, '\n');
    }
    return end;
}

static void write_differences(const asy_report *report, asy_buf *out)
{
    size_t count = 0, derived = 0, at = 0;
    entry *list = collect(report, &count, &derived);
    if (count)
        asy_buf_putc(out, '\n');
    for (size_t lines = 0; at < count && (report->verbose || lines < SHOWN_MAX);) {
        size_t next = write_group(report, out, list, count, at);
        lines += next - at < SHOWN_PER_FILE + 1 ? next - at : SHOWN_PER_FILE + 1;
        at = next;
    }
    if (at < count)
        asy_buf_printf(out, "  ... and %zu more (-v shows them)\n", count - at);
    if (derived)
        asy_buf_printf(out, "  and %zu that follow%s from these: sizes, checksums\n", derived,
                       derived == 1 ? "s" : "");
    free(list);
}

static void write_causes(const asy_report *report, asy_buf *out)
{
    size_t count = 0;
    asy_cause_count *causes = asy_report_causes(report->result, &count);
    for (size_t i = 0, shown = 0; i < count; i++) {
        const asy_cause *known = asy_cause_find(causes[i].id);
        bool benign = causes[i].status == ASY_BENIGN;
        if (strncmp(causes[i].id, "derived.", strlen("derived.")) == 0)
            continue;
        if (shown++ == 0)
            asy_buf_putc(out, '\n');
        asy_buf_printf(out, "  %s (%s, %" PRIu64 "): %s\n", causes[i].id,
                       asy_status_name(causes[i].status), causes[i].count,
                       known ? known->title : "");
        if (known && !benign)
            asy_buf_printf(out, "      to mend it: %s\n", known->fix);
    }
    free(causes);
}

static void write_certificate(const asy_report *report, asy_buf *out)
{
    char hex[ASY_SHA256_HEX + 1];
    if (report->result->verdict != ASY_EQUIVALENT)
        return;
    asy_sha256_hex(&report->result->left_normal.digest, hex);
    asy_buf_printf(out, "\n  certificate: both sides have the normal form sha256:%s\n", hex);
}

void asy_report_text(const asy_report *report, asy_buf *out)
{
    write_head(report, out);
    write_limits(report, out);
    if (report->result->verdict == ASY_IDENTICAL)
        return;
    write_differences(report, out);
    write_causes(report, out);
    write_certificate(report, out);
}
