/* SPDX-License-Identifier: Apache-2.0 */
#include "compare/passes.h"
#include "tests/unit/tarball.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* Two files compared, alive until compared_end. */
typedef struct compared {
    asy_tree left, right;
    asy_result result;
} compared;

static void compare_with(compared *out, asy_span left, asy_span right, const asy_limits *limits)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    cr_assert_eq(asy_tree_read_bytes(left, "x", limits, &out->left, &error), ASY_OK);
    cr_assert_eq(asy_tree_read_bytes(right, "x", limits, &out->right, &error), ASY_OK);
    cr_assert_eq(asy_compare(&out->left, &out->right, "x", &out->result, &error), ASY_OK);
}

static void compare_bytes(compared *out, asy_span left, asy_span right)
{
    compare_with(out, left, right, &asy_limits_default);
}

static void compare_tars(compared *out, const tar_entry *left, size_t left_count,
                         const tar_entry *right, size_t right_count)
{
    static asy_buf a, b; /* outlive the trees */
    asy_buf_free(&a);
    asy_buf_free(&b);
    tar_make(&a, left, left_count);
    tar_make(&b, right, right_count);
    compare_bytes(out, asy_buf_span(&a), asy_buf_span(&b));
}

static void compared_end(compared *pair)
{
    asy_result_free(&pair->result);
    asy_tree_free(&pair->left);
    asy_tree_free(&pair->right);
}

static const asy_difference *find(const compared *pair, const char *path, const char *region)
{
    for (size_t i = 0; i < pair->result.difference_count; i++) {
        const asy_difference *difference = &pair->result.differences[i];
        if (strcmp(difference->path, path) == 0 && strcmp(difference->region, region) == 0)
            return difference;
    }
    return NULL;
}

/* ---- pairing ---------------------------------------------------------------------------------- */

static size_t spans(const char *const *words, asy_span *out)
{
    size_t count = 0;
    for (; words[count]; count++)
        out[count] = asy_span_str(words[count]);
    return count;
}

Test(compare_twins, equal_keys_pair_by_occurrence)
{
    asy_span left[8], right[8];
    size_t a = spans((const char *[]){"x", "y", "x", "z", NULL}, left);
    size_t b = spans((const char *[]){"x", "x", "w", "y", NULL}, right);
    const asy_twin wanted[] = {{0, 0}, {1, 3}, {2, 1}, {3, ASY_NONE}, {ASY_NONE, 2}};
    size_t count = 0;
    asy_twin *twins = asy_twins(left, a, right, b, &count);
    cr_assert_eq(count, ASY_COUNT(wanted));
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(twins[i].left, wanted[i].left, "left of %zu", i);
        cr_expect_eq(twins[i].right, wanted[i].right, "right of %zu", i);
    }
    cr_expect_eq(asy_twins_moved(twins, count), 2, "the second x comes before y on the right");
    free(twins);
}

Test(compare_twins, an_insertion_moves_nothing)
{
    asy_span left[8], right[8];
    size_t a = spans((const char *[]){"a", "b", "c", NULL}, left);
    size_t b = spans((const char *[]){"n", "a", "m", "b", "c", NULL}, right);
    size_t count = 0;
    asy_twin *twins = asy_twins(left, a, right, b, &count);
    cr_expect_eq(count, 5);
    cr_expect_eq(asy_twins_moved(twins, count), ASY_NONE);
    free(twins);
}

/* ---- verdicts --------------------------------------------------------------------------------- */

Test(compare_verdict, equal_bytes_are_identical)
{
    compared pair;
    compare_bytes(&pair, asy_span_str("one\n"), asy_span_str("one\n"));
    cr_expect_eq(pair.result.verdict, ASY_IDENTICAL);
    cr_expect_eq(pair.result.difference_count, 0);
    compared_end(&pair);
}

