/* SPDX-License-Identifier: Apache-2.0 */
/* The verification report for people: one screen, each axis with a sentence. */
#include "verify/reporters.h"

#include "io/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_DIFFERENCES = 8,
    SHOWN_LOG_LINES = 12,
    LOG_TAIL_BYTES = 8192,
    SHORT_ID = 12,
    COLUMNS = 79
};

static void axis(asy_buf *out, const char *name, const char *value)
{
    asy_buf_printf(out, "  %-12s %-15s ", name, value);
}

static void write_headline(const asy_verification *v, asy_buf *out)
{
    static const char *const sentences[] = {
        [ASY_REPRODUCED] = "what was shipped is, byte for byte, what this source builds.",
        [ASY_REPRODUCED_EQUIVALENT] = ("what was shipped differs from what this source builds, "
                                       "in ways\nthat are proven not to matter."),
        [ASY_NOT_REPRODUCED] = "what was shipped is not what this source builds here.",
        [ASY_BUILD_DID_FAIL] = "the source did not build, so nothing can be said of the artifact.",
        [ASY_NOT_ATTEMPTED] = "nothing was compared, so nothing can be said of the artifact.",
    };
    const char *sentence = sentences[v->overall];
    if (v->overall == ASY_NOT_REPRODUCED && v->output == ASY_INCONCLUSIVE)
        sentence = "not all of it could be read or compared, so it cannot be called\nreproduced.";
    else if (v->source == ASY_SOURCE_MISMATCH && v->overall == ASY_NOT_ATTEMPTED)
        sentence = "the source contradicts itself, so it was not built.";
    else if (v->source == ASY_SOURCE_MISMATCH)
        sentence = "the source given is of another version than what was shipped.";
    asy_buf_printf(out, "%s: %s\n\n", asy_overall_name(v->overall), sentence);
}

static void write_source(const asy_verification *v, asy_buf *out)
{
    const asy_source *source = &v->build.source;
    axis(out, "source", asy_source_status_name(v->source));
    if (v->source == ASY_SOURCE_MISMATCH && v->overall == ASY_NOT_ATTEMPTED) {
        asy_buf_puts(out, "see below\n");
    } else if (!v->build.has_source || !source->spec) {
        asy_buf_puts(out, "not read\n");
    } else if (source->commit) {
        /* A local repository is named as the user did, a remote one without its credentials. */
        bool remote = source->url && source->url[0] != '/';
        asy_buf_printf(out, "commit %.*s of ", SHORT_ID, source->commit);
        asy_buf_escape_str(out, remote ? source->url : source->spec);
        asy_buf_putc(out, '\n');
    } else {
        asy_buf_escape_str(out, source->spec);
        asy_buf_puts(out, source->kind == ASY_SOURCE_DSC
                              ? ", checksums hold\n"
                              : ", a plain folder: nobody can check where it came from\n");
    }
}

static void write_environment(const asy_verify_request *request, const asy_verification *v,
                              asy_buf *out)
{
    const char *root = request->build.root ? request->build.root : "host";
    axis(out, "environment", asy_environment_name(v->environment));
    asy_buf_escape_str(out, strcmp(root, "host") == 0 ? "this machine's own /usr" : root);
    if (v->build.has_root && v->build.root.package_count > 0)
        asy_buf_printf(out, " (%zu packages)", v->build.root.package_count);
    asy_buf_puts(out, "; the original's is unknown\n");
}

static void write_build(const asy_verification *v, asy_buf *out)
{
    axis(out, "build", asy_build_status_name(v->build.status));
    if (v->build.status == ASY_BUILD_OK)
        asy_buf_printf(out, "recipe %s, %.1f s\n", v->build.plan.recipe, v->build.run.seconds);
    else if (v->build.reason) {
        asy_buf_escape_str(out, v->build.reason);
        asy_buf_putc(out, '\n');
    } else
        asy_buf_puts(out, "not tried\n");
}

static void write_output(const asy_verification *v, asy_buf *out)
{
    static const char *const sentences[] = {
        [ASY_IDENTICAL] = "the same SHA-256",
        [ASY_EQUIVALENT] = "equal once listed, provable steps are applied",
        [ASY_EXPLAINED_ONLY] = "every difference has a known cause, yet a program could see it",
        [ASY_DIFFERENT] = "there are differences without a known cause",
        [ASY_INCONCLUSIVE] = "not all of it could be read or compared",
    };
    if (!v->has_output || v->build.status != ASY_BUILD_OK) {
        axis(out, "output", "-");
        asy_buf_puts(out, "not compared\n");
        return;
    }
    bool missing = false;
    for (size_t i = 0; i < v->item_count; i++)
        missing = missing || !v->items[i].rebuilt;
    axis(out, "output", asy_verdict_name(v->output));
    asy_buf_printf(out, "%s; risk %s\n",
                   missing ? "a shipped file has no counterpart" : sentences[v->output],
                   asy_risk_name(v->risk));
}

/* A sentence of ours, broken at spaces. */
static void write_wrapped(asy_buf *out, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (column > 0 && column + 1 + len > COLUMNS) {
            asy_buf_putc(out, '\n');
            column = 0;
        }
        if (column > 0)
            asy_buf_putc(out, ' ');
        asy_buf_escape(out, (asy_span){(const uint8_t *)text, len});
        column += len + (column > 0);
        text += len + (text[len] == ' ');
    }
    asy_buf_putc(out, '\n');
}

static void write_way_on(const asy_verification *v, asy_buf *out)
{
    if (v->build.hint) {
        asy_buf_puts(out, "\nTo go on: ");
        asy_buf_escape_str(out, v->build.hint);
        asy_buf_putc(out, '\n');
    }
    for (char **note = v->notes; note && *note; note++) {
        asy_buf_putc(out, '\n');
        write_wrapped(out, *note);
    }
    if (v->overall == ASY_NOT_REPRODUCED && v->output == ASY_DIFFERENT)
        asy_buf_puts(out, "\nThis says what was seen, not why: another compiler or setting can do "
                          "it as well as\na hand that changed the file.\n");
    if (v->build.log_path) {
        asy_buf_puts(out, "\nkept: ");
        asy_buf_escape_str(out, v->build.record_path);
        asy_buf_puts(out, " (the record), build.log");
        if (v->build.output_count > 0)
            asy_buf_puts(out, ", the rebuilt files");
        asy_buf_putc(out, '\n');
    }
}

void asy_verify_write_text(const asy_verify_request *request, const asy_verification *v,
                           asy_buf *out)
{
    write_headline(v, out);
    for (size_t i = 0; i < v->item_count; i++) {
        const asy_verify_item *item = &v->items[i];
        bool several = v->item_count > 1 && v->build.status == ASY_BUILD_OK;
        axis(out, i == 0 ? "artifact" : "",
             !several         ? ""
             : item->compared ? asy_verdict_name(item->verdict)
             : item->rebuilt  ? "inconclusive"
                              : "not rebuilt");
        asy_buf_escape_str(out, asy_path_base(v->items[i].path));
        asy_buf_putc(out, '\n');
    }
    write_source(v, out);
    write_environment(request, v, out);
    write_build(v, out);
    write_output(v, out);
    for (size_t i = 0; v->build.status == ASY_BUILD_OK && i < v->item_count; i++)
        if (!v->items[i].compared || v->items[i].verdict != ASY_IDENTICAL)
            asy_verify_write_differences(v, &v->items[i], out);
    if (v->build.status == ASY_BUILD_FAILED || v->build.status == ASY_BUILD_TIMEOUT)
        asy_build_log_tail(&v->build, out);
    write_way_on(v, out);
}
