/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer with a source's build dependencies. Two caches: what a control file resolves to in a root
 * (nothing is started when that is known), and the layer of a set of packages, which several sources
 * may share.
 */
#include "root/inner.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { CONTROL_MAX = 4 << 20 };

/* Where the control file lies inside. */
#define INSIDE         "/run/build-deps"
#define INSIDE_CONTROL INSIDE "/debian/control"
#define INSIDE_DSC     INSIDE "/source.dsc"

/* A root of one's own may come without apt's lists. */
#define UPDATE_LISTS "ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt-get -q update\n"
#define APT_GET      "apt-get -q -y --no-install-recommends -o Acquire::Retries=2 "

static const char resolve_script[] =
    "set -e\n" UPDATE_LISTS APT_GET "--simulate build-dep \"$1\"\n";

static const char install_script[] =
    "set -e\n" UPDATE_LISTS "policy=/usr/sbin/policy-rc.d\n"
    "if [ ! -e $policy ]; then\n"
    "    trap 'rm -f $policy' EXIT\n"
    "    printf '#!/bin/sh\\nexit 101\\n' >$policy\n"
    "    chmod 755 $policy\n"
    "fi\n" APT_GET "-o Dpkg::Options::=--force-unsafe-io build-dep \"$1\"\n"
    "apt-get clean\n"
    "rm -f /var/log/dpkg.log /var/log/alternatives.log /var/log/apt/*\n";

typedef struct deps {
    const asy_root_request *request;
    asy_root *root;
    asy_scratch *scratch;
    char *control; /* a copy, below scratch */
    const char *inside;
    char *entry;                    /* of the root, in the cache */
    char key[ASY_SHA256_HEX + 1];   /* of the control file */
    char layer[ASY_SHA256_HEX + 1]; /* of the set of packages; "" for none */
    asy_buf changes;
    bool vanished;
} deps;

/* ---- the control file ---------------------------------------------------------------------------- */

static int read_control(const char *path, bool *is_dsc, asy_buf *text, asy_error *error)
{
    struct stat st;
    *is_dsc = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    if (*is_dsc)
        return asy_read_file(AT_FDCWD, path, CONTROL_MAX, text, error);
    ASY_AUTO_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        asy_error_errno(error, ASY_E_IO, "cannot open");
        return asy_error_path(error, path);
    }
    return asy_read_below(dir, "debian/control", CONTROL_MAX, text, error);
}

static int take_control(deps *d, const char *path, asy_error *error)
{
    bool is_dsc = false;
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    int rc = read_control(path, &is_dsc, &text, error);
    if (rc == ASY_OK)
        rc = asy_scratch_new(&d->scratch, error);
    if (rc < 0)
        return rc;
    d->inside = is_dsc ? INSIDE_DSC : INSIDE_CONTROL;
    d->control = asy_path_join(asy_scratch_path(d->scratch), "control");
    asy_sha256 hash = asy_sha256_of(asy_buf_span(&text));
    asy_sha256_hex(&hash, d->key);
    return asy_write_file(d->control, asy_buf_span(&text), 0644, error);
}

/* ---- steps --------------------------------------------------------------------------------------- */

/* With an upper folder what the script writes is kept there. */
static int run_script(deps *d, const char *script, const char *doing, const char *upper,
                      const char *work, asy_buf *printed, int *status, asy_error *error)
{
    const char *what = strcmp(d->inside, INSIDE_DSC) == 0 ? INSIDE_DSC : INSIDE;
    const char *const argv[] = {"/bin/sh", "-c", script, "sh", what, NULL};
    const asy_sandbox_copy copy = {d->control, d->inside};
    const asy_sandbox_spec spec = {
        .lower = (const char *const *)d->root->lower,
        .lower_count = d->root->lower_count,
        .upper = upper,
        .work = work,
        .copies = &copy,
        .copy_count = 1,
        .argv = argv,
        .network = true,
    };
    return asy_root_step(d->request, &spec, doing, printed, status, error);
}

