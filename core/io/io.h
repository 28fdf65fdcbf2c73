/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io: files in and out. Input files as blobs, scratch folders that vanish, outputs that appear
 * whole or not at all, the user's cache folder.
 */
#ifndef ASY_IO_H
#define ASY_IO_H

#include "base/base.h"
#include "base/buf.h"
#include "base/hash.h"

#include <sys/stat.h>

/* ---- blobs: bytes that a handler reads -------------------------------------------------------- */

/*
 * Immutable bytes with a reference count: a mapped file, or decoded data. Decoded data above
 * ASY_BLOB_SPILL bytes lives in an unlinked scratch file that is mapped, so that the kernel can
 * write it out when memory is short. Not for concurrent use without a lock around ref and unref.
 */
typedef struct asy_blob asy_blob;

enum { ASY_BLOB_SPILL = 1 << 20 };

/* Maps a regular file that is open for reading; the descriptor stays the caller's. */
int asy_blob_map(int fd, asy_blob **out, asy_error *error);
asy_span asy_blob_span(const asy_blob *blob);
asy_blob *asy_blob_ref(asy_blob *blob);
asy_blob *asy_blob_unref(asy_blob *blob); /* NULL is fine; returns NULL */

/* Builds a blob of a size not known before, at most `limit` bytes. */
typedef struct asy_blob_writer asy_blob_writer;
/* scratch_fd: a folder for spilled data, or -1 to use anonymous memory files. */
asy_blob_writer *asy_blob_writer_new(int scratch_fd, uint64_t limit);
/* ASY_E_LIMIT when the total would pass the limit, ASY_E_IO when scratch is full. */
int asy_blob_writer_add(asy_blob_writer *writer, asy_span bytes, asy_error *error);
uint64_t asy_blob_writer_size(const asy_blob_writer *writer);
/* Ends writing and gives the blob; frees the writer, also on failure. */
int asy_blob_writer_finish(asy_blob_writer *writer, asy_blob **out, asy_error *error);
asy_blob_writer *asy_blob_writer_free(asy_blob_writer *writer); /* gives up; returns NULL */

/* ---- files ------------------------------------------------------------------------------------ */

/* Opens a regular file for reading; a FIFO, device or socket is refused without blocking.
 * O_NOFOLLOW is not set: the user named the path. */
int asy_open_regular(const char *path, int *fd, asy_error *error);
/* Reads a whole file of at most `limit` bytes. dirfd as in openat(2). */
int asy_read_file(int dirfd, const char *path, uint64_t limit, asy_buf *out, asy_error *error);
/*
 * The same for a path below dirfd in a tree that is not ours: links, absolute ones too, are resolved
 * as if dirfd were the root, so that none leads out of it. ASY_E_NOT_FOUND when there is no such file.
 */
int asy_open_below(int dirfd, const char *path, int *fd, asy_error *error);
int asy_read_below(int dirfd, const char *path, uint64_t limit, asy_buf *out, asy_error *error);
/* Reads at most the last `limit` bytes of a regular file. */
int asy_read_tail(const char *path, uint64_t limit, asy_buf *out, asy_error *error);
/* Hashes a file from its start by reading, whatever its offset was; size may be NULL.
 * ASY_E_INTERRUPTED when a signal asks for the end meanwhile. */
int asy_sha256_of_fd(int fd, asy_sha256 *out, uint64_t *size, asy_error *error);
int asy_write_all(int fd, asy_span bytes, asy_error *error);
/* Writes beside the target and renames, so that readers see the old file or the new one. */
int asy_write_file(const char *path, asy_span bytes, mode_t mode, asy_error *error);
/* Copies a regular file with its permission bits and modification time; the target appears whole. */
int asy_copy_file(const char *from, const char *to, asy_error *error);
/* mkdir -p. */
int asy_make_dirs(const char *path, mode_t mode, asy_error *error);
/* Removes a tree without following links or leaving the file system; missing is fine. */
int asy_remove_tree(int dirfd, const char *name, asy_error *error);
/* dir + "/" + name, owned by the caller. */
char *asy_path_join(const char *dir, const char *name);
const char *asy_path_base(const char *path); /* after the last slash; borrowed */

/* ---- places ----------------------------------------------------------------------------------- */

/* $ASSAY_CACHE, else $XDG_CACHE_HOME/assay, else ~/.cache/assay; made when missing. */
int asy_cache_dir(char **path, asy_error *error);

/*
 * A private scratch folder under $TMPDIR or /tmp, held by a lock. Those left behind by a killed
 * assay of the same user (nobody holds their lock) are removed when the next one is made.
 */
typedef struct asy_scratch asy_scratch;
int asy_scratch_new(asy_scratch **out, asy_error *error);
const char *asy_scratch_path(const asy_scratch *scratch);
int asy_scratch_fd(const asy_scratch *scratch);
asy_scratch *asy_scratch_free(asy_scratch *scratch); /* removes the folder; returns NULL */
#define ASY_SCRATCH_AUTO __attribute__((cleanup(asy_scratch_cleanup))) asy_scratch *
void asy_scratch_cleanup(asy_scratch **scratch);

/* ---- waiting on people ------------------------------------------------------------------------ */

/* Set by the handlers that asy_signals_catch installs for SIGINT, SIGTERM and SIGHUP. */
void asy_signals_catch(void);
bool asy_interrupted(void);

/*
 * One line of progress on stderr when it is a terminal, redrawn in place, shown only once the work
 * has taken two seconds; nothing otherwise.
 */
typedef struct asy_progress asy_progress;
asy_progress *asy_progress_new(void);
void asy_progress_say(asy_progress *progress, const char *format, ...) ASY_PRINTF(2, 3);
asy_progress *asy_progress_free(asy_progress *progress); /* wipes the line; returns NULL */

#endif
