/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side: open, start the worker, wait. */
#include "diff/diff.h"
#include "diff/wire.h"

#include "io/io.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A regular file or a folder; anything else is refused without being waited for. */
static int open_side(const char *path, bool *is_folder, int *out, asy_error *error)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        asy_error_errno(error, errno == ENOENT ? ASY_E_NOT_FOUND : ASY_E_IO, "cannot open");
        return asy_error_path(error, path);
    }
    *is_folder = S_ISDIR(st.st_mode);
    if (!*is_folder)
        return asy_open_regular(path, out, error);
    *out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0) {
        asy_error_errno(error, ASY_E_IO, "cannot open the folder");
        return asy_error_path(error, path);
    }
    return ASY_OK;
}

static int open_sides(const asy_diff_request *request, int *left, int *right, asy_error *error)
{
    bool left_folder = false, right_folder = false;
    int rc = open_side(request->left, &left_folder, left, error);
    if (rc == ASY_OK)
        rc = open_side(request->right, &right_folder, right, error);
    if (rc < 0 || left_folder == right_folder)
        return rc;
    asy_error_set(error, ASY_E_USAGE, "a folder cannot be compared with a file");
    asy_error_path(error, left_folder ? request->right : request->left);
    return asy_error_hint(error, "give two files or two folders; %s is a folder",
                          left_folder ? request->left : request->right);
}

static void spell_flags(const asy_diff_request *request, char flags[4])
{
    if (request->verbose)
        *flags++ = WIRE_FLAG_VERBOSE;
    if (request->color)
        *flags++ = WIRE_FLAG_COLOR;
    if (request->allow_hidden)
        *flags++ = WIRE_FLAG_HIDDEN;
    *flags = '\0';
}

static int run_worker(const asy_diff_request *request, int left, int right, int scratch,
                      int error_fd, int *exit_code, asy_error *error)
{
    char flags[4];
    size_t count = request->output_count;
    ASY_AUTO_FREE const char **words = asy_calloc(WORD_FORMATS + count + 1, sizeof(*words));
    ASY_AUTO_FREE int *fds = asy_calloc(WIRE_OUTPUTS + count, sizeof(*fds));
    spell_flags(request, flags);
    words[WORD_DIFF] = "diff";
    words[WORD_LEFT] = request->left;
    words[WORD_RIGHT] = request->right;
    words[WORD_ACCEPT] = asy_verdict_name(request->accept);
    words[WORD_FLAGS] = flags;
    const int first[] = {left, right, scratch, error_fd};
    memcpy(fds, first, sizeof(first));
    for (size_t i = 0; i < count; i++) {
        words[WORD_FORMATS + i] = request->outputs[i].format;
        fds[ASY_COUNT(first) + i] = request->outputs[i].fd;
    }
    return asy_worker_run(words, fds, ASY_COUNT(first) + count, -1, exit_code, error);
}

int asy_diff_run(const asy_diff_request *request, int *exit_code, asy_error *error)
{
    ASY_AUTO_CLOSE int left = -1;
    ASY_AUTO_CLOSE int right = -1;
    int rc = open_sides(request, &left, &right, error);
    if (rc < 0)
        return rc;
    ASY_SCRATCH_AUTO scratch = NULL;
    rc = asy_scratch_new(&scratch, error);
    if (rc < 0)
        return rc;
    ASY_AUTO_CLOSE int error_fd = memfd_create("assay-error", MFD_CLOEXEC);
    if (error_fd < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make a memory file");
    rc = run_worker(request, left, right, asy_scratch_fd(scratch), error_fd, exit_code, error);
    if (rc == ASY_OK && *exit_code == WIRE_EXIT_ERROR)
        rc = asy_wire_receive_error(error_fd, error);
    else if (rc == ASY_OK && (*exit_code < 0 || *exit_code > 2))
        rc = asy_error_set(error, ASY_E_INFRA, "the reader ended with code %d", *exit_code);
    return rc;
}
