/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/format.h"
#include "report/report.h"
#include "tests/unit/tarball.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

typedef struct reported {
    asy_tree left, right;
    asy_result result;
    asy_report report;
    asy_buf left_bytes, right_bytes;
} reported;

static void report_on(reported *out, const tar_entry *left, size_t left_count,
                      const tar_entry *right, size_t right_count)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    *out = (reported){0};
    tar_make(&out->left_bytes, left, left_count);
    tar_make(&out->right_bytes, right, right_count);
    const asy_limits *limits = &asy_limits_default;
    asy_span a = asy_buf_span(&out->left_bytes), b = asy_buf_span(&out->right_bytes);
    cr_assert_eq(asy_tree_read_bytes(a, "x.tar", limits, &out->left, &error), ASY_OK);
    cr_assert_eq(asy_tree_read_bytes(b, "x.tar", limits, &out->right, &error), ASY_OK);
    cr_assert_eq(asy_compare(&out->left, &out->right, "x.tar", &out->result, &error), ASY_OK);
    out->report = (asy_report){
        .left = {"dir/x.tar", a.len, out->left.root->sha256, out->left.root->format->name},
        .right = {"y.tar", b.len, out->right.root->sha256, out->right.root->format->name},
        .result = &out->result};
}

static void reported_end(reported *report)
{
    asy_result_free(&report->result);
    asy_tree_free(&report->left);
    asy_tree_free(&report->right);
    asy_buf_free(&report->left_bytes);
    asy_buf_free(&report->right_bytes);
}

static void write_as(const reported *report, const char *format, asy_buf *out)
{
    const asy_reporter *reporter = asy_reporter_find(format);
    cr_assert(reporter, "%s", format);
    reporter->write(&report->report, out);
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        count++;
    return count;
}

Test(report_registry, formats_by_name)
{
    cr_expect(asy_reporter_find("text") && asy_reporter_find("json"));
    cr_expect_null(asy_reporter_find("xml"));
    cr_expect_null(asy_reporter_find(""));
}

Test(report_text, names_of_inputs_cannot_speak_to_the_terminal)
{
    reported report;
    ASY_BUF_AUTO text = ASY_BUF_INIT, json = ASY_BUF_INIT;
    const tar_entry left[] = {{"a\033[2Jb\xe2\x80\xae", "one\033[31m\n", 0644, 1}};
    const tar_entry right[] = {{"a\033[2Jb\xe2\x80\xae", "two\033[31m\n", 0644, 1}};
    report_on(&report, left, 1, right, 1);
    report.report.verbose = true;
    write_as(&report, "text", &text);
    write_as(&report, "json", &json);
    cr_expect_null(strchr(text.ptr, '\033'));
    cr_expect(strstr(text.ptr, "a\\x1b[2Jb\\u{202e}"), "%s", text.ptr);
    cr_expect(strstr(text.ptr, "- one\\x1b[31m"), "%s", text.ptr);
    cr_expect_null(strchr(json.ptr, '\033'));
    cr_expect(strstr(json.ptr, "a\\u001b[2Jb\\u202e"), "%s", json.ptr);
    reported_end(&report);
}

Test(report_text, colours_only_when_asked)
{
    reported report;
    ASY_BUF_AUTO plain = ASY_BUF_INIT, colored = ASY_BUF_INIT;
    report_on(&report, &(tar_entry){"a", "1\n", 0, 1}, 1, &(tar_entry){"a", "2\n", 0, 1}, 1);
    write_as(&report, "text", &plain);
    report.report.color = true;
    write_as(&report, "text", &colored);
    cr_expect_null(strchr(plain.ptr, '\033'));
    cr_expect(strchr(colored.ptr, '\033'));
    reported_end(&report);
}

Test(report_text, the_worst_comes_first)
{
    reported report;
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    const tar_entry left[] = {{"usr/share/doc/a", "1\n", 0, 1}, {"etc/sudoers", "1\n", 0, 1}};
    const tar_entry right[] = {{"usr/share/doc/a", "2\n", 0, 1}, {"etc/sudoers", "2\n", 0, 1}};
    report_on(&report, left, 2, right, 2);
    write_as(&report, "text", &text);
    const char *docs = strstr(text.ptr, "usr/share/doc/a"), *sudo = strstr(text.ptr, "etc/sudoers");
    cr_assert(docs && sudo, "%s", text.ptr);
    cr_expect_lt(sudo, docs);
    reported_end(&report);
}

enum { MANY = 100 };