static int unmet(deps *d, asy_span printed, asy_error *error)
{
    ASY_BUF_AUTO what = ASY_BUF_INIT;
    ASY_BUF_AUTO shown = ASY_BUF_INIT;
    if (!asy_root_apt_unmet(printed, &what))
        return asy_root_step_failed(error, "the build dependencies cannot be had", printed);
    asy_buf_escape(&shown, asy_buf_span(&what));
    asy_error_set(error, ASY_E_INFRA, "a build dependency cannot be had: %s", shown.ptr);
    return asy_error_hint(error, "choose a root that has it instead of %s", d->request->spec);
}

static void set_layer_key(deps *d)
{
    asy_hasher *hasher = asy_hasher_new();
    d->layer[0] = '\0';
    asy_hasher_add(hasher, asy_span_str(d->root->digest));
    asy_hasher_add(hasher, asy_span_str("\n"));
    asy_hasher_add(hasher, asy_buf_span(&d->changes));
    asy_sha256 hash = asy_hasher_finish(hasher);
    if (d->changes.len)
        asy_sha256_hex(&hash, d->layer);
}

static int resolve(deps *d, asy_error *error)
{
    ASY_BUF_AUTO printed = ASY_BUF_INIT;
    int status = 0;
    int rc = run_script(d, resolve_script, "looking up the build dependencies", NULL, NULL,
                        &printed, &status, error);
    if (rc < 0)
        return rc;
    if (status != 0)
        return unmet(d, asy_buf_span(&printed), error);
    asy_root_apt_changes(asy_buf_span(&printed), &d->changes);
    set_layer_key(d);
    return asy_root_resolved_write(d->entry, d->key, d->layer, error);
}

static int install(deps *d, const char *upper, const char *work, asy_error *error)
{
    ASY_BUF_AUTO printed = ASY_BUF_INIT;
    int status = 0;
    int rc = run_script(d, install_script, "installing the build dependencies", upper, work,
                        &printed, &status, error);
    if (rc < 0 || status == 0)
        return rc;
    d->vanished = asy_root_apt_vanished(asy_buf_span(&printed));
    return asy_root_step_failed(error, "installing the build dependencies", asy_buf_span(&printed));
}

/* ---- the layer ----------------------------------------------------------------------------------- */

static char *layer_entry(const deps *d)
{
    return asy_asprintf("%s/layers/%s", d->entry, d->layer);
}

static int use_layer(deps *d, asy_error *error)
{
    ASY_AUTO_FREE char *layer = layer_entry(d), *upper = asy_path_join(layer, "upper");
    asy_root *root = d->root;
    asy_root_set_lower(root, upper, root->lower[root->lower_count - 1]);
    root->layer_digest = asy_strdup(d->layer);
    return asy_root_read_packages(root, error);
}

