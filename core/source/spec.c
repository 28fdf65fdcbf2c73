/* SPDX-License-Identifier: Apache-2.0 */
#include "source/spec.h"

#include "base/buf.h"
#include "io/io.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define WAYS                                                                                       \
    "give URL@REV or PATH@REV for git, a .dsc, or a folder; a URL is https://…, ssh://… or "   \
    "HOST:PATH"

void asy_spec_free(asy_spec *spec)
{
    free(spec->text);
    free(spec->location);
    free(spec->user);
    free(spec->password);
    free(spec->revision);
    *spec = (asy_spec){0};
}

bool asy_spec_is_full_id(const char *revision)
{
    return revision && strlen(revision) == 40 && strspn(revision, "0123456789abcdefABCDEF") == 40;
}

/* The rules of git check-ref-format; they keep a name apart from an expression such as main~1. */
static int take_revision(asy_spec *out, const char *revision, asy_error *error)
{
    bool good = *revision && strcmp(revision, "@") != 0 && !strstr(revision, "..") &&
                !strstr(revision, "@{") && !strpbrk(revision, " ~^:?*[\\");
    for (const char *c = revision; *c && good; c++)
        good = !iscntrl((unsigned char)*c);
    if (!good) {
        asy_error_set(error, ASY_E_USAGE, "\"%s\" is not a revision", revision);
        return asy_error_hint(error, "write a branch, a tag or an object id after the @");
    }
    out->revision = asy_strdup(revision);
    return ASY_OK;
}

static int hex_digit(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* Decodes %XX (RFC 3986, 2.1); NULL when it is cut short or gives a NUL. */
static char *percent_decode(asy_span text)
{
    ASY_BUF_AUTO buf = ASY_BUF_INIT;
    asy_buf_puts(&buf, "");
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];
        if (c == '%') {
            asy_span digits = asy_span_sub(text, i + 1, 2);
            int high = digits.len == 2 ? hex_digit((char)digits.ptr[0]) : -1;
            int low = digits.len == 2 ? hex_digit((char)digits.ptr[1]) : -1;
            if (high < 0 || low < 0 || high + low == 0)
                return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        }
        asy_buf_putc(&buf, c);
    }
    return asy_buf_take(&buf);
}

/* ---- URLs ------------------------------------------------------------------------------------ */

/* The @ in `path` that starts a revision, or NULL. */
static const char *revision_mark(const char *path)
{
    const char *mark = strstr(path, ".git@");
    if (mark)
        return mark + 4;
    for (mark = strrchr(path, '@'); mark; mark = memrchr(path, '@', (size_t)(mark - path))) {
        if (mark > path && mark[-1] != '/')
            return mark;
    }
    return NULL;
}

static bool is_host(const char *host)
{
    return *host && *host != '-' &&
           strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:[]") ==
               strlen(host);
}

static bool has_control(const char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char)*text))
            return true;
    }
    return false;
}

/* USER[:PASSWORD], before the @ of the authority. */
static int take_user(asy_spec *out, asy_span info, asy_error *error)
{
    const uint8_t *colon = info.len ? memchr(info.ptr, ':', info.len) : NULL;
    size_t len = colon ? (size_t)(colon - info.ptr) : info.len;
    out->user = percent_decode(asy_span_sub(info, 0, len));
    if (colon)
        out->password = percent_decode(asy_span_sub(info, len + 1, info.len - len - 1));
    if (!out->user || (colon && !out->password))
        return asy_error_set(error, ASY_E_USAGE, "the user name in the URL is not well-formed");
    return ASY_OK;
}

/* The user name of an https URL is often a token, so only the one for ssh may be shown. */
static void set_text(asy_spec *out, const char *shown_user, const char *scheme, const char *host,
                     const char *path)
{
    bool show = shown_user && *shown_user && !has_control(shown_user);
    out->text =
        asy_asprintf("%s%s%s%s%s%s%s", scheme, show ? shown_user : "", show ? "@" : "", host, path,
                     out->revision ? "@" : "", out->revision ? out->revision : "");
}

