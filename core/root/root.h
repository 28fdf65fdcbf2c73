/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root: what a build sees as its file system. "host", "debian:SUITE", "tar:FILE", "dir:DIR".
 * Made roots and layers of installed packages live in the cache, appear there by a rename once
 * they are whole, and are owned by ids of the idmap.
 */
#ifndef ASY_ROOT_H
#define ASY_ROOT_H

#include "base/base.h"
#include "base/json.h"
#include "sandbox/sandbox.h"

typedef struct asy_package {
    char *name, *version, *architecture;
} asy_package;

/* Keeps a cache entry from being removed while it is in use. */
typedef struct asy_root_hold asy_root_hold;

typedef struct asy_root {
    char *spec;   /* as given */
    char *digest; /* sha256 in hex of what the root was made from; NULL for the host */
    char **lower; /* folders for asy_sandbox_spec.lower, topmost first */
    size_t lower_count;
    asy_package *packages; /* dpkg's list, sorted by name; empty when the root has none */
    size_t package_count;
    char *layer_digest; /* of the build-dependency layer, or NULL */
    bool debian;        /* has apt and dpkg, so that build dependencies can be installed */
    asy_root_hold *hold;
} asy_root;

typedef struct asy_root_request {
    const char *spec;
    const char *cache_dir;
    const asy_idmap *map;
    const char *mirror; /* for debian:SUITE; NULL: what mmdebstrap takes by itself */
    bool refresh;       /* make it anew */
    int log_fd;
    void (*say)(void *context, const char *text);
    void *context;
} asy_root_request;

/*
 * ASY_E_INFRA when it cannot be made; ASY_E_USAGE for an unknown spec. Nothing is to be freed after
 * a failure.
 *
 * In the cache, below roots/: DIGEST/ is a whole root (fs/, record.json) with what was derived from
 * it (resolved/, layers/KEY/upper/); by-name/KEY.json says which digest a suite had last, and
 * is believed for a day; tmp-KEY is being made by the holder of lock-KEY, or is left over from a
 * killed one. When a suite gets a new digest, the entries that no name leads to and nobody holds are
 * removed.
 */
int asy_root_open(const asy_root_request *request, asy_root *out, asy_error *error);

/*
 * Puts a layer on top with the build dependencies of `control` (a .dsc, or the folder that holds
 * debian/), from the cache when the same set of packages and versions was installed before. When the
 * archive has dropped a version that the root knows of, the root is made anew once.
 * ASY_E_INFRA when they cannot be had; the message names the package. `root` stays valid.
 */
int asy_root_add_build_deps(const asy_root_request *request, const char *control, asy_root *root,
                            asy_error *error);
void asy_root_free(asy_root *root);
/* The object `root` of a build record: spec, digest, layer, packages. */
void asy_root_json(const asy_root *root, asy_json *json, const char *key);

#endif