static int check_disk(const deps *d, asy_error *error)
{
    struct statfs fs;
    if (statfs(d->request->cache_dir, &fs) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot look at the cache's file system");
    if (fs.f_type != OVERLAYFS_SUPER_MAGIC)
        return ASY_OK;
    asy_error_set(error, ASY_E_INFRA, "the cache lies on an overlay, which cannot hold layers");
    asy_error_path(error, d->request->cache_dir);
    return asy_error_hint(error, "set ASSAY_CACHE to a folder on a disk or a tmpfs");
}

/* What is installed must be able to replace the root's files. */
static int check_owner(const deps *d, asy_error *error)
{
    struct stat st;
    const char *fs = d->root->lower[d->root->lower_count - 1];
    if (stat(fs, &st) == 0 && st.st_uid == d->request->map->root_uid)
        return ASY_OK;
    asy_error_set(error, ASY_E_INFRA,
                  "packages cannot be installed on top of a folder that is not the sandbox's own");
    asy_error_path(error, fs);
    return asy_error_hint(error, "pack it (tar --numeric-owner -C DIR -cf root.tar .) and use "
                                 "--root tar:root.tar");
}

static int publish_layer(deps *d, const char *dir, asy_error *error)
{
    ASY_AUTO_FREE char *layer = layer_entry(d), *work = asy_path_join(dir, "work");
    ASY_BUF_AUTO record = ASY_BUF_INIT;
    int rc = asy_idmap_remove_tree(d->request->map, work, error);
    if (rc < 0)
        return rc;
    asy_root_layer_record(d->root->digest, asy_buf_span(&d->changes), &record);
    return asy_root_publish(d->request, dir, layer, asy_buf_span(&record), error);
}

static int make_layer(deps *d, asy_error *error)
{
    ASY_AUTO_FREE char *dir = NULL, *upper = NULL, *work = NULL;
    const asy_idmap *map = d->request->map;
    int rc;
    if ((rc = check_disk(d, error)) < 0 || (rc = check_owner(d, error)) < 0 ||
        (rc = asy_root_temporary(d->request, d->layer, &dir, error)) < 0)
        return rc;
    if ((rc = asy_root_make_inner(map, dir, "upper", &upper, error)) == ASY_OK &&
        (rc = asy_root_make_inner(map, dir, "work", &work, error)) == ASY_OK &&
        (rc = install(d, upper, work, error)) == ASY_OK)
        rc = publish_layer(d, dir, error);
    asy_root_discard(d->request, dir);
    return rc;
}

static bool layer_ready(const deps *d)
{
    ASY_AUTO_FREE char *layer = layer_entry(d);
    return asy_root_entry_ready(layer);
}

/* A root made from a folder has no entry of its own, but a place for what is derived from it. */
static char *entry_of(const asy_root_request *request, const asy_root *root)
{
    ASY_AUTO_FREE char *name = asy_asprintf("%s%s", root->hold ? "" : "dir-", root->digest);
    return asy_root_entry(request, name);
}

static int provide(deps *d, asy_error *error)
{
    d->entry = entry_of(d->request, d->root);
    bool known = asy_root_resolved_read(d->entry, d->key, d->layer);
    if (known && (!d->layer[0] || layer_ready(d)))
        return d->layer[0] ? use_layer(d, error) : ASY_OK;
    int rc = resolve(d, error);
    if (rc < 0 || !d->layer[0])
        return rc;
    ASY_AUTO_CLOSE int lock = -1;
    rc = asy_root_lock(d->request, d->layer, &lock, error);
    if (rc == ASY_OK && !layer_ready(d))
        rc = make_layer(d, error);
    return rc < 0 ? rc : use_layer(d, error);
}

/* ---- once more, with a root of today ------------------------------------------------------------- */

static int renew_root(deps *d, asy_error *error)
{
    asy_root_request again = *d->request;
    asy_root fresh;
    again.refresh = true;
    int rc = asy_root_open(&again, &fresh, error);
    if (rc < 0)
        return rc;
    asy_root_free(d->root);
    *d->root = fresh;
    return ASY_OK;
}

static int provide_twice(deps *d, asy_error *error)
{
    int rc = provide(d, error);
    if (rc == ASY_OK || !d->vanished || strncmp(d->request->spec, "debian:", 7) != 0)
        return rc;
    asy_root_say(d->request, "the archive has newer versions: making the root anew");
    asy_error_clear(error);
    free(d->entry);
    asy_buf_clear(&d->changes);
    d->entry = NULL;
    rc = renew_root(d, error);
    return rc < 0 ? rc : provide(d, error);
}

int asy_root_add_build_deps(const asy_root_request *request, const char *control, asy_root *root,
                            asy_error *error)
{
    deps d = {.request = request, .root = root};
    if (!root->debian)
        return asy_error_set(error, ASY_E_USAGE, "the root %s has no apt", request->spec);
    int rc = take_control(&d, control, error);
    if (rc == ASY_OK)
        rc = provide_twice(&d, error);
    asy_scratch_free(d.scratch);
    asy_buf_free(&d.changes);
    free(d.control);
    free(d.entry);
    return rc;
}
