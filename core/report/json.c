/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON report: docs/schema/assay-report-1.schema.json says what each field holds. */
#include "report/writers.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { HEX_BYTES = 32 }; /* of each side, from where they part */

static void write_subject(asy_json *json, const char *key, const asy_subject *subject)
{
    asy_json_object(json, key);
    asy_json_str(json, "path", subject->path);
    asy_json_u64(json, "size", subject->size);
    asy_json_sha256(json, "sha256", &subject->sha256);
    asy_json_str(json, "format", subject->format);
    asy_json_end(json);
}

static void write_counts(asy_json *json, const asy_counts *counts)
{
    asy_json_object(json, "counts");
    asy_json_u64(json, "identical", counts->identical);
    asy_json_u64(json, "benign", counts->benign);
    asy_json_u64(json, "explained", counts->explained);
    asy_json_u64(json, "unexplained", counts->unexplained);
    asy_json_u64(json, "hidden", counts->hidden);
    asy_json_end(json);
}

static void write_causes(asy_json *json, const asy_result *result)
{
    size_t count = 0;
    asy_cause_count *causes = asy_report_causes(result, &count);
    asy_json_array(json, "causes");
    for (size_t i = 0; i < count; i++) {
        const asy_cause *known = asy_cause_find(causes[i].id);
        asy_json_object(json, NULL);
        asy_json_str(json, "id", causes[i].id);
        asy_json_str(json, "status", asy_status_name(causes[i].status));
        asy_json_u64(json, "count", causes[i].count);
        asy_json_str(json, "fix", known ? known->fix : NULL);
        asy_json_end(json);
    }
    asy_json_end(json);
    free(causes);
}

static void write_side(asy_json *json, const char *key, const asy_side *side)
{
    if (!side->present) {
        asy_json_null(json, key);
        return;
    }
    asy_json_object(json, key);
    asy_json_u64(json, "offset", side->offset);
    asy_json_u64(json, "size", side->size);
    asy_json_str(json, "value", side->value);
    asy_json_end(json);
}

static void write_line(asy_json *json, const asy_line *line)
{
    const char origin[] = {line->origin, '\0'};
    asy_json_object(json, NULL);
    asy_json_str(json, "origin", line->origin == '\\' ? "eof" : origin);
    asy_json_u64(json, "left", line->left);
    asy_json_u64(json, "right", line->right);
    asy_json_span(json, "text", line->text);
    asy_json_end(json);
}

static void write_hex(asy_json *json, const char *key, asy_span bytes, uint64_t first)
{
    ASY_BUF_AUTO hex = ASY_BUF_INIT;
    uint64_t left = first < bytes.len ? bytes.len - first : 0;
    asy_buf_puts(&hex, "");
    asy_buf_hex(&hex, asy_span_sub(bytes, first, left < HEX_BYTES ? left : HEX_BYTES));
    asy_json_str(json, key, hex.ptr);
}

/* Typed by what differs; null when the two sides' values say it all. */
static void write_detail(asy_json *json, const asy_difference *difference)
{
    if (difference->line_count) {
        asy_json_object(json, "detail");
        asy_json_str(json, "type", "lines");
        asy_json_bool(json, "cut", difference->lines_cut);
        asy_json_array(json, "lines");
        for (size_t i = 0; i < difference->line_count; i++)
            write_line(json, &difference->lines[i]);
        asy_json_end(json);
        asy_json_end(json);
    } else if (difference->has_bytes) {
        asy_json_object(json, "detail");
        asy_json_str(json, "type", "bytes");
        asy_json_u64(json, "first", difference->first_byte);
        asy_json_u64(json, "differing", difference->byte_count);
        write_hex(json, "left", difference->left.bytes, difference->first_byte);
        write_hex(json, "right", difference->right.bytes, difference->first_byte);
        asy_json_end(json);
    } else {
        asy_json_null(json, "detail");
    }
}