Test(compare_verdict, member_times_alone_are_equivalent_with_a_certificate)
{
    compared pair;
    const tar_entry left[] = {{"a", "one\n", 0644, 1000000000}, {"b", "two\n", 0644, 1000000000}};
    const tar_entry right[] = {{"a", "one\n", 0644, 1600000000}, {"b", "two\n", 0644, 1600000001}};
    compare_tars(&pair, left, 2, right, 2);
    cr_expect_eq(pair.result.verdict, ASY_EQUIVALENT);
    cr_expect(asy_sha256_eq(&pair.result.left_normal.digest, &pair.result.right_normal.digest));
    cr_expect_gt(pair.result.left_normal.use_count, 0);
    const asy_difference *time = find(&pair, "x!/b", "header.mtime");
    cr_assert(time);
    cr_expect_eq(time->status, ASY_BENIGN);
    cr_expect_str_eq(time->cause, "timestamp.archive-member");
    cr_expect_str_eq(time->right.value, "2020-09-13 12:26:41 UTC");
    const asy_difference *sum = find(&pair, "x!/b", "header.chksum");
    cr_assert(sum);
    cr_expect_eq(sum->derived_count, 1);
    cr_expect_eq(sum->derived_from[0], time->id);
    cr_expect_eq(pair.result.counts.identical, 2);
    compared_end(&pair);
}

Test(compare_verdict, member_order_alone_is_equivalent)
{
    compared pair;
    const tar_entry left[] = {{"a", "one\n", 0, 1}, {"b", "two\n", 0, 1}, {"c", "3\n", 0, 1}};
    const tar_entry right[] = {{"b", "two\n", 0, 1}, {"c", "3\n", 0, 1}, {"a", "one\n", 0, 1}};
    compare_tars(&pair, left, 3, right, 3);
    cr_expect_eq(pair.result.verdict, ASY_EQUIVALENT);
    const asy_difference *order = find(&pair, "x", "order");
    cr_assert(order);
    cr_expect_eq(order->kind, ASY_REORDERED);
    cr_expect_str_eq(order->cause, "order.archive-members");
    compared_end(&pair);
}

Test(compare_verdict, order_with_a_duplicate_name_is_no_equivalence)
{
    compared pair;
    const tar_entry left[] = {{"a", "one\n", 0, 1}, {"a", "two\n", 0, 1}, {"b", "3\n", 0, 1}};
    const tar_entry right[] = {{"b", "3\n", 0, 1}, {"a", "one\n", 0, 1}, {"a", "two\n", 0, 1}};
    compare_tars(&pair, left, 3, right, 3);
    cr_expect_eq(pair.result.verdict, ASY_DIFFERENT);
    compared_end(&pair);
}

Test(compare_verdict, a_setuid_bit_among_times_is_found)
{
    compared pair;
    const tar_entry left[] = {{"bin/su", "#!/bin/sh\n", 0755, 1}, {"b", "two\n", 0644, 1}};
    const tar_entry right[] = {{"bin/su", "#!/bin/sh\n", 04755, 2}, {"b", "two\n", 0644, 2}};
    compare_tars(&pair, left, 2, right, 2);
    cr_expect_eq(pair.result.verdict, ASY_DIFFERENT);
    cr_expect_eq(pair.result.counts.unexplained, 2, "the mode, and the checksum that follows");
    const asy_difference *mode = find(&pair, "x!/bin/su", "header.mode");
    cr_assert(mode);
    cr_expect_eq(mode->status, ASY_UNEXPLAINED);
    cr_expect_eq(mode->risk, ASY_RISK_CRITICAL);
    cr_expect_eq(pair.result.risk, ASY_RISK_CRITICAL);
    compared_end(&pair);
}

Test(compare_verdict, times_of_a_stored_archive_are_explained_only)
{
    compared pair;
    ASY_BUF_AUTO inner_left = ASY_BUF_INIT, inner_right = ASY_BUF_INIT;
    ASY_BUF_AUTO left = ASY_BUF_INIT, right = ASY_BUF_INIT;
    /* An ar file: nothing unpacks what a static library holds. */
    tar_make(&inner_left, &(tar_entry){"a", "one\n", 0644, 1}, 1);
    tar_make(&inner_right, &(tar_entry){"a", "one\n", 0644, 2}, 1);
    for (int side = 0; side < 2; side++) {
        asy_buf *out = side ? &right : &left, *inner = side ? &inner_right : &inner_left;
        asy_buf_printf(out, "!<arch>\n%-16s%-12s%-6s%-6s%-8s%-10zu`\n", "t.tar/", "0", "0", "0",
                       "100644", inner->len);
        asy_buf_add(out, inner->ptr, inner->len);
    }
    compare_bytes(&pair, asy_buf_span(&left), asy_buf_span(&right));
    cr_expect_eq(pair.result.verdict, ASY_EXPLAINED_ONLY);
    const asy_difference *time = find(&pair, "x!/t.tar!/a", "header.mtime");
    cr_assert(time);
    cr_expect_eq(time->status, ASY_EXPLAINED);
    compared_end(&pair);
}

