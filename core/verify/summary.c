/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the comparison that the worker wrote. */
#include "verify/verify.h"

#include <jansson.h>
#include <string.h>

static bool verdict_of(const char *word, asy_verdict *out)
{
    for (int v = ASY_IDENTICAL; word && v <= ASY_INCONCLUSIVE; v++) {
        if (strcmp(word, asy_verdict_name((asy_verdict)v)) == 0) {
            *out = (asy_verdict)v;
            return true;
        }
    }
    return false;
}

static bool risk_of(const char *word, asy_risk *out)
{
    for (int r = ASY_RISK_NONE; word && r <= ASY_RISK_CRITICAL; r++) {
        if (strcmp(word, asy_risk_name((asy_risk)r)) == 0) {
            *out = (asy_risk)r;
            return true;
        }
    }
    return false;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void read_difference(const json_t *difference,
                            void (*each)(void *context, const asy_summary_line *line),
                            void *context)
{
    const json_t *derived = json_object_get(difference, "derived_from");
    asy_summary_line line = {.path = text_of(difference, "path"),
                             .region = text_of(difference, "region"),
                             .summary = text_of(difference, "summary"),
                             .status = text_of(difference, "status"),
                             .cause = text_of(difference, "cause"),
                             .risk = text_of(difference, "risk"),
                             .derived = json_array_size(derived) > 0};
    if (line.path && line.status && line.risk)
        each(context, &line);
}

/* The digest of what stood on one side. */
static bool digest_of(const json_t *root, const char *side, char out[ASY_SHA256_HEX + 1])
{
    const char *hex = text_of(json_object_get(root, side), "sha256");
    if (!hex || strlen(hex) != ASY_SHA256_HEX)
        return false;
    memcpy(out, hex, ASY_SHA256_HEX + 1);
    return true;
}

int asy_summary_read(asy_span report, asy_summary *summary,
                     void (*each)(void *context, const asy_summary_line *line), void *context,
                     asy_error *error)
{
    json_error_t trouble;
    json_t *root = json_loadb((const char *)report.ptr, report.len, 0, &trouble);
    if (!root)
        return asy_error_set(error, ASY_E_FORMAT, "the comparison's report is not JSON: %s",
                             trouble.text);
    int rc = ASY_OK;
    if (!verdict_of(text_of(root, "verdict"), &summary->verdict) ||
        !risk_of(text_of(root, "risk"), &summary->risk) ||
        !digest_of(root, "left", summary->left) || !digest_of(root, "right", summary->right))
        rc = asy_error_set(error, ASY_E_FORMAT, "the comparison's report has no verdict");
    size_t index;
    json_t *difference;
    if (rc == ASY_OK && each)
        json_array_foreach(json_object_get(root, "differences"), index, difference)
            read_difference(difference, each, context);
    json_decref(root);
    return rc;
}