static int refuse_scheme(const char *scheme, asy_error *error)
{
    if (strcmp(scheme, "http") == 0 || strcmp(scheme, "git") == 0) {
        asy_error_set(error, ASY_E_USAGE,
                      "%s:// is refused: anyone on the way could change the source", scheme);
        return asy_error_hint(error, "use https:// or ssh://, or clone it yourself and give "
                                     "PATH@REV");
    }
    asy_error_set(error, ASY_E_USAGE, "%s:// is not a way to fetch source", scheme);
    return asy_error_hint(error, WAYS);
}

static int parse_path(const char *text, bool git, asy_spec *out, asy_error *error);

static int parse_file_url(const char *rest, asy_spec *out, asy_error *error)
{
    const char *slash = strchr(rest, '/');
    size_t host = slash ? (size_t)(slash - rest) : 0;
    if (!slash || (host && !(host == 9 && strncmp(rest, "localhost", 9) == 0)))
        return asy_error_set(error, ASY_E_USAGE, "a file:// URL starts with file:///");
    ASY_AUTO_FREE char *path = percent_decode(asy_span_str(slash));
    if (!path)
        return asy_error_set(error, ASY_E_USAGE, "the file:// URL is not well-formed");
    return parse_path(path, true, out, error);
}

/* `revisions`: whether an @ in the path starts a revision (not in .gitmodules). */
static int parse_url(const char *text, size_t scheme_len, bool revisions, asy_spec *out,
                     asy_error *error)
{
    ASY_AUTO_FREE char *scheme = asy_strndup(text, scheme_len);
    for (char *c = scheme; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    const char *rest = text + scheme_len + 3;
    if (strcmp(scheme, "file") == 0)
        return parse_file_url(rest, out, error);
    bool ssh = !strcmp(scheme, "ssh") || !strcmp(scheme, "git+ssh") || !strcmp(scheme, "ssh+git");
    if (!ssh && strcmp(scheme, "https") != 0)
        return refuse_scheme(scheme, error);

    const char *path = strchr(rest, '/');
    if (!path || !path[1] || has_control(path))
        return asy_error_set(error, ASY_E_USAGE, "the URL names no repository");
    const char *at = memrchr(rest, '@', (size_t)(path - rest));
    const char *host_start = at ? at + 1 : rest;
    ASY_AUTO_FREE char *host = asy_strndup(host_start, (size_t)(path - host_start));
    if (!is_host(host))
        return asy_error_set(error, ASY_E_USAGE, "the URL names no host");
    if (at) {
        int rc = take_user(out, (asy_span){(const uint8_t *)rest, (size_t)(at - rest)}, error);
        if (rc < 0)
            return rc;
    }
    const char *mark = revisions ? revision_mark(path) : NULL;
    if (mark) {
        int rc = take_revision(out, mark + 1, error);
        if (rc < 0)
            return rc;
    }
    ASY_AUTO_FREE char *repository = asy_strndup(path, mark ? (size_t)(mark - path) : strlen(path));
    out->kind = ASY_SPEC_URL;
    out->location = asy_asprintf("%s://%s%s", ssh ? "ssh" : "https", host, repository);
    set_text(out, ssh ? out->user : NULL, ssh ? "ssh://" : "https://", host, repository);
    return ASY_OK;
}

/* The colon of [USER@]HOST:PATH, or NULL; as in git, no slash may come before it. */
static const char *scp_colon(const char *text)
{
    const char *bracket = strchr(text, '['), *slash = strchr(text, '/');
    const char *from = text;
    if (bracket && (!slash || bracket < slash)) {
        from = strchr(bracket, ']');
        if (!from)
            return NULL;
    }
    const char *colon = strchr(from, ':');
    return colon && colon != text && (!slash || colon < slash) ? colon : NULL;
}

static int parse_scp(const char *text, const char *colon, bool revisions, asy_spec *out,
                     asy_error *error)
{
    const char *path = colon + 1, *at = memrchr(text, '@', (size_t)(colon - text));
    const char *host_start = at ? at + 1 : text;
    ASY_AUTO_FREE char *host = asy_strndup(host_start, (size_t)(colon - host_start));
    if (!is_host(host) || !*path || strchr("@:", *path) || has_control(path))
        return asy_error_set(error, ASY_E_USAGE, "HOST:PATH names no repository");
    const char *mark = revisions ? revision_mark(path) : NULL;
    int rc = mark ? take_revision(out, mark + 1, error) : ASY_OK;
    if (rc < 0)
        return rc;
    ASY_AUTO_FREE char *repository = asy_strndup(path, mark ? (size_t)(mark - path) : strlen(path));
    if (at)
        out->user = asy_strndup(text, (size_t)(at - text));
    out->kind = ASY_SPEC_URL;
    out->location = asy_asprintf("%s:%s", host, repository);
    ASY_AUTO_FREE char *shown_path = asy_asprintf(":%s", repository);
    set_text(out, out->user, "", host, shown_path);
    return ASY_OK;
}

/* ---- paths ----------------------------------------------------------------------------------- */

static bool has_entry(const char *dir, const char *name)
{
    ASY_AUTO_FREE char *path = asy_path_join(dir, name);
    return access(path, F_OK) == 0;
}

static bool is_bare(const char *dir)
{
    return has_entry(dir, "HEAD") && has_entry(dir, "objects") && has_entry(dir, "refs");
}

static int take_repository(asy_spec *out, const char *dir, const char *text, asy_error *error)
{
    if (!has_entry(dir, ".git") && !is_bare(dir)) {
        asy_error_set(error, ASY_E_NOT_FOUND, "there is no git repository in this folder");
        asy_error_path(error, dir);
        return asy_error_hint(error, "give the top folder of a repository; leave out @REV to take "
                                     "a plain folder as it is");
    }
    out->kind = ASY_SPEC_LOCAL;
    out->location = realpath(dir, NULL);
    out->text = asy_strdup(text);
    return out->location ? ASY_OK : asy_error_errno(error, ASY_E_IO, "cannot resolve %s", dir);
}

/* PATH@REV: the longest PATH that is a folder. 1 when there is none. */
static int parse_revision_path(const char *text, asy_spec *out, asy_error *error)
{
    const char *mark = strrchr(text, '@');
    for (; mark; mark = memrchr(text, '@', (size_t)(mark - text))) {
        struct stat st;
        ASY_AUTO_FREE char *dir = asy_strndup(text, (size_t)(mark - text));
        if (mark == text || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
            continue;
        int rc = take_revision(out, mark + 1, error);
        return rc < 0 ? rc : take_repository(out, dir, text, error);
    }
    return 1;
}

static int parse_path(const char *text, bool git, asy_spec *out, asy_error *error)
{
    struct stat st;
    if (stat(text, &st) != 0) {
        int rc = parse_revision_path(text, out, error);
        if (rc <= 0)
            return rc;
        asy_error_set(error, ASY_E_NOT_FOUND, "no such file or folder");
        asy_error_path(error, text);
        return asy_error_hint(error, WAYS);
    }
    if (S_ISDIR(st.st_mode) && (git || (is_bare(text) && !has_entry(text, ".git"))))
        return take_repository(out, text, text, error);
    if (!S_ISDIR(st.st_mode) && (git || !asy_span_ends(asy_span_str(text), ".dsc"))) {
        asy_error_set(error, ASY_E_USAGE, "neither a .dsc nor a folder");
        asy_error_path(error, text);
        return asy_error_hint(error, WAYS);
    }
    out->kind = S_ISDIR(st.st_mode) ? ASY_SPEC_DIR : ASY_SPEC_DSC;
    out->location = realpath(text, NULL);
    out->text = asy_strdup(text);
    return out->location ? ASY_OK : asy_error_errno(error, ASY_E_IO, "cannot resolve %s", text);
}

/* The length of a URL's scheme (RFC 3986, 3.1), 0 when there is none. */
static size_t scheme_length(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    return len && strncmp(text + len, "://", 3) == 0 ? len : 0;
}

static int parse(const char *text, asy_spec *out, asy_error *error)
{
    size_t scheme = scheme_length(text);
    if (scheme)
        return parse_url(text, scheme, true, out, error);
    if (!*text) {
        asy_error_set(error, ASY_E_USAGE, "the source is empty");
        return asy_error_hint(error, WAYS);
    }
    const char *colon = scp_colon(text);
    if (colon && access(text, F_OK) != 0)
        return parse_scp(text, colon, true, out, error);
    return parse_path(text, false, out, error);
}

int asy_spec_parse(const char *text, asy_spec *out, asy_error *error)
{
    *out = (asy_spec){0};
    int rc = parse(text, out, error);
    if (rc < 0)
        asy_spec_free(out);
    return rc;
}

/* ---- submodules ------------------------------------------------------------------------------ */

/* Where the path starts in a location: after scheme and host, after "HOST:", or at 0. */
static size_t path_start(const asy_spec *spec)
{
    if (spec->kind == ASY_SPEC_LOCAL)
        return 0;
    const char *mark = strstr(spec->location, "://");
    const char *start = mark ? strchr(mark + 3, '/') : scp_colon(spec->location);
    return start ? (size_t)(start - spec->location) + (mark ? 0 : 1) : 0;
}

/* As git's submodule code: each ../ takes one component off the end of the parent's place.
 * NULL when nothing is left to take. */
static char *resolve_relative(const asy_spec *parent, const char *url)
{
    size_t start = path_start(parent), len = strlen(parent->location);
    const char *base = parent->location;
    while (len > start && base[len - 1] == '/')
        len--;
    for (;;) {
        if (strncmp(url, "./", 2) == 0) {
            url += 2;
        } else if (strncmp(url, "../", 3) == 0) {
            if (len == start)
                return NULL;
            while (len > start && base[len - 1] != '/')
                len--;
            while (len > start && base[len - 1] == '/')
                len--;
            url += 3;
        } else {
            break;
        }
    }
    bool bare = len == start && len && base[len - 1] == ':';
    return asy_asprintf("%.*s%s%s", (int)len, base, bare ? "" : "/", url);
}

/* A password is for the host that it was given for. */
static void inherit_user(const asy_spec *parent, asy_spec *out)
{
    size_t len = path_start(out);
    if (parent->kind == ASY_SPEC_URL && !out->user && len == path_start(parent) &&
        strncasecmp(parent->location, out->location, len) == 0) {
        out->user = asy_strdup(parent->user);
        out->password = asy_strdup(parent->password);
    }
}

static int parse_submodule(const asy_spec *parent, const char *url, asy_spec *out, asy_error *error)
{
    ASY_AUTO_FREE char *absolute = NULL;
    if (strncmp(url, "./", 2) == 0 || strncmp(url, "../", 3) == 0) {
        absolute = resolve_relative(parent, url);
        if (!absolute)
            return asy_error_set(error, ASY_E_FORMAT, "the URL leads out of the host");
        url = absolute;
    }
    size_t scheme = scheme_length(url);
    bool local = (scheme == 4 && strncasecmp(url, "file", 4) == 0) || *url == '/';
    if (local && parent->kind != ASY_SPEC_LOCAL) {
        asy_error_set(error, ASY_E_USAGE, "a repository from afar names a path of this machine");
        return asy_error_hint(error, "clone it yourself and give PATH@REV");
    }
    if (*url == '/')
        return take_repository(out, url, url, error);
    if (scheme)
        return parse_url(url, scheme, false, out, error);
    const char *colon = scp_colon(url);
    if (colon)
        return parse_scp(url, colon, false, out, error);
    return asy_error_set(error, ASY_E_FORMAT, "\"%s\" is not a URL", url);
}

int asy_spec_submodule(const asy_spec *parent, const char *url, asy_spec *out, asy_error *error)
{
    *out = (asy_spec){0};
    int rc = parse_submodule(parent, url, out, error);
    if (rc < 0) {
        asy_spec_free(out);
        return rc;
    }
    if (out->kind == ASY_SPEC_URL)
        inherit_user(parent, out);
    return ASY_OK;
}
