/* SPDX-License-Identifier: Apache-2.0 */
/* debian:SUITE, made by mmdebstrap inside the sandbox. */
#include "root/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MMDEBSTRAP "/usr/bin/mmdebstrap"
#define KEYRING    "/usr/share/keyrings/debian-archive-keyring.gpg"
/* Where the new root and mmdebstrap's own temporary files lie inside. */
#define INSIDE_ROOT "/making/fs"
#define INSIDE_TEMP "/making/tmp"

enum { NAME_SECONDS = 24 * 3600, SUITE_MAX = 64 };

static const char suite_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";

/* The packages' scripts need these, and the sandbox lets nobody mount. */
static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};

/*
 * The user that builds, as on Debian's builders; and nothing of this machine: mmdebstrap copies the
 * host's name and resolver in.
 */
static const char customize[] =
    "cd \"$1\" && rm -f etc/resolv.conf etc/hostname etc/hosts && "
    ": >etc/resolv.conf && echo assay >etc/hostname && "
    "printf '127.0.0.1\\tlocalhost\\n127.0.1.1\\tassay\\n::1\\tlocalhost\\n' >etc/hosts && "
    "echo 'builder:x:1000:1000:builder:/home/builder:/bin/sh' >>etc/passwd && "
    "echo 'builder:x:1000:' >>etc/group && "
    "echo 'builder:!:19358:0:99999:7:::' >>etc/shadow && "
    "echo 'builder:!::' >>etc/gshadow";

/* ---- names --------------------------------------------------------------------------------------- */

static bool is_suite(const char *suite)
{
    size_t len = strlen(suite);
    return len > 0 && len <= SUITE_MAX && strspn(suite, suite_letters) == len && suite[0] != '-' &&
           suite[0] != '.';
}

/* What the name of a root stands for: suite, architecture, mirror, and the ids of its files. */
static void name_key(const asy_root_request *request, const char *suite,
                     char key[ASY_SHA256_HEX + 1])
{
    struct utsname machine = {0};
    const asy_idmap *map = request->map;
    uname(&machine);
    ASY_AUTO_FREE char *text =
        asy_asprintf("debian\n%s\n%s\n%s\n%u %u %u %u\n", suite, machine.machine,
                     request->mirror ? request->mirror : "", (unsigned)map->root_uid,
                     (unsigned)map->root_gid, (unsigned)map->first_uid, (unsigned)map->first_gid);
    asy_sha256 hash = asy_sha256_of(asy_span_str(text));
    asy_sha256_hex(&hash, key);
}

/* ---- making -------------------------------------------------------------------------------------- */

typedef struct making {
    const asy_root_request *request;
    const char *suite;
    char *dir; /* the entry to be */
    char *fs;  /* below it, as is the next */
    char *scratch;
} making;

/* Files to mount the devices on; nobody is in there yet, so the paths hold no surprise. */
static int place_devices(const making *m, asy_error *error)
{
    ASY_AUTO_FREE char *dev = NULL;
    int rc = asy_root_make_inner(m->request->map, m->fs, "dev", &dev, error);
    for (size_t i = 0; rc == ASY_OK && i < ASY_COUNT(devices); i++) {
        ASY_AUTO_FREE char *path = asy_path_join(dev, devices[i]);
        rc = asy_write_file(path, asy_span_str(""), 0644, error);
    }
    return rc;
}