Test(compare_verdict, bytes_after_the_end_are_never_equivalent)
{
    compared pair;
    ASY_BUF_AUTO left = ASY_BUF_INIT, right = ASY_BUF_INIT;
    tar_make(&left, &(tar_entry){"a", "one\n", 0644, 1}, 1);
    tar_make(&right, &(tar_entry){"a", "one\n", 0644, 1}, 1);
    asy_buf_puts(&right, "a payload behind the end");
    compare_bytes(&pair, asy_buf_span(&left), asy_buf_span(&right));
    cr_expect_eq(pair.result.verdict, ASY_DIFFERENT);
    compared_end(&pair);
}

Test(compare_verdict, members_of_one_side_are_added_and_removed)
{
    compared pair;
    const tar_entry left[] = {{"a", "one\n", 0, 1}, {"gone", "#!/bin/sh\n", 04755, 1}};
    const tar_entry right[] = {{"a", "one\n", 0, 1}, {"new", "two\n", 0, 1}};
    compare_tars(&pair, left, 2, right, 2);
    const asy_difference *gone = find(&pair, "x!/gone", "member");
    const asy_difference *new = find(&pair, "x!/new", "member");
    cr_assert(gone && new);
    cr_expect_eq(gone->kind, ASY_REMOVED);
    cr_expect_eq(gone->risk, ASY_RISK_CRITICAL);
    cr_expect(!gone->right.present);
    cr_expect_eq(new->kind, ASY_ADDED);
    cr_expect_str_eq(new->right.value, "file, 0644, 4 bytes");
    compared_end(&pair);
}

/* A handler that gives a step to all that it says: nothing is left but a record more. */
static void two_lying_nodes(asy_node *left, asy_node *right, asy_region *region,
                            asy_record records[2])
{
    static const asy_step step = {"test.all", 1, "encoding.container", "leaves all out"};
    *region = (asy_region){.size = 4, .bytes = asy_span_str("abcd"), .name = "r", .step = &step};
    records[0] = (asy_record){.key = asy_span_str("k"), .count = 1};
    records[1] = (asy_record){.key = asy_span_str("m"), .count = 0};
    *left = (asy_node){.format = asy_format_by_name("tar"),
                       .bytes = asy_span_str("abcd"),
                       .well_formed = true,
                       .records = records,
                       .record_count = 2};
    left->sha256 = asy_sha256_of(left->bytes);
    *right = *left;
    left->regions = region;
    left->region_count = 1;
    right->records = records + 1;
    right->record_count = 1;
    right->bytes = asy_span_str("");
    right->sha256 = asy_sha256_of(right->bytes);
}

Test(compare_verdict, benign_differences_without_equal_normal_forms_are_no_equivalence)
{
    asy_region region;
    asy_record records[2];
    asy_node nodes[2];
    two_lying_nodes(&nodes[0], &nodes[1], &region, records);
    asy_tree left = {.root = &nodes[0]}, right = {.root = &nodes[1]};
    asy_result result;
    cr_assert_eq(asy_compare(&left, &right, "x", &result, NULL), ASY_OK);
    cr_expect_eq(result.counts.benign, 1);
    cr_expect_eq(result.verdict, ASY_DIFFERENT);
    cr_expect_str_eq(result.differences[result.difference_count - 1].region, "normal-form");
    asy_result_free(&result);
}

/* ---- limits and exit codes -------------------------------------------------------------------- */