Test(report_text, the_short_form_fits_and_counts_what_it_leaves_out)
{
    reported report;
    char names[MANY][16];
    tar_entry left[MANY], right[MANY];
    ASY_BUF_AUTO text = ASY_BUF_INIT, all = ASY_BUF_INIT;
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "file%03d", i);
        left[i] = (tar_entry){names[i], "1\n", 0, 1};
        right[i] = (tar_entry){names[i], "2\n", 0, 1};
    }
    report_on(&report, left, MANY, right, MANY);
    write_as(&report, "text", &text);
    cr_expect_eq(count_of(text.ptr, "[unexplained]"), 40);
    cr_expect(strstr(text.ptr, "and 60 more (-v shows them)"), "%s", text.ptr);
    report.report.verbose = true;
    write_as(&report, "text", &all);
    cr_expect_eq(count_of(all.ptr, "[unexplained]"), MANY);
    cr_expect_eq(count_of(all.ptr, "+ 2"), MANY, "lines are shown");
    reported_end(&report);
}

Test(report_text, what_is_benign_is_folded_into_its_cause)
{
    reported report;
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    const tar_entry left[] = {{"a", "1\n", 0, 1}, {"b", "1\n", 0, 1}};
    const tar_entry right[] = {{"a", "1\n", 0, 2}, {"b", "1\n", 0, 2}};
    report_on(&report, left, 2, right, 2);
    write_as(&report, "text", &text);
    cr_expect(strstr(text.ptr, "timestamp.archive-member (benign, 2)"), "%s", text.ptr);
    cr_expect_null(strstr(text.ptr, "header.mtime"));
    cr_expect(strstr(text.ptr, "certificate: both sides have the normal form sha256:"));
    reported_end(&report);
}

static const char *string_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

Test(report_json, holds_the_certificate_of_an_equivalence)
{
    reported report;
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    report_on(&report, &(tar_entry){"a", "1\n", 0, 1}, 1, &(tar_entry){"a", "1\n", 0, 2}, 1);
    write_as(&report, "json", &text);
    json_t *root = json_loadb(text.ptr, text.len, 0, NULL);
    cr_assert(root, "%s", text.ptr);
    cr_expect_str_eq(string_at(root, "schema"), "assay-report/1");
    cr_expect_str_eq(string_at(root, "verdict"), "equivalent");
    const json_t *certificate = json_object_get(root, "certificate");
    cr_expect_eq(strlen(string_at(certificate, "sha256")), ASY_SHA256_HEX);
    const json_t *steps = json_object_get(certificate, "steps");
    cr_assert_gt(json_array_size(steps), 0);
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(steps, 0), "left")), 1);
    json_decref(root);
    reported_end(&report);
}

Test(report_json, types_what_differs)
{
    reported report;
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    report_on(&report, &(tar_entry){"a", "1\n", 0644, 1}, 1, &(tar_entry){"a", "2\n", 0600, 1}, 1);
    write_as(&report, "json", &text);
    json_t *root = json_loadb(text.ptr, text.len, 0, NULL);
    cr_assert(root, "%s", text.ptr);
    const json_t *list = json_object_get(root, "differences");
    cr_assert_eq(json_array_size(list), 3);
    const json_t *mode = json_array_get(list, 0), *sum = json_array_get(list, 1);
    const json_t *content = json_array_get(list, 2);
    cr_expect_str_eq(string_at(mode, "path"), "x.tar!/a");
    cr_expect_str_eq(string_at(json_object_get(mode, "right"), "value"), "0600");
    cr_expect_eq(json_integer_value(json_array_get(json_object_get(sum, "derived_from"), 0)), 1);
    const json_t *detail = json_object_get(content, "detail");
    cr_expect_str_eq(string_at(detail, "type"), "lines");
    cr_expect_eq(json_array_size(json_object_get(detail, "lines")), 2);
    cr_expect(json_is_null(json_object_get(root, "certificate")));
    json_decref(root);
    reported_end(&report);
}

Test(report_json, the_same_input_gives_the_same_bytes)
{
    reported first, second;
    ASY_BUF_AUTO a = ASY_BUF_INIT, b = ASY_BUF_INIT;
    const tar_entry left = {"a", "1\n", 0644, 1}, right = {"a", "2\n", 0600, 5};
    report_on(&first, &left, 1, &right, 1);
    report_on(&second, &left, 1, &right, 1);
    write_as(&first, "json", &a);
    write_as(&second, "json", &b);
    cr_expect(asy_span_eq(asy_buf_span(&a), asy_buf_span(&b)));
    reported_end(&first);
    reported_end(&second);
}
