/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line endings and $Id$ as .gitattributes ask for them, the way git itself writes files out with
 * its default configuration on Linux: gitattributes(5). The patterns are matched by libgit2, over
 * the .gitattributes files of the commit alone: neither a configuration nor info/attributes of
 * the repository, nor anything on disk, has a say.
 */
#include "source/git.h"

#include <git2/sys/repository.h>
#include <string.h>

int asy_attributes_open(asy_part *part, git_index *files, asy_error *error)
{
    int rc = git_repository_wrap_odb(&part->attributes, part->odb);
    if (rc < 0)
        return asy_git_fail(error, rc, ASY_E_IO, "cannot prepare .gitattributes");
    int failed = asy_git_forget_config(part->attributes, error);
    if (failed < 0)
        return failed;
    rc = git_repository_set_index(part->attributes, files);
    return rc < 0 ? asy_git_fail(error, rc, ASY_E_IO, "cannot prepare .gitattributes") : ASY_OK;
}

enum { TEXT, CRLF, EOL, IDENT, FILTER, ENCODING, NAMES };

typedef enum text_kind { KIND_NONE, KIND_BINARY, KIND_TEXT, KIND_INPUT, KIND_AUTO } text_kind;

static text_kind kind_of(const char *value)
{
    switch (git_attr_value(value)) {
    case GIT_ATTR_VALUE_TRUE:
        return KIND_TEXT;
    case GIT_ATTR_VALUE_FALSE:
        return KIND_BINARY;
    case GIT_ATTR_VALUE_STRING:
        return strcmp(value, "input") == 0  ? KIND_INPUT
               : strcmp(value, "auto") == 0 ? KIND_AUTO
                                            : KIND_NONE;
    default:
        return KIND_NONE;
    }
}

static bool is_string(const char *value, const char *text)
{
    return GIT_ATTR_HAS_VALUE(value) && (!text || strcmp(value, text) == 0);
}

int asy_attributes_of(const asy_part *part, const char *path, asy_conversion *out, asy_error *error)
{
    const char *names[NAMES] = {
        [TEXT] = "text",   [CRLF] = "crlf",     [EOL] = "eol",
        [IDENT] = "ident", [FILTER] = "filter", [ENCODING] = "working-tree-encoding"};
    const char *values[NAMES];
    *out = (asy_conversion){0};
    if (!part->attributes)
        return ASY_OK;
    int rc =
        git_attr_get_many(values, part->attributes,
                          GIT_ATTR_CHECK_INDEX_ONLY | GIT_ATTR_CHECK_NO_SYSTEM, path, NAMES, names);
    if (rc < 0)
        return asy_git_fail(error, rc, ASY_E_MISMATCH, "cannot read .gitattributes");
    text_kind kind = kind_of(values[TEXT]);
    if (kind == KIND_NONE)
        kind = kind_of(values[CRLF]); /* the older spelling */
    /* "input" does not stop eol from having its way: eol names the ending to write. */
    out->crlf = kind != KIND_BINARY && is_string(values[EOL], "crlf");
    out->automatic = kind == KIND_AUTO;
    out->ident = GIT_ATTR_IS_TRUE(values[IDENT]);
    out->unhandled = is_string(values[FILTER], NULL) ||
                     (is_string(values[ENCODING], NULL) && !is_string(values[ENCODING], "UTF-8"));
    return ASY_OK;
}

/* ---- conversion -------------------------------------------------------------------------------- */

typedef struct text_stats {
    size_t cr, lf, crlf; /* CR alone, LF alone, both */
    size_t nul, printable, other;
} text_stats;

static text_stats gather(asy_span bytes)
{
    text_stats stats = {0};
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.ptr[i];
        if (c == '\r' && i + 1 < bytes.len && bytes.ptr[i + 1] == '\n') {
            stats.crlf++;
            i++;
        } else if (c == '\r') {
            stats.cr++;
        } else if (c == '\n') {
            stats.lf++;
        } else if (c == 127 || (c < 32 && !strchr("\b\t\033\f", c)) || c == 0) {
            stats.other++;
            stats.nul += c == 0;
        } else {
            stats.printable++;
        }
    }
    /* DOS ends a text with ^Z. */
    if (bytes.len && bytes.ptr[bytes.len - 1] == 26)
        stats.other--;
    return stats;
}

static bool wants_crlf(const asy_conversion *conversion, asy_span bytes)
{
    if (!conversion->crlf)
        return false;
    text_stats stats = gather(bytes);
    if (stats.lf == 0)
        return false;
    bool binary = stats.nul > 0 || stats.printable / 128 < stats.other;
    return !conversion->automatic || (stats.cr == 0 && stats.crlf == 0 && !binary);
}

static void add_crlf(asy_span bytes, asy_buf *out)
{
    size_t start = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != '\n' || (i && bytes.ptr[i - 1] == '\r'))
            continue;
        asy_buf_add_span(out, asy_span_sub(bytes, start, i - start));
        asy_buf_putc(out, '\r');
        start = i;
    }
    asy_buf_add_span(out, asy_span_sub(bytes, start, bytes.len - start));
}

/*
 * The length of a keyword at the start of text that is to be filled in: "$Id$", or "$Id: …$" on one
 * line. One with a blank inside what it holds was written by another system and stays. 0 for none.
 */
static size_t keyword_length(asy_span text)
{
    if (asy_span_starts(text, "$Id$"))
        return 4;
    if (!asy_span_starts(text, "$Id:"))
        return 0;
    for (size_t i = 4; i < text.len && text.ptr[i] != '\n'; i++) {
        if (text.ptr[i] != '$')
            continue;
        asy_span inside = asy_span_sub(text, 5, i > 5 ? i - 5 : 0);
        const uint8_t *blank = inside.len ? memchr(inside.ptr, ' ', inside.len) : NULL;
        bool foreign = blank && blank < inside.ptr + inside.len - 1;
        return foreign ? 0 : i + 1;
    }
    return 0;
}

static bool fill_ident(asy_span bytes, const git_oid *id, asy_buf *out)
{
    size_t start = 0;
    char hex[GIT_OID_HEXSZ + 1];
    git_oid_tostr(hex, sizeof(hex), id);
    for (size_t i = 0; i < bytes.len; i++) {
        size_t len =
            bytes.ptr[i] == '$' ? keyword_length(asy_span_sub(bytes, i, bytes.len - i)) : 0;
        if (!len)
            continue;
        asy_buf_add_span(out, asy_span_sub(bytes, start, i - start));
        asy_buf_printf(out, "$Id: %s $", hex);
        start = i + len;
        i = start - 1;
    }
    if (start)
        asy_buf_add_span(out, asy_span_sub(bytes, start, bytes.len - start));
    return start != 0;
}

bool asy_convert(const asy_conversion *conversion, asy_span bytes, const git_oid *id, asy_buf *out)
{
    ASY_BUF_AUTO filled = ASY_BUF_INIT;
    bool ident = conversion->ident && fill_ident(bytes, id, &filled);
    if (ident)
        bytes = asy_buf_span(&filled);
    bool crlf = wants_crlf(conversion, bytes);
    if (crlf)
        add_crlf(bytes, out);
    else if (ident)
        asy_buf_add_span(out, bytes);
    return crlf || ident;
}
