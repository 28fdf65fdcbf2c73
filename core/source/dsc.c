/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian source control files: deb-src-control(5), dsc(5); the armour: RFC 9580, section 7. What
 * counts is what dpkg-source will see: nothing may stand before or after the signed part.
 */
#include "source/internal.h"

#include "io/io.h"

#include <ctype.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { FILES_MAX = 1000 };

void asy_dsc_free(asy_dsc *dsc)
{
    for (size_t i = 0; i < dsc->count; i++)
        free(dsc->files[i].name);
    free(dsc->files);
    free(dsc->package);
    free(dsc->version);
    *dsc = (asy_dsc){0};
}

/* ---- lines --------------------------------------------------------------------------------------- */

static bool next_line(asy_span *text, asy_span *line)
{
    if (text->len == 0)
        return false;
    const uint8_t *end = memchr(text->ptr, '\n', text->len);
    size_t len = end ? (size_t)(end - text->ptr) : text->len, used = end ? len + 1 : len;
    *line = asy_span_sub(*text, 0, len);
    *text = asy_span_sub(*text, used, text->len - used);
    while (line->len && isspace(line->ptr[line->len - 1]))
        line->len--;
    return true;
}

static bool line_is(asy_span line, const char *text)
{
    return asy_span_eq(line, asy_span_str(text));
}

/* The text inside a clear signature, with dashes unescaped; the whole text when there is none. */
static int strip_armour(asy_span text, asy_buf *out, asy_error *error)
{
    enum { BEFORE, HEADERS, BODY, SIGNATURE, AFTER } state = BEFORE;
    asy_span line, rest = text;
    bool plain = false;
    while (next_line(&rest, &line)) {
        bool dashes = asy_span_starts(line, "-----");
        if (state == BEFORE && line_is(line, "-----BEGIN PGP SIGNED MESSAGE-----") && !plain) {
            state = HEADERS;
        } else if (state == BEFORE || state == BODY) {
            if (state == BODY && line_is(line, "-----BEGIN PGP SIGNATURE-----")) {
                state = SIGNATURE;
                continue;
            }
            if (dashes)
                return asy_error_set(error, ASY_E_FORMAT, "the signature is not well-formed");
            plain |= state == BEFORE && line.len;
            bool escaped = state == BODY && asy_span_starts(line, "- ");
            asy_buf_add_span(out, escaped ? asy_span_sub(line, 2, line.len - 2) : line);
            asy_buf_putc(out, '\n');
        } else if (state == HEADERS && line.len == 0) {
            state = BODY;
        } else if (state == SIGNATURE && line_is(line, "-----END PGP SIGNATURE-----")) {
            state = AFTER;
        } else if (state == AFTER && line.len) {
            return asy_error_set(error, ASY_E_FORMAT, "there is text after the signature");
        }
    }
    if (state != AFTER && state != BEFORE)
        return asy_error_set(error, ASY_E_FORMAT, "the signature is cut short");
    return ASY_OK;
}

/* ---- fields -------------------------------------------------------------------------------------- */

static char *next_word(char **rest)
{
    char *word;
    do {
        word = strsep(rest, " \t\n");
    } while (word && !*word);
    return word;
}

static bool is_file_name(const char *name)
{
    if (*name == '.' || *name == '-' || !*name)
        return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && !strchr("+-.~_:%", *name))
            return false;
    }
    return true;
}

static bool parse_sha256(const char *hex, asy_sha256 *out)
{
    if (strlen(hex) != ASY_SHA256_HEX || strspn(hex, "0123456789abcdef") != ASY_SHA256_HEX)
        return false;
    for (size_t i = 0; i < ASY_SHA256_SIZE; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1]};
        out->bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return true;
}

static const asy_source_file *find_file(const asy_dsc *dsc, const char *name)
{
    for (size_t i = 0; i < dsc->count; i++) {
        if (strcmp(dsc->files[i].name, name) == 0)
            return &dsc->files[i];
    }
    return NULL;
}

static int take_checksum(asy_dsc *dsc, char *line, asy_error *error)
{
    const char *hash = next_word(&line), *digits = next_word(&line), *name = next_word(&line);
    asy_source_file file = {0};
    char *end = NULL;
    if (!hash)
        return ASY_OK;
    if (!name || next_word(&line) || !parse_sha256(hash, &file.sha256) ||
        !isdigit((unsigned char)*digits))
        return asy_error_set(error, ASY_E_FORMAT, "a line of Checksums-Sha256 is not well-formed");
    file.size = strtoull(digits, &end, 10);
    if (*end || !is_file_name(name) || find_file(dsc, name) || dsc->count == FILES_MAX)
        return asy_error_set(error, ASY_E_FORMAT, "a line of Checksums-Sha256 is not well-formed");
    file.name = asy_strdup(name);
    ASY_GROW(dsc->files, dsc->count, dsc->capacity);
    dsc->files[dsc->count++] = file;
    return ASY_OK;
}

