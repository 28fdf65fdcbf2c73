/* SPDX-License-Identifier: Apache-2.0 */
/* tar:FILE, unpacked by tar inside the sandbox; dir:DIR, used as it is. */
#include "root/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INSIDE_ROOT "/making/fs"
#define INSIDE_FILE "/making/root.tar"

static int run_tar(const asy_root_request *request, const char *file, const char *fs,
                   asy_error *error)
{
    const asy_sandbox_bind binds[] = {{fs, INSIDE_ROOT, true}, {file, INSIDE_FILE, false}};
    /* Device nodes cannot be made in a user namespace; the sandbox has its own /dev. */
    const char *const argv[] = {"/usr/bin/tar",        "--extract",
                                "--file=" INSIDE_FILE, "--directory=" INSIDE_ROOT,
                                "--numeric-owner",     "--same-owner",
                                "--same-permissions",  "--exclude=./dev/*",
                                "--exclude=dev/*",     NULL};
    asy_sandbox_spec spec = {.binds = binds, .bind_count = ASY_COUNT(binds), .argv = argv};
    ASY_BUF_AUTO printed = ASY_BUF_INIT;
    int status = 0;
    int rc = asy_root_step(request, &spec, "unpacking the root", &printed, &status, error);
    if (rc < 0 || status == 0)
        return rc;
    asy_root_step_failed(error, "tar", asy_buf_span(&printed));
    asy_error_path(error, file);
    return asy_error_hint(error, "it must be a tar archive that everybody may read, with owners "
                                 "below 65536");
}

static int unpack(const asy_root_request *request, const char *file, const char *digest,
                  asy_error *error)
{
    ASY_AUTO_FREE char *dir = NULL, *fs = NULL;
    ASY_BUF_AUTO record = ASY_BUF_INIT;
    ASY_AUTO_FREE char *entry = asy_root_entry(request, digest);
    int rc = asy_root_temporary(request, digest, &dir, error);
    if (rc < 0)
        return rc;
    rc = asy_root_make_inner(request->map, dir, "fs", &fs, error);
    if (rc == ASY_OK)
        rc = run_tar(request, file, fs, error);
    asy_root_record_write(request, digest, &record);
    if (rc == ASY_OK)
        rc = asy_root_publish(request, dir, entry, asy_buf_span(&record), error);
    asy_root_discard(request, dir);
    return rc;
}

int asy_root_open_archive(const asy_root_request *request, const char *file, asy_root *out,
                          asy_error *error)
{
    char digest[ASY_SHA256_HEX + 1];
    asy_sha256 hash;
    uint64_t size;
    ASY_AUTO_CLOSE int fd = -1;
    ASY_AUTO_CLOSE int lock = -1;
    ASY_AUTO_FREE char *real = realpath(file, NULL);
    int rc = asy_open_regular(file, &fd, error);
    if (rc == ASY_OK)
        rc = asy_sha256_of_fd(fd, &hash, &size, error);
    if (rc < 0)
        return rc;
    asy_sha256_hex(&hash, digest);
    ASY_AUTO_FREE char *entry = asy_root_entry(request, digest);
    if (!asy_root_entry_ready(entry)) {
        rc = asy_root_lock(request, digest, &lock, error);
        if (rc == ASY_OK && !asy_root_entry_ready(entry))
            rc = unpack(request, real, digest, error);
        if (rc < 0)
            return rc;
    }
    return asy_root_use_entry(request, digest, out, error);
}

int asy_root_open_folder(const asy_root_request *request, const char *folder, asy_root *out,
                         asy_error *error)
{
    char digest[ASY_SHA256_HEX + 1];
    ASY_AUTO_FREE char *real = realpath(folder, NULL);
    if (!real) {
        asy_error_errno(error, errno == ENOENT ? ASY_E_NOT_FOUND : ASY_E_IO, "cannot open");
        return asy_error_path(error, folder);
    }
    asy_root_say(request, "reading the root");
    int rc = asy_root_listing_digest(real, request->map, digest, error);
    return rc < 0 ? rc : asy_root_use_folder(real, digest, out, error);
}