Test(compare_limits, a_limit_makes_it_inconclusive_and_hides_no_difference)
{
    compared pair;
    asy_limits few = asy_limits_default;
    few.entries = 2;
    const tar_entry left[] = {{"a", "1", 0, 1}, {"b", "2", 0, 1}, {"c", "3", 0, 1}};
    const tar_entry right[] = {{"a", "9", 0, 1}, {"b", "2", 0, 1}, {"d", "3", 0, 1}};
    ASY_BUF_AUTO a = ASY_BUF_INIT, b = ASY_BUF_INIT;
    tar_make(&a, left, 3);
    tar_make(&b, right, 3);
    compare_with(&pair, asy_buf_span(&a), asy_buf_span(&b), &few);
    cr_expect_eq(pair.result.verdict, ASY_INCONCLUSIVE);
    cr_expect_eq(pair.result.limit_count, 1);
    cr_expect_str_eq(pair.result.limits[0], "entries");
    cr_expect(find(&pair, "x!/a", "text"), "what was read is compared");
    cr_expect_eq(asy_result_exit_code(&pair.result, ASY_EXPLAINED_ONLY, false), 1);
    compared_end(&pair);
}

/* The third member is beyond the limit: with another content, under another name. */
static void nothing_seen(const tar_entry *left, const tar_entry *right)
{
    compared pair;
    asy_limits few = asy_limits_default;
    few.entries = 2;
    ASY_BUF_AUTO a = ASY_BUF_INIT, b = ASY_BUF_INIT;
    tar_make(&a, left, 3);
    tar_make(&b, right, 3);
    compare_with(&pair, asy_buf_span(&a), asy_buf_span(&b), &few);
    cr_expect_eq(pair.result.difference_count, 0);
    cr_expect_eq(pair.result.verdict, ASY_INCONCLUSIVE);
    cr_expect_eq(asy_result_exit_code(&pair.result, ASY_IDENTICAL, false), 2);
    compared_end(&pair);
}

Test(compare_limits, what_was_not_read_is_no_difference)
{
    const tar_entry left[] = {{"a", "1", 0, 1}, {"b", "2", 0, 1}, {"c", "3", 0, 1}};
    const tar_entry content[] = {{"a", "1", 0, 1}, {"b", "2", 0, 1}, {"c", "4", 0, 1}};
    const tar_entry name[] = {{"a", "1", 0, 1}, {"b", "2", 0, 1}, {"d", "3", 0, 1}};
    nothing_seen(left, content);
    nothing_seen(left, name);
}

Test(compare_limits, exit_codes)
{
    static const struct {
        asy_result result;
        asy_verdict accept;
        bool allow_hidden;
        int wanted;
    } cases[] = {
        {{.verdict = ASY_IDENTICAL}, ASY_IDENTICAL, false, 0},
        {{.verdict = ASY_EQUIVALENT}, ASY_IDENTICAL, false, 1},
        {{.verdict = ASY_EQUIVALENT}, ASY_EQUIVALENT, false, 0},
        {{.verdict = ASY_EQUIVALENT}, ASY_EXPLAINED_ONLY, false, 0},
        {{.verdict = ASY_EXPLAINED_ONLY}, ASY_EQUIVALENT, false, 1},
        {{.verdict = ASY_EXPLAINED_ONLY}, ASY_EXPLAINED_ONLY, false, 0},
        {{.verdict = ASY_DIFFERENT}, ASY_EXPLAINED_ONLY, false, 1},
        {{.verdict = ASY_INCONCLUSIVE}, ASY_EXPLAINED_ONLY, false, 2},
        {{.verdict = ASY_INCONCLUSIVE, .counts = {.benign = 1}}, ASY_EQUIVALENT, false, 2},
        {{.verdict = ASY_INCONCLUSIVE, .counts = {.benign = 1}}, ASY_IDENTICAL, false, 1},
        {{.verdict = ASY_INCONCLUSIVE, .counts = {.unexplained = 1}}, ASY_EXPLAINED_ONLY, false, 1},
        {{.verdict = ASY_EQUIVALENT, .counts = {.hidden = 1}}, ASY_EQUIVALENT, false, 1},
        {{.verdict = ASY_EQUIVALENT, .counts = {.hidden = 1}}, ASY_EQUIVALENT, true, 0},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++)
        cr_expect_eq(asy_result_exit_code(&cases[i].result, cases[i].accept, cases[i].allow_hidden),
                     cases[i].wanted, "case %zu", i);
}

