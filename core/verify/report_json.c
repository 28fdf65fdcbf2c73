/* SPDX-License-Identifier: Apache-2.0 */
/* The verification report for machines: schema assay-verify/1. */
#include "verify/reporters.h"

static void write_axes(const asy_verification *v, asy_json *json)
{
    asy_json_object(json, "verdict");
    asy_json_str(json, "source", asy_source_status_name(v->source));
    asy_json_str(json, "environment", asy_environment_name(v->environment));
    asy_json_str(json, "build", asy_build_status_name(v->build.status));
    asy_json_str(json, "output", v->has_output ? asy_verdict_name(v->output) : NULL);
    asy_json_str(json, "overall", asy_overall_name(v->overall));
    asy_json_end(json);
    asy_json_str(json, "risk", v->has_output ? asy_risk_name(v->risk) : NULL);
}

static void write_item(const asy_verify_item *item, asy_json *json)
{
    asy_json_object(json, NULL);
    asy_json_str(json, "path", item->path);
    asy_json_u64(json, "size", item->size);
    asy_json_sha256(json, "sha256", &item->sha256);
    if (item->rebuilt) {
        asy_json_object(json, "rebuilt");
        asy_json_str(json, "name", item->rebuilt);
        asy_json_sha256(json, "sha256", &item->rebuilt_sha256);
        asy_json_bool(json, "other_version", item->other_version);
        asy_json_end(json);
    } else {
        asy_json_null(json, "rebuilt");
    }
    asy_json_str(json, "verdict", item->compared ? asy_verdict_name(item->verdict) : NULL);
    asy_json_str(json, "risk", item->compared ? asy_risk_name(item->risk) : NULL);
    asy_json_str(json, "trouble", item->trouble);
    if (item->compared)
        asy_json_raw(json, "comparison", asy_buf_span(&item->report));
    asy_json_end(json);
}

void asy_verify_write_json(const asy_verify_request *request, const asy_verification *v,
                           asy_buf *out)
{
    asy_json *json = asy_json_new(out);
    asy_json_object(json, NULL);
    asy_json_str(json, "schema", "assay-verify/1");
    asy_json_object(json, "tool");
    asy_json_str(json, "name", "assay");
    asy_json_str(json, "version", ASY_VERSION);
    asy_json_end(json);
    write_axes(v, json);
    asy_json_array(json, "artifacts");
    for (size_t i = 0; i < v->item_count; i++)
        write_item(&v->items[i], json);
    asy_json_end(json);
    asy_json_array(json, "notes");
    for (char **note = v->notes; note && *note; note++)
        asy_json_str(json, NULL, *note);
    asy_json_end(json);
    asy_build_json(&request->build, &v->build, json, "build");
    asy_json_end(json);
    asy_json_free(json);
}
