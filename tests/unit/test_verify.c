/* SPDX-License-Identifier: Apache-2.0 */
/* The right output is compared with the right artifact, and a worker's words are not trusted. */
#include "verify/verify.h"

#include <criterion/criterion.h>

static const asy_build_output *match(const char *const *names, size_t count, const char *artifact,
                                     size_t artifacts, bool *other_version)
{
    static asy_build_output outputs[8];
    asy_build build = {.outputs = outputs, .output_count = count};
    for (size_t i = 0; i < count; i++)
        outputs[i] = (asy_build_output){.name = (char *)names[i],
                                        .sha256 = asy_sha256_of(asy_span_str(names[i]))};
    asy_sha256 sha256 = asy_sha256_of(asy_span_str(artifact));
    return asy_verify_match(&build, artifact, &sha256, artifacts, other_version);
}

Test(verify_match, the_same_name_wins)
{
    bool other;
    const char *names[] = {"a_1_all.deb", "b_1_all.deb", "x.buildinfo"};
    const asy_build_output *found = match(names, 3, "dir/b_1_all.deb", 2, &other);
    cr_assert(found);
    cr_assert_str_eq(found->name, "b_1_all.deb");
    cr_assert_not(other);
}

Test(verify_match, another_version_of_the_package_is_said_to_be_one)
{
    bool other;
    const char *names[] = {"a_2_amd64.deb", "a_2_all.deb", "a-dev_2_amd64.deb"};
    const asy_build_output *found = match(names, 3, "a_1_amd64.deb", 2, &other);
    cr_assert(found);
    cr_assert_str_eq(found->name, "a_2_amd64.deb");
    cr_assert(other);
}

Test(verify_match, the_same_bytes_are_the_same_file_whatever_the_name)
{
    bool other = true;
    const char *names[] = {"a_1_all.deb", "b_1_all.deb"};
    asy_build_output outputs[2] = {{.name = (char *)names[0]}, {.name = (char *)names[1]}};
    asy_build build = {.outputs = outputs, .output_count = 2};
    outputs[0].sha256 = asy_sha256_of(asy_span_str("a"));
    outputs[1].sha256 = asy_sha256_of(asy_span_str("b"));
    cr_assert_eq(asy_verify_match(&build, "a_2_all.deb", &outputs[1].sha256, 2, &other),
                 &outputs[1]);
    cr_assert_not(other);
}

Test(verify_match, another_package_is_no_counterpart)
{
    bool other;
    const char *names[] = {"hi_1_all.deb"};
    cr_assert_null(match(names, 1, "hello_1_all.deb", 1, &other));
}

Test(verify_match, an_epoch_is_no_other_version)
{
    bool other;
    const char *names[] = {"a_1.0_all.deb"};
    const asy_build_output *found = match(names, 1, "a_2%3a1.0_all.deb", 1, &other);
    cr_assert(found);
    cr_assert_not(other, "the archive's servers write the epoch, dpkg does not");
    cr_assert(match(names, 1, "a_2:1.0_all.deb", 1, &other));
    cr_assert_not(other);
    cr_assert(match(names, 1, "a_2%3a1.1_all.deb", 1, &other));
    cr_assert(other);
}

Test(verify_match, a_renamed_artifact_takes_the_only_output_of_its_kind)
{
    bool other;
    const char *one[] = {"a_1_all.deb", "a.buildinfo"}, *two[] = {"a_1_all.deb", "b_1_all.deb"};
    const asy_build_output *found = match(one, 2, "vendor.deb", 1, &other);
    cr_assert(found);
    cr_assert_str_eq(found->name, "a_1_all.deb");
    cr_assert_null(match(two, 2, "vendor.deb", 1, &other), "two candidates: no guess");
    cr_assert_null(match(one, 2, "vendor.deb", 2, &other), "two artifacts: no guess");
    cr_assert_null(match(one, 2, "vendor.rpm", 1, &other));
}

#define DIGEST "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

Test(verify_summary, a_report_without_a_verdict_or_a_digest_is_refused)
{
    static const char *const broken[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"verdict\":\"fine\",\"risk\":\"none\"}",
        "{\"verdict\":\"identical\"}",
        "{\"verdict\":7,\"risk\":\"none\"}",
        "{\"verdict\":\"identical\",\"risk\":\"none\"}",
        "{\"verdict\":\"identical\",\"risk\":\"none\",\"left\":{\"sha256\":\"ab\"},"
        "\"right\":{\"sha256\":\"" DIGEST "\"}}",
    };
    asy_summary summary;
    for (size_t i = 0; i < ASY_COUNT(broken); i++)
        cr_expect_eq(asy_summary_read(asy_span_str(broken[i]), &summary, NULL, NULL, NULL),
                     ASY_E_FORMAT, "%s", broken[i]);
    cr_assert_eq(asy_summary_read(asy_span_str("{\"verdict\":\"different\",\"risk\":\"high\","
                                               "\"left\":{\"sha256\":\"" DIGEST "\"},"
                                               "\"right\":{\"sha256\":\"" DIGEST "\"}}"),
                                  &summary, NULL, NULL, NULL),
                 ASY_OK);
    cr_assert_eq(summary.verdict, ASY_DIFFERENT);
    cr_assert_eq(summary.risk, ASY_RISK_HIGH);
    cr_assert_str_eq(summary.left, DIGEST);
}

static asy_verification verification(asy_build_status build, asy_source_status source,
                                     asy_verdict output, asy_verify_item *item)
{
    return (asy_verification){.build = {.status = build},
                              .source = source,
                              .output = output,
                              .has_output = true,
                              .items = item,
                              .item_count = 1};
}

Test(verify_exit, each_outcome_has_its_code)
{
    static const struct {
        asy_build_status build;
        asy_source_status source;
        asy_verdict output;
        int item, code;
    } cases[] = {
        {ASY_BUILD_OK, ASY_SOURCE_VERIFIED, ASY_IDENTICAL, 0, 0},
        {ASY_BUILD_OK, ASY_SOURCE_UNVERIFIED, ASY_IDENTICAL, 0, 0},
        {ASY_BUILD_OK, ASY_SOURCE_MISMATCH, ASY_IDENTICAL, 0, 1},
        {ASY_BUILD_OK, ASY_SOURCE_VERIFIED, ASY_DIFFERENT, 1, 1},
        {ASY_BUILD_OK, ASY_SOURCE_VERIFIED, ASY_INCONCLUSIVE, 2, 2},
        {ASY_BUILD_OK, ASY_SOURCE_VERIFIED, ASY_INCONCLUSIVE, 0, 2},
        {ASY_BUILD_FAILED, ASY_SOURCE_VERIFIED, ASY_IDENTICAL, 0, 3},
        {ASY_BUILD_TIMEOUT, ASY_SOURCE_VERIFIED, ASY_IDENTICAL, 0, 3},
        {ASY_BUILD_INFRASTRUCTURE, ASY_SOURCE_VERIFIED, ASY_IDENTICAL, 0, 4},
        {ASY_BUILD_NOT_ATTEMPTED, ASY_SOURCE_MISMATCH, ASY_IDENTICAL, 0, 1},
        {ASY_BUILD_NOT_ATTEMPTED, ASY_SOURCE_UNVERIFIED, ASY_IDENTICAL, 0, 2},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        asy_verify_item item = {.exit_code = cases[i].item};
        asy_verification v = verification(cases[i].build, cases[i].source, cases[i].output, &item);
        asy_verify_request request = {.accept = ASY_IDENTICAL};
        cr_expect_eq(asy_verify_exit_code(&request, &v), cases[i].code, "case %zu", i);
    }
}