static void write_difference(asy_json *json, const asy_difference *difference)
{
    asy_json_object(json, NULL);
    asy_json_u64(json, "id", difference->id);
    asy_json_str(json, "path", difference->path);
    asy_json_str(json, "region", difference->region);
    asy_json_str(json, "kind", asy_kind_name(difference->kind));
    asy_json_str(json, "status", asy_status_name(difference->status));
    asy_json_str(json, "cause", difference->cause);
    asy_json_str(json, "possible_cause", difference->possible_cause);
    asy_json_array(json, "derived_from");
    for (size_t i = 0; i < difference->derived_count; i++)
        asy_json_u64(json, NULL, difference->derived_from[i]);
    asy_json_end(json);
    asy_json_str(json, "risk", asy_risk_name(difference->risk));
    asy_json_str(json, "summary", difference->summary);
    write_side(json, "left", &difference->left);
    write_side(json, "right", &difference->right);
    write_detail(json, difference);
    asy_json_end(json);
}

static void write_step(asy_json *json, const asy_result *result, const asy_step *step)
{
    const asy_normal *sides[] = {&result->left_normal, &result->right_normal};
    const char *const keys[] = {"left", "right"};
    asy_json_object(json, NULL);
    asy_json_str(json, "name", step->name);
    asy_json_u64(json, "version", step->version);
    asy_json_str(json, "summary", step->summary);
    for (size_t side = 0; side < ASY_COUNT(sides); side++) {
        uint64_t count = 0;
        for (size_t i = 0; i < sides[side]->use_count; i++)
            count += sides[side]->uses[i].step == step;
        asy_json_u64(json, keys[side], count);
    }
    asy_json_end(json);
}

static int by_name(const void *left, const void *right)
{
    const asy_step *a = *(const asy_step *const *)left, *b = *(const asy_step *const *)right;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->version > b->version) - (a->version < b->version);
}

static void collect_steps(const asy_normal *normal, const asy_step ***list, size_t *count,
                          size_t *capacity)
{
    for (size_t i = 0; i < normal->use_count; i++) {
        size_t at = 0;
        while (at < *count && (*list)[at] != normal->uses[i].step)
            at++;
        if (at < *count)
            continue;
        ASY_GROW(*list, *count, *capacity);
        (*list)[(*count)++] = normal->uses[i].step;
    }
}

/* Each step with the number of artifacts on each side to which it was applied. */
static void write_certificate(asy_json *json, const asy_result *result)
{
    if (result->verdict != ASY_EQUIVALENT) {
        asy_json_null(json, "certificate");
        return;
    }
    const asy_step **steps = NULL;
    size_t count = 0, capacity = 0;
    collect_steps(&result->left_normal, &steps, &count, &capacity);
    collect_steps(&result->right_normal, &steps, &count, &capacity);
    if (count)
        qsort(steps, count, sizeof(*steps), by_name);
    asy_json_object(json, "certificate");
    asy_json_u64(json, "normal_form", 1);
    asy_json_sha256(json, "sha256", &result->left_normal.digest);
    asy_json_array(json, "steps");
    for (size_t i = 0; i < count; i++)
        write_step(json, result, steps[i]);
    asy_json_end(json);
    asy_json_end(json);
    free(steps);
}

void asy_report_json(const asy_report *report, asy_buf *out)
{
    const asy_result *result = report->result;
    asy_json *json = asy_json_new(out);
    asy_json_object(json, NULL);
    asy_json_str(json, "schema", "assay-report/1");
    asy_json_object(json, "tool");
    asy_json_str(json, "name", "assay");
    asy_json_str(json, "version", ASY_VERSION);
    asy_json_end(json);
    asy_json_str(json, "verdict", asy_verdict_name(result->verdict));
    asy_json_str(json, "risk", asy_risk_name(result->risk));
    write_subject(json, "left", &report->left);
    write_subject(json, "right", &report->right);
    write_counts(json, &result->counts);
    write_causes(json, result);
    asy_json_array(json, "limits");
    for (size_t i = 0; i < result->limit_count; i++)
        asy_json_str(json, NULL, result->limits[i]);
    asy_json_end(json);
    asy_json_str(json, "confinement", report->confinement);
    write_certificate(json, result);
    asy_json_array(json, "differences");
    for (size_t i = 0; i < result->difference_count; i++)
        write_difference(json, &result->differences[i]);
    asy_json_end(json);
    asy_json_end(json);
    asy_json_free(json);
}
