/* SPDX-License-Identifier: Apache-2.0 */
/* Files in and out: nothing half-written, nothing left behind, nothing opened that could block. */
#include "io/io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *fresh_dir(void)
{
    static char template[64];
    strcpy(template, "/tmp/assay-test-io.XXXXXX");
    cr_assert_not_null(mkdtemp(template));
    setenv("TMPDIR", template, 1);
    return template;
}

static void drop(const char *dir)
{
    cr_assert_eq(asy_remove_tree(AT_FDCWD, dir, NULL), ASY_OK);
    cr_assert_neq(access(dir, F_OK), 0);
}

Test(blob, spilled_and_small_data_read_back_the_same)
{
    static const size_t sizes[] = {
        0, 1, 4096, ASY_BLOB_SPILL, ASY_BLOB_SPILL + 1, 3 * ASY_BLOB_SPILL};
    for (size_t i = 0; i < ASY_COUNT(sizes); i++) {
        ASY_AUTO_FREE uint8_t *bytes = malloc(sizes[i] + 1);
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (uint8_t)(k * 31 + k / 997);
        asy_blob_writer *writer = asy_blob_writer_new(-1, UINT64_MAX);
        for (size_t at = 0; at < sizes[i]; at += 50000) {
            size_t left = sizes[i] - at;
            asy_span part = {bytes + at, left < 50000 ? left : 50000};
            cr_assert_eq(asy_blob_writer_add(writer, part, NULL), ASY_OK);
        }
        asy_blob *blob = NULL;
        cr_assert_eq(asy_blob_writer_finish(writer, &blob, NULL), ASY_OK);
        cr_assert(asy_span_eq(asy_blob_span(blob), (asy_span){bytes, sizes[i]}));
        asy_blob_unref(blob);
    }
}

Test(blob, the_limit_holds_to_the_byte)
{
    asy_blob_writer *writer = asy_blob_writer_new(-1, 10);
    cr_assert_eq(asy_blob_writer_add(writer, asy_span_str("0123456789"), NULL), ASY_OK);
    cr_assert_eq(asy_blob_writer_add(writer, asy_span_str("x"), NULL), ASY_E_LIMIT);
    asy_blob_writer_free(writer);
}

Test(file, a_fifo_or_a_device_is_refused_at_once)
{
    char *dir = fresh_dir();
    ASY_AUTO_FREE char *fifo = asy_path_join(dir, "fifo");
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    int fd = -1;
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    cr_assert_eq(asy_open_regular(fifo, &fd, &error), ASY_E_IO);
    cr_assert_str_eq(error.path, fifo);
    cr_assert_not_null(error.hint);
    cr_assert_eq(asy_open_regular("/dev/zero", &fd, NULL), ASY_E_IO);
    cr_assert_eq(asy_open_regular(dir, &fd, NULL), ASY_E_IO);
    drop(dir);
}

Test(file, a_written_file_is_whole_and_leaves_no_sibling)
{
    char *dir = fresh_dir();
    ASY_AUTO_FREE char *path = asy_path_join(dir, "report.json");
    cr_assert_eq(asy_write_file(path, asy_span_str("one"), 0640, NULL), ASY_OK);
    cr_assert_eq(asy_write_file(path, asy_span_str("two"), 0640, NULL), ASY_OK);
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    cr_assert_eq(asy_read_file(AT_FDCWD, path, 100, &text, NULL), ASY_OK);
    cr_assert_str_eq(text.ptr, "two");
    cr_assert_eq(asy_read_file(AT_FDCWD, path, 2, &text, NULL), ASY_E_LIMIT);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(rmdir(dir), 0, "nothing else lies in the folder");
}

Test(file, a_copy_keeps_mode_and_time)
{
    char *dir = fresh_dir();
    ASY_AUTO_FREE char *from = asy_path_join(dir, "a"), *to = asy_path_join(dir, "b");
    cr_assert_eq(asy_write_file(from, asy_span_str("content"), 0751, NULL), ASY_OK);
    struct timespec times[2] = {{1, 0}, {1234567890, 123456789}};
    cr_assert_eq(utimensat(AT_FDCWD, from, times, 0), 0);
    cr_assert_eq(asy_copy_file(from, to, NULL), ASY_OK);
    struct stat st;
    cr_assert_eq(stat(to, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0751u);
    cr_assert_eq(st.st_mtim.tv_sec, 1234567890);
    cr_assert_eq(st.st_mtim.tv_nsec, 123456789);
    drop(dir);
}

Test(file, removing_a_tree_does_not_follow_links)
{
    char *dir = fresh_dir();
    ASY_AUTO_FREE char *outside = asy_path_join(dir, "outside");
    ASY_AUTO_FREE char *kept = asy_path_join(dir, "outside/kept");
    ASY_AUTO_FREE char *inside = asy_path_join(dir, "tree/deep");
    ASY_AUTO_FREE char *tree = asy_path_join(dir, "tree");
    ASY_AUTO_FREE char *link = asy_path_join(dir, "tree/deep/link");
    cr_assert_eq(asy_make_dirs(outside, 0755, NULL), ASY_OK);
    cr_assert_eq(asy_make_dirs(inside, 0755, NULL), ASY_OK);
    cr_assert_eq(asy_write_file(kept, asy_span_str("x"), 0600, NULL), ASY_OK);
    cr_assert_eq(symlink(outside, link), 0);
    cr_assert_eq(chmod(inside, 0500), 0);
    cr_assert_eq(asy_remove_tree(AT_FDCWD, tree, NULL), ASY_OK);
    cr_assert_neq(access(tree, F_OK), 0);
    cr_assert_eq(access(kept, F_OK), 0);
    drop(dir);
}

Test(scratch, what_a_killed_run_left_is_removed_by_the_next)
{
    char *dir = fresh_dir();
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        asy_scratch *scratch = NULL;
        if (asy_scratch_new(&scratch, NULL) == ASY_OK)
            dprintf(ready[1], "%s", asy_scratch_path(scratch));
        close(ready[1]);
        pause();
        _exit(0);
    }
    close(ready[1]);
    char left[256] = "";
    cr_assert_gt(read(ready[0], left, sizeof(left) - 1), 0);
    asy_scratch *other = NULL;
    cr_assert_eq(asy_scratch_new(&other, NULL), ASY_OK);
    cr_assert_eq(access(left, F_OK), 0, "a living run keeps its folder");
    asy_scratch_free(other);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_assert_eq(asy_scratch_new(&other, NULL), ASY_OK);
    cr_assert_neq(access(left, F_OK), 0, "a dead run's folder goes");
    asy_scratch_free(other);
    drop(dir);
}