Test(compare_limits, accept_takes_three_verdicts)
{
    asy_verdict verdict;
    cr_expect(asy_verdict_parse("explained", &verdict) && verdict == ASY_EXPLAINED_ONLY);
    cr_expect(!asy_verdict_parse("different", &verdict));
    cr_expect(!asy_verdict_parse("inconclusive", &verdict));
    cr_expect(!asy_verdict_parse("", &verdict));
}

/* ---- what differs ----------------------------------------------------------------------------- */

Test(compare_detail, text_by_lines)
{
    compared pair;
    compare_bytes(&pair, asy_span_str("a\nb\nc\nd\n"), asy_span_str("a\nb\nX\nd"));
    const asy_difference *text = find(&pair, "x", "text");
    cr_assert(text);
    static const char origins[] = "  --++\\";
    cr_assert_eq(text->line_count, strlen(origins));
    for (size_t i = 0; i < text->line_count; i++)
        cr_expect_eq(text->lines[i].origin, origins[i], "line %zu", i);
    cr_expect_eq(text->lines[2].left, 3);
    cr_expect_eq(text->lines[4].right, 3);
    compared_end(&pair);
}

Test(compare_detail, bytes_by_offset)
{
    compared pair;
    static const uint8_t left[] = {0, 1, 2, 3, 4}, right[] = {0, 1, 9, 3, 8, 7};
    compare_bytes(&pair, (asy_span){left, sizeof(left)}, (asy_span){right, sizeof(right)});
    cr_assert_eq(pair.result.difference_count, 1);
    const asy_difference *bytes = &pair.result.differences[0];
    cr_expect(bytes->has_bytes);
    cr_expect_eq(bytes->first_byte, 2);
    cr_expect_eq(bytes->byte_count, 2);
    cr_expect_str_eq(bytes->summary, "2 bytes differ, the first at 0x2; 5 -> 6 bytes");
    compared_end(&pair);
}

Test(compare_detail, another_format_is_said)
{
    compared pair;
    static const uint8_t binary[] = {0, 1, 2, 0xff};
    compare_bytes(&pair, asy_span_str("text\n"), (asy_span){binary, sizeof(binary)});
    const asy_difference *content = find(&pair, "x", "content");
    cr_assert(content);
    cr_expect_str_eq(content->left.value, "text");
    compared_end(&pair);
}

/* Whatever byte changes: it is seen, and equivalence comes with equal normal forms only. */
Test(compare_property, no_edit_goes_unseen)
{
    ASY_BUF_AUTO tar = ASY_BUF_INIT;
    const tar_entry entries[] = {{"etc/motd", "hello\n", 0644, 1000},
                                 {"bin/x", "#!/bin/sh\necho\n", 0755, 1000}};
    tar_make(&tar, entries, 2);
    uint64_t seed = 20240501;
    for (int round = 0; round < 300; round++) {
        compared pair;
        ASY_BUF_AUTO edited = ASY_BUF_INIT;
        asy_buf_add(&edited, tar.ptr, tar.len);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t at = (size_t)(seed >> 33) % edited.len;
        edited.ptr[at] = (char)(edited.ptr[at] ^ (1 << (seed >> 30 & 7)));
        compare_bytes(&pair, asy_buf_span(&tar), asy_buf_span(&edited));
        cr_expect_gt(pair.result.difference_count, 0, "byte %zu", at);
        cr_expect_neq(pair.result.verdict, ASY_IDENTICAL, "byte %zu", at);
        if (pair.result.verdict == ASY_EQUIVALENT)
            cr_expect(
                asy_sha256_eq(&pair.result.left_normal.digest, &pair.result.right_normal.digest));
        compared_end(&pair);
    }
}

/* ---- risk ------------------------------------------------------------------------------------- */