/* The packages' scripts ran in there: a link in place of dev must lead nowhere. */
static void remove_devices(const making *m)
{
    ASY_AUTO_CLOSE int fs = open(m->fs, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ASY_AUTO_CLOSE int dev = openat(fs, "dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    for (size_t i = 0; dev >= 0 && i < ASY_COUNT(devices); i++)
        unlinkat(dev, devices[i], 0);
}

static int run_mmdebstrap(const making *m, asy_error *error)
{
    enum { FIXED_BINDS = 3 };
    char *paths[2 * ASY_COUNT(devices)];
    asy_sandbox_bind binds[FIXED_BINDS + ASY_COUNT(devices)] = {{m->fs, INSIDE_ROOT, true},
                                                                {m->scratch, INSIDE_TEMP, true}};
    size_t count = 2;
    if (access("/etc/ssl/certs", X_OK) == 0) /* for a mirror by https */
        binds[count++] = (asy_sandbox_bind){"/etc/ssl/certs", "/etc/ssl/certs", false};
    for (size_t i = 0; i < ASY_COUNT(devices); i++) {
        paths[2 * i] = asy_path_join("/dev", devices[i]);
        paths[2 * i + 1] = asy_path_join(INSIDE_ROOT "/dev", devices[i]);
        binds[count++] = (asy_sandbox_bind){paths[2 * i], paths[2 * i + 1], true};
    }
    ASY_AUTO_FREE char *hook = asy_asprintf("--customize-hook=%s", customize);
    const char *argv[] = {"/usr/bin/env", "TMPDIR=" INSIDE_TEMP, MMDEBSTRAP, "--mode=root",
                          "--variant=buildd", "--format=directory", "--include=fakeroot",
                          /* the folder holds dev; the lists are for build dependencies */
                          "--skip=check/empty,chroot/mount,cleanup/apt/lists",
                          "--dpkgopt=force-unsafe-io", "--keyring=" KEYRING, hook, m->suite,
                          INSIDE_ROOT, m->request->mirror, NULL};
    asy_sandbox_spec spec = {.binds = binds, .bind_count = count, .argv = argv, .network = true};
    ASY_BUF_AUTO printed = ASY_BUF_INIT;
    int status = 0;
    int rc = asy_root_step(m->request, &spec, "making the Debian root", &printed, &status, error);
    for (size_t i = 0; i < ASY_COUNT(paths); i++)
        free(paths[i]);
    if (rc < 0 || status == 0)
        return rc;
    asy_root_step_failed(error, "mmdebstrap", asy_buf_span(&printed));
    return asy_error_hint(error, "the build log tells more; is the network there?");
}

static int publish(const making *m, const char *key, const char *digest, asy_error *error)
{
    ASY_BUF_AUTO record = ASY_BUF_INIT;
    ASY_AUTO_FREE char *entry = asy_root_entry(m->request, digest);
    asy_root_record_write(m->request, digest, &record);
    int rc = asy_root_publish(m->request, m->dir, entry, asy_buf_span(&record), error);
    if (rc < 0)
        return rc;
    asy_root_name name = {.made = time(NULL)};
    memcpy(name.digest, digest, sizeof(name.digest));
    return asy_root_name_write(m->request->cache_dir, key, &name, error);
}

static int make_in(making *m, const char *key, char digest[ASY_SHA256_HEX + 1], asy_error *error)
{
    int rc;
    const asy_idmap *map = m->request->map;
    if ((rc = asy_root_make_inner(map, m->dir, "fs", &m->fs, error)) < 0 ||
        (rc = asy_root_make_inner(map, m->dir, "scratch", &m->scratch, error)) < 0 ||
        (rc = place_devices(m, error)) < 0 || (rc = run_mmdebstrap(m, error)) < 0)
        return rc;
    remove_devices(m);
    if ((rc = asy_idmap_remove_tree(map, m->scratch, error)) < 0 ||
        (rc = asy_root_listing_digest(m->fs, map, digest, error)) < 0)
        return rc;
    return publish(m, key, digest, error);
}

static int check_tools(asy_error *error)
{
    static const char *const needed[][2] = {{MMDEBSTRAP, "mmdebstrap"},
                                            {KEYRING, "debian-archive-keyring"}};
    for (size_t i = 0; i < ASY_COUNT(needed); i++) {
        if (access(needed[i][0], R_OK) == 0)
            continue;
        asy_error_set(error, ASY_E_INFRA, "%s is not installed", needed[i][1]);
        return asy_error_hint(error, "install it: apt-get install %s", needed[i][1]);
    }
    return ASY_OK;
}

/* For the holder of the key's lock. */
static int make(const asy_root_request *request, const char *suite, const char *key,
                char digest[ASY_SHA256_HEX + 1], asy_error *error)
{
    making m = {.request = request, .suite = suite};
    int rc = check_tools(error);
    if (rc == ASY_OK)
        rc = asy_root_temporary(request, key, &m.dir, error);
    if (rc == ASY_OK) {
        rc = make_in(&m, key, digest, error);
        asy_root_discard(request, m.dir);
        asy_root_sweep(request);
    }
    free(m.dir);
    free(m.fs);
    free(m.scratch);
    return rc;
}

/* ---- opening ------------------------------------------------------------------------------------- */

static bool is_fresh(const asy_root_request *request, const asy_root_name *name)
{
    time_t now = time(NULL);
    return !request->refresh && name->made <= now && name->made + NAME_SECONDS > now;
}

static void say_kept(const asy_root_request *request, const asy_root_name *name,
                     const asy_error *why)
{
    char date[32] = "an unknown day";
    struct tm day;
    if (gmtime_r(&name->made, &day))
        strftime(date, sizeof(date), "%Y-%m-%d", &day);
    ASY_AUTO_FREE char *text = asy_asprintf(
        "the root could not be made anew (%s); using the one of %s", why->message, date);
    asy_root_say(request, text);
}

/* A new root when there is none that is fresh; an old one is better than nothing. */
static int open_locked(const asy_root_request *request, const char *suite, const char *key,
                       asy_root *out, asy_error *error)
{
    asy_root_name name;
    char digest[ASY_SHA256_HEX + 1];
    ASY_ERROR_AUTO why = ASY_ERROR_INIT;
    bool named = asy_root_name_read(request->cache_dir, key, &name);
    if (named && is_fresh(request, &name)) { /* made while we waited for the lock */
        int rc = asy_root_use_entry(request, name.digest, out, error);
        if (rc != ASY_E_NOT_FOUND)
            return rc;
    }
    int rc = make(request, suite, key, digest, &why);
    if (rc == ASY_OK)
        return asy_root_use_entry(request, digest, out, error);
    if (named && rc == ASY_E_INFRA &&
        asy_root_use_entry(request, name.digest, out, NULL) == ASY_OK) {
        say_kept(request, &name, &why);
        return ASY_OK;
    }
    if (error) {
        asy_error_clear(error);
        *error = why;
        why = (asy_error)ASY_ERROR_INIT;
    }
    return rc;
}

int asy_root_open_debian(const asy_root_request *request, const char *suite, asy_root *out,
                         asy_error *error)
{
    char key[ASY_SHA256_HEX + 1];
    asy_root_name name;
    if (!is_suite(suite)) {
        asy_error_set(error, ASY_E_USAGE, "\"%s\" is not the name of a suite", suite);
        return asy_error_hint(error, "write it as in debian:bookworm");
    }
    name_key(request, suite, key);
    if (asy_root_name_read(request->cache_dir, key, &name) && is_fresh(request, &name)) {
        int rc = asy_root_use_entry(request, name.digest, out, error);
        if (rc != ASY_E_NOT_FOUND)
            return rc;
        asy_error_clear(error);
    }
    ASY_AUTO_CLOSE int lock = -1;
    int rc = asy_root_lock(request, key, &lock, error);
    return rc < 0 ? rc : open_locked(request, suite, key, out, error);
}