/* A file that only weaker checksums vouch for would go unchecked. */
static int check_listed(const asy_dsc *dsc, char *lines, asy_error *error)
{
    for (char *line = strsep(&lines, "\n"); line; line = strsep(&lines, "\n")) {
        const char *hash = next_word(&line), *size = next_word(&line), *name = next_word(&line);
        if (hash && size && name && !find_file(dsc, name))
            return asy_error_set(error, ASY_E_FORMAT, "%s has no SHA-256 checksum", name);
    }
    return ASY_OK;
}

typedef struct fields {
    char *source, *version, *sha256, *files;
} fields;

static void free_fields(fields *all)
{
    free(all->source);
    free(all->version);
    free(all->sha256);
    free(all->files);
}

/* Where the value of a field that matters is kept; NULL for the others. */
static char **place_of(fields *all, asy_span name)
{
    const struct {
        const char *name;
        char **place;
    } known[] = {{"source", &all->source},
                 {"version", &all->version},
                 {"checksums-sha256", &all->sha256},
                 {"files", &all->files}};
    for (size_t i = 0; i < ASY_COUNT(known); i++) {
        if (name.len == strlen(known[i].name) &&
            strncasecmp((const char *)name.ptr, known[i].name, name.len) == 0)
            return known[i].place;
    }
    return NULL;
}

static void append_line(char **place, asy_span line)
{
    char *joined = asy_asprintf("%s\n%.*s", *place, (int)line.len, (const char *)line.ptr);
    free(*place);
    *place = joined;
}

static int read_fields(asy_span text, fields *all, asy_error *error)
{
    asy_span line;
    char **place = NULL;
    bool ended = false, any = false;
    while (next_line(&text, &line)) {
        if (line.len == 0 || line.ptr[0] == '#') {
            ended |= any && line.len == 0;
            continue;
        }
        if (ended)
            return asy_error_set(error, ASY_E_FORMAT, "there is more than one paragraph");
        any = true;
        if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
            if (place)
                append_line(place, line);
            continue;
        }
        const uint8_t *colon = memchr(line.ptr, ':', line.len);
        if (!colon)
            return asy_error_set(error, ASY_E_FORMAT, "a line is not a field");
        size_t len = (size_t)(colon - line.ptr);
        place = place_of(all, asy_span_sub(line, 0, len));
        if (place && *place)
            return asy_error_set(error, ASY_E_FORMAT, "the field %.*s occurs twice", (int)len,
                                 (const char *)line.ptr);
        while (++len < line.len && isspace(line.ptr[len]))
            continue;
        if (place)
            *place = asy_strndup((const char *)line.ptr + len, line.len - len);
    }
    return ASY_OK;
}

static int take_fields(fields *all, asy_dsc *dsc, asy_error *error)
{
    if (!all->source || !all->version)
        return asy_error_set(error, ASY_E_FORMAT, "the fields Source and Version are missing");
    if (!all->sha256) {
        asy_error_set(error, ASY_E_FORMAT, "the field Checksums-Sha256 is missing");
        return asy_error_hint(error, "a .dsc from before 2008 has weaker checksums only");
    }
    int rc = ASY_OK;
    char *lines = all->sha256;
    for (char *line = strsep(&lines, "\n"); line && rc == ASY_OK; line = strsep(&lines, "\n"))
        rc = take_checksum(dsc, line, error);
    if (rc == ASY_OK && all->files)
        rc = check_listed(dsc, all->files, error);
    dsc->package = all->source;
    dsc->version = all->version;
    all->source = all->version = NULL;
    return rc;
}

int asy_dsc_parse(asy_span text, asy_dsc *dsc, asy_error *error)
{
    ASY_BUF_AUTO body = ASY_BUF_INIT;
    fields all = {0};
    if (text.len && memchr(text.ptr, 0, text.len))
        return asy_error_set(error, ASY_E_FORMAT, "a .dsc is text");
    int rc = strip_armour(text, &body, error);
    if (rc == ASY_OK)
        rc = read_fields(asy_buf_span(&body), &all, error);
    if (rc == ASY_OK)
        rc = take_fields(&all, dsc, error);
    free_fields(&all);
    if (rc < 0)
        asy_dsc_free(dsc);
    return rc;
}

/* ---- files --------------------------------------------------------------------------------------- */

