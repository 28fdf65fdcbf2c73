/* SPDX-License-Identifier: Apache-2.0 */
/* What differs in one artifact: the worst first, what is proven not to matter by its cause. */
#include "verify/reporters.h"

#include "base/arena.h"
#include "io/io.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_DIFFERENCES = 8, SHOWN_CAUSES = 8 };

typedef struct entry {
    asy_summary_line line;
    int risk;
    size_t index;
} entry;

typedef struct listing {
    asy_arena *arena; /* the lines' texts */
    entry *entries;   /* those that are neither benign nor derived */
    size_t count, capacity, derived, cause_count;
    struct {
        const char *id;
        size_t count;
    } causes[SHOWN_CAUSES]; /* of benign ones */
} listing;

static const char *keep(listing *list, const char *text)
{
    return text ? asy_arena_strndup(list->arena, text, strlen(text)) : NULL;
}

/* False when there is no room for another cause. */
static bool count_cause(listing *list, const char *id)
{
    size_t i = 0;
    while (i < list->cause_count && strcmp(list->causes[i].id, id) != 0)
        i++;
    if (i == SHOWN_CAUSES)
        return false;
    if (i == list->cause_count)
        list->causes[list->cause_count++].id = keep(list, id);
    list->causes[i].count++;
    return true;
}

static int rank_of(const char *risk)
{
    for (int r = ASY_RISK_CRITICAL; r > ASY_RISK_NONE; r--)
        if (strcmp(risk, asy_risk_name((asy_risk)r)) == 0)
            return r;
    return ASY_RISK_NONE;
}

static void take_line(void *context, const asy_summary_line *line)
{
    listing *list = context;
    if (line->derived) {
        list->derived++;
        return;
    }
    if (strcmp(line->status, "benign") == 0 && line->cause && count_cause(list, line->cause))
        return;
    ASY_GROW(list->entries, list->count, list->capacity);
    list->entries[list->count] = (entry){.line = {.path = keep(list, line->path),
                                                  .region = keep(list, line->region),
                                                  .summary = keep(list, line->summary),
                                                  .status = keep(list, line->status),
                                                  .cause = keep(list, line->cause),
                                                  .risk = keep(list, line->risk)},
                                         .risk = rank_of(line->risk),
                                         .index = list->count};
    list->count++;
}

static int worst_first(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    if (a->risk != b->risk)
        return b->risk - a->risk;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Without the artifact's own name, which stands above the list. */
static const char *inner_path(const char *path)
{
    const char *mark = strstr(path, "!/");
    return mark ? mark + 2 : path;
}

static void write_line(const asy_summary_line *line, asy_buf *out)
{
    asy_buf_puts(out, "  ");
    asy_buf_escape_str(out, inner_path(line->path));
    asy_buf_puts(out, "\n      ");
    if (line->region) {
        asy_buf_escape_str(out, line->region);
        asy_buf_puts(out, ": ");
    }
    asy_buf_escape_str(out, line->summary ? line->summary : "differs");
    asy_buf_puts(out, "\n      ");
    asy_buf_escape_str(out, line->status);
    if (line->cause) {
        asy_buf_puts(out, ", ");
        asy_buf_escape_str(out, line->cause);
    }
    asy_buf_puts(out, ", risk ");
    asy_buf_escape_str(out, line->risk);
    asy_buf_putc(out, '\n');
}

static void write_listing(listing *list, asy_buf *out)
{
    if (list->count > 1)
        qsort(list->entries, list->count, sizeof(*list->entries), worst_first);
    for (size_t i = 0; i < list->count && i < SHOWN_DIFFERENCES; i++)
        write_line(&list->entries[i].line, out);
    if (list->count > SHOWN_DIFFERENCES)
        asy_buf_printf(out, "  and %zu more, none of higher risk\n",
                       list->count - SHOWN_DIFFERENCES);
    for (size_t i = 0; i < list->cause_count; i++) {
        const asy_cause *cause = asy_cause_find(list->causes[i].id);
        asy_buf_printf(out, "  %zu proven not to matter: ", list->causes[i].count);
        asy_buf_escape_str(out, list->causes[i].id);
        if (cause)
            asy_buf_printf(out, ",\n      %s", cause->title);
        asy_buf_putc(out, '\n');
    }
    if (list->derived > 0)
        asy_buf_printf(out, "  %zu that follow from these: sizes, checksums\n", list->derived);
}

void asy_verify_write_differences(const asy_verification *v, const asy_verify_item *item,
                                  asy_buf *out)
{
    asy_summary summary;
    listing list = {.arena = asy_arena_new()};
    asy_buf_putc(out, '\n');
    asy_buf_escape_str(out, asy_path_base(item->path));
    if (item->trouble) {
        asy_buf_puts(out, ": ");
        asy_buf_escape_str(out, item->trouble);
        asy_buf_putc(out, '\n');
    } else {
        asy_buf_puts(out, ": what differs\n");
        asy_summary_read(asy_buf_span(&item->report), &summary, take_line, &list, NULL);
        write_listing(&list, out);
        asy_buf_puts(out, "  all of it: assay diff -v ");
        asy_buf_escape_str(out, item->path);
        asy_buf_putc(out, ' ');
        ASY_AUTO_FREE char *record = asy_strdup(v->build.record_path);
        asy_buf_escape(
            out, asy_span_sub(asy_span_str(record), 0, (uint64_t)(asy_path_base(record) - record)));
        asy_buf_escape_str(out, item->rebuilt);
        asy_buf_putc(out, '\n');
    }
    free(list.entries);
    asy_arena_free(list.arena);
}