static asy_risk risk_of_text(const char *inside)
{
    asy_node node = {.format = asy_format_by_name("text"), .bytes = asy_span_str("x\n")};
    asy_region region = {.name = "text", .role = ASY_ROLE_OPAQUE};
    asy_difference difference = {.region = "text",
                                 .kind = ASY_CHANGED,
                                 .status = ASY_UNEXPLAINED,
                                 .left_node = &node,
                                 .right_node = &node,
                                 .left_region = &region,
                                 .right_region = &region};
    return asy_risk_of(&difference, inside);
}

Test(compare_risk, where_a_file_lies)
{
    static const struct {
        const char *inside;
        asy_risk wanted;
    } cases[] = {
        {"data.tar.xz!/usr/share/doc/x/README", ASY_RISK_LOW},
        {"data.tar.xz!/./usr/share/doc/x/changelog.gz", ASY_RISK_LOW},
        {"data.tar.xz!/usr/lib/x/data", ASY_RISK_MEDIUM},
        {"data.tar.xz!/lib/systemd/system/x.service", ASY_RISK_HIGH},
        {"data.tar.xz!/etc/cron.d/x", ASY_RISK_HIGH},
        {"data.tar.xz!/etc/sudoers.d/x", ASY_RISK_CRITICAL},
        {"data.tar.xz!/etc/pam.d/sudo", ASY_RISK_CRITICAL},
        {"data.tar.xz!/etc/ld.so.preload", ASY_RISK_CRITICAL},
        {"data.tar.xz!/lib/modules/6.1/x.ko.xz!/x", ASY_RISK_CRITICAL},
        {"control.tar.xz!/postinst", ASY_RISK_HIGH},
        {"control.tar.xz!/md5sums", ASY_RISK_MEDIUM},
        {"data.tar.xz!/usr/share/x/postinst", ASY_RISK_MEDIUM},
        {"etc/sudoers", ASY_RISK_CRITICAL},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++)
        cr_expect_eq(risk_of_text(cases[i].inside), cases[i].wanted, "%s", cases[i].inside);
}

Test(compare_causes, a_candidate_without_proof_changes_no_status)
{
    compared pair;
    ASY_BUF_AUTO left = ASY_BUF_INIT, right = ASY_BUF_INIT;
    for (int side = 0; side < 2; side++) {
        asy_buf *out = side ? &right : &left;
        asy_buf_puts(out, "!<arch>\n");
        for (int member = 0; member < 2; member++)
            asy_buf_printf(out, "%-16s%-12s%-6s%-6s%-8s%-10d`\n%s\n",
                           member == side ? "a.o/" : "b.o/", "0", "0", "0", "100644", 2,
                           member == side ? "A" : "B");
    }
    compare_bytes(&pair, asy_buf_span(&left), asy_buf_span(&right));
    const asy_difference *order = find(&pair, "x", "order");
    cr_assert(order);
    cr_expect_str_eq(order->possible_cause, "order.static-library");
    cr_expect_null(order->cause);
    cr_expect_eq(order->status, ASY_UNEXPLAINED);
    cr_expect_eq(pair.result.verdict, ASY_DIFFERENT);
    compared_end(&pair);
}

Test(compare_causes, every_cause_has_a_title_and_a_fix_and_they_are_sorted)
{
    size_t count = 0;
    const asy_cause *causes = asy_cause_all(&count);
    cr_assert_gt(count, 0);
    for (size_t i = 0; i < count; i++) {
        cr_expect(causes[i].title[0] && causes[i].fix[0], "%s", causes[i].id);
        cr_expect_eq(asy_cause_find(causes[i].id), &causes[i]);
        cr_expect(i == 0 || strcmp(causes[i - 1].id, causes[i].id) < 0, "%s", causes[i].id);
    }
    cr_expect_null(asy_cause_find("no.such-cause"));
}

/* Each step of a format shows a cause that can be looked up. */
Test(compare_causes, steps_name_known_causes)
{
    for (size_t i = 0; asy_formats[i]; i++)
        for (const asy_step *const *step = asy_formats[i]->steps; step && *step; step++)
            cr_expect(asy_cause_find((*step)->cause), "%s: %s", (*step)->name, (*step)->cause);
}