static int check_file(asy_job *job, const char *dir, const asy_source_file *file, asy_error *error)
{
    ASY_AUTO_FREE char *path = asy_path_join(dir, file->name);
    ASY_AUTO_CLOSE int fd = -1;
    asy_sha256 hash;
    uint64_t size = 0;
    asy_job_say(job, false, "checking %s", file->name);
    int rc = asy_open_regular(path, &fd, error);
    if (rc == ASY_OK)
        rc = asy_sha256_of_fd(fd, &hash, &size, error);
    if (rc < 0)
        return asy_error_path(error, path);
    if (size == file->size && asy_sha256_eq(&hash, &file->sha256))
        return ASY_OK;
    asy_error_set(error, ASY_E_MISMATCH,
                  size == file->size ? "%s is not the file that the .dsc names: its SHA-256 differs"
                                     : "%s is not the file that the .dsc names: its size differs",
                  file->name);
    asy_error_path(error, file->name);
    return asy_error_hint(error, "fetch the source package again");
}

int asy_dsc_check(asy_job *job, const char *path, asy_dsc *dsc, asy_sha256 *sha256,
                  asy_error *error)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    ASY_AUTO_FREE char *copy = asy_strdup(path);
    const char *dir = dirname(copy);
    int rc = asy_read_file(AT_FDCWD, path, ASY_SOURCE_TEXT_MAX, &text, error);
    if (rc < 0)
        return rc;
    *sha256 = asy_sha256_of(asy_buf_span(&text));
    rc = asy_dsc_parse(asy_buf_span(&text), dsc, error);
    if (rc < 0)
        return asy_error_path(error, path);
    for (size_t i = 0; i < dsc->count && rc == ASY_OK; i++)
        rc = check_file(job, dir, &dsc->files[i], error);
    return rc;
}

/* ---- as a source ---------------------------------------------------------------------------------- */

static void record(asy_job *job, const char *name, const asy_sha256 *hash, uint64_t size,
                   const asy_dsc *dsc)
{
    asy_source *out = job->out;
    out->package = asy_strdup(dsc->package);
    out->version = asy_strdup(dsc->version);
    out->files = asy_calloc(dsc->count + 1, sizeof(*out->files));
    out->files[out->file_count++] =
        (asy_source_file){.name = asy_strdup(name), .sha256 = *hash, .size = size};
    for (size_t i = 0; i < dsc->count; i++) {
        out->files[out->file_count] = dsc->files[i];
        out->files[out->file_count++].name = asy_strdup(dsc->files[i].name);
    }
}

static int copy_named(asy_job *job, int from, const asy_dsc *dsc, asy_error *error)
{
    for (size_t i = 0; i < dsc->count; i++) {
        const char *name = dsc->files[i].name;
        int rc = asy_source_copy(job, from, job->dest_fd, name, error);
        if (rc == ASY_E_NOT_FOUND) {
            asy_error_set(error, rc, "%s, which the .dsc names, is missing", name);
            asy_error_hint(error, "put it beside the .dsc");
        }
        if (rc < 0)
            return asy_error_path(error, name);
    }
    return ASY_OK;
}

/* Copies first and checks the copies: what was checked is what will be built. */
int asy_dsc_source(asy_job *job, asy_error *error)
{
    asy_dsc dsc = {0};
    asy_listing listing = {0};
    asy_sha256 hash;
    const char *location = job->spec->location, *name = asy_path_base(location);
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    ASY_AUTO_FREE char *folder = asy_strdup(location);
    ASY_AUTO_FREE char *copy = asy_path_join(job->dest, name);
    ASY_AUTO_CLOSE int from = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0) {
        asy_error_errno(error, ASY_E_IO, "cannot open the folder of the .dsc");
        return asy_error_path(error, location);
    }
    int rc = asy_source_copy(job, from, job->dest_fd, name, error);
    if (rc == ASY_OK)
        rc = asy_read_file(job->dest_fd, name, ASY_SOURCE_TEXT_MAX, &text, error);
    if (rc == ASY_OK)
        rc = asy_dsc_parse(asy_buf_span(&text), &dsc, error);
    if (rc < 0)
        return asy_error_path(error, name);
    hash = asy_sha256_of(asy_buf_span(&text));
    record(job, name, &hash, text.len, &dsc);
    rc = copy_named(job, from, &dsc, error);
    for (size_t i = 0; i < dsc.count && rc == ASY_OK; i++)
        rc = check_file(job, job->dest, &dsc.files[i], error);
    if (rc == ASY_OK)
        rc = asy_dsc_list(job, copy, &dsc, false, &listing, error);
    if (rc == ASY_OK) {
        job->out->status = ASY_SOURCE_VERIFIED;
        job->out->epoch = asy_listing_newest(&listing);
    }
    asy_listing_free(&listing);
    asy_dsc_free(&dsc);
    return rc;
}
