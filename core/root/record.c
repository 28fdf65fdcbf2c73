/* SPDX-License-Identifier: Apache-2.0 */
/* The small JSON files of the cache; ours, yet read with care. */
#include "root/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MAX = 1 << 20 };

static json_t *load(const char *path)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    if (asy_read_file(AT_FDCWD, path, RECORD_MAX, &text, NULL) < 0 || !text.ptr)
        return NULL;
    return json_loadb(text.ptr, text.len, 0, NULL);
}

static bool is_digest(const char *text)
{
    return text && strlen(text) == ASY_SHA256_HEX &&
           strspn(text, "0123456789abcdef") == ASY_SHA256_HEX;
}

static const char *text_of(json_t *document, const char *key)
{
    return json_string_value(json_object_get(document, key));
}

/* Writes a document below the cache, with the folder that it lies in. */
static int store(const char *path, asy_span text, asy_error *error)
{
    ASY_AUTO_FREE char *parent = asy_strndup(path, (size_t)(asy_path_base(path) - path));
    int rc = asy_make_dirs(parent, 0755, error);
    return rc < 0 ? rc : asy_write_file(path, text, 0644, error);
}

/* ---- names --------------------------------------------------------------------------------------- */

static char *name_path(const char *cache_dir, const char *key)
{
    return asy_asprintf("%s/roots/by-name/%s.json", cache_dir, key);
}

bool asy_root_name_read(const char *cache_dir, const char *key, asy_root_name *out)
{
    ASY_AUTO_FREE char *path = name_path(cache_dir, key);
    json_t *document = load(path);
    const char *digest = text_of(document, "digest");
    bool good = is_digest(digest);
    if (good) {
        memcpy(out->digest, digest, sizeof(out->digest));
        out->made = (time_t)json_integer_value(json_object_get(document, "made"));
    }
    json_decref(document);
    return good;
}

int asy_root_name_write(const char *cache_dir, const char *key, const asy_root_name *name,
                        asy_error *error)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    ASY_AUTO_FREE char *path = name_path(cache_dir, key);
    asy_json *json = asy_json_new(&text);
    asy_json_object(json, NULL);
    asy_json_str(json, "schema", "assay-root-name/1");
    asy_json_str(json, "digest", name->digest);
    asy_json_i64(json, "made", name->made);
    asy_json_end(json);
    asy_json_free(json);
    return store(path, asy_buf_span(&text), error);
}

/* ---- records of roots ---------------------------------------------------------------------------- */

static const char *const id_keys[] = {"root_uid", "root_gid", "first_uid", "first_gid"};

static void list_ids(const asy_idmap *map, json_int_t ids[static ASY_COUNT(id_keys)])
{
    ids[0] = map->root_uid;
    ids[1] = map->root_gid;
    ids[2] = map->first_uid;
    ids[3] = map->first_gid;
}

void asy_root_record_write(const asy_root_request *request, const char *digest, asy_buf *out)
{
    json_int_t ids[ASY_COUNT(id_keys)];
    list_ids(request->map, ids);
    asy_json *json = asy_json_new(out);
    asy_json_object(json, NULL);
    asy_json_str(json, "schema", "assay-root/1");
    asy_json_str(json, "spec", request->spec);
    asy_json_str(json, "digest", digest);
    asy_json_i64(json, "made", time(NULL));
    for (size_t i = 0; i < ASY_COUNT(id_keys); i++)
        asy_json_i64(json, id_keys[i], ids[i]);
    asy_json_end(json);
    asy_json_free(json);
}

static json_t *load_record(const char *entry)
{
    ASY_AUTO_FREE char *path = asy_path_join(entry, "record.json");
    return load(path);
}

int asy_root_record_check(const char *entry, const asy_idmap *map, asy_error *error)
{
    json_int_t ids[ASY_COUNT(id_keys)];
    bool same = true;
    json_t *record = load_record(entry);
    list_ids(map, ids);
    for (size_t i = 0; i < ASY_COUNT(id_keys); i++)
        same = same && json_integer_value(json_object_get(record, id_keys[i])) == ids[i];
    json_decref(record);
    if (same)
        return ASY_OK;
    asy_error_set(error, ASY_E_INFRA,
                  "the cached root was made with other user ids than those of this sandbox");
    asy_error_path(error, entry);
    return asy_error_hint(error, "remove that folder, or set ASSAY_CACHE to another one");
}

bool asy_root_record_is_debian(const char *entry)
{
    json_t *record = load_record(entry);
    const char *spec = text_of(record, "spec");
    bool debian = spec && strncmp(spec, "debian:", strlen("debian:")) == 0;
    json_decref(record);
    return debian;
}

/* ---- resolutions and layers ---------------------------------------------------------------------- */

static char *resolved_path(const char *entry, const char *key)
{
    return asy_asprintf("%s/resolved/%s.json", entry, key);
}

bool asy_root_resolved_read(const char *entry, const char *key, char layer[ASY_SHA256_HEX + 1])
{
    ASY_AUTO_FREE char *path = resolved_path(entry, key);
    json_t *document = load(path);
    json_t *value = json_object_get(document, "layer");
    const char *digest = json_string_value(value);
    bool good = json_is_null(value) || is_digest(digest);
    if (good)
        memcpy(layer, digest ? digest : "", digest ? ASY_SHA256_HEX + 1 : 1);
    json_decref(document);
    return good;
}

int asy_root_resolved_write(const char *entry, const char *key, const char *layer, asy_error *error)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    ASY_AUTO_FREE char *path = resolved_path(entry, key);
    asy_json *json = asy_json_new(&text);
    asy_json_object(json, NULL);
    asy_json_str(json, "schema", "assay-resolved/1");
    asy_json_str(json, "layer", *layer ? layer : NULL);
    asy_json_end(json);
    asy_json_free(json);
    return store(path, asy_buf_span(&text), error);
}

void asy_root_layer_record(const char *root_digest, asy_span changes, asy_buf *out)
{
    asy_json *json = asy_json_new(out);
    asy_json_object(json, NULL);
    asy_json_str(json, "schema", "assay-layer/1");
    asy_json_str(json, "root", root_digest);
    asy_json_i64(json, "made", time(NULL));
    asy_json_array(json, "changes");
    while (changes.len)
        asy_json_span(json, NULL, asy_root_next_line(&changes));
    asy_json_end(json);
    asy_json_end(json);
    asy_json_free(json);
}
