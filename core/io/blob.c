/* SPDX-License-Identifier: Apache-2.0 */
#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct asy_blob {
    asy_span span;
    unsigned refs;
    bool mapped; /* span is a mapping; else heap memory (or nothing, when empty) */
};

struct asy_blob_writer {
    asy_buf head; /* all bytes while they are few */
    int fd;       /* spill file, -1 while not spilled */
    int scratch_fd;
    uint64_t size, limit;
};

static asy_blob *blob_new(asy_span span, bool mapped)
{
    asy_blob *blob = asy_alloc(sizeof(*blob));
    *blob = (asy_blob){.span = span, .refs = 1, .mapped = mapped};
    return blob;
}

static int map_fd(int fd, uint64_t size, asy_blob **out, asy_error *error)
{
    if (size == 0) {
        *out = blob_new((asy_span){NULL, 0}, false);
        return ASY_OK;
    }
    void *ptr = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (ptr == MAP_FAILED)
        return asy_error_errno(error, ASY_E_IO, "cannot map %llu bytes", (unsigned long long)size);
    *out = blob_new((asy_span){ptr, size}, true);
    return ASY_OK;
}

int asy_blob_map(int fd, asy_blob **out, asy_error *error)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot stat");
    if (!S_ISREG(st.st_mode))
        return asy_error_set(error, ASY_E_IO, "not a regular file");
    return map_fd(fd, (uint64_t)st.st_size, out, error);
}

asy_span asy_blob_span(const asy_blob *blob)
{
    return blob->span;
}

asy_blob *asy_blob_ref(asy_blob *blob)
{
    blob->refs++;
    return blob;
}

asy_blob *asy_blob_unref(asy_blob *blob)
{
    if (blob && --blob->refs == 0) {
        if (blob->mapped)
            munmap((void *)blob->span.ptr, blob->span.len);
        else
            free((void *)blob->span.ptr);
        free(blob);
    }
    return NULL;
}

asy_blob_writer *asy_blob_writer_new(int scratch_fd, uint64_t limit)
{
    asy_blob_writer *writer = asy_alloc(sizeof(*writer));
    writer->fd = -1;
    writer->scratch_fd = scratch_fd;
    writer->limit = limit;
    return writer;
}

static int spill(asy_blob_writer *writer, asy_error *error)
{
    if (writer->scratch_fd >= 0)
        writer->fd = openat(writer->scratch_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    /* Some file systems, overlays among them, have no unnamed files: open(2), O_TMPFILE. */
    if (writer->fd < 0)
        writer->fd = memfd_create("assay-blob", MFD_CLOEXEC);
    if (writer->fd < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot make a scratch file");
    int rc = asy_write_all(writer->fd, asy_buf_span(&writer->head), error);
    asy_buf_free(&writer->head);
    return rc;
}

int asy_blob_writer_add(asy_blob_writer *writer, asy_span bytes, asy_error *error)
{
    uint64_t total;
    if (!asy_add_u64(writer->size, bytes.len, &total) || total > writer->limit)
        return asy_error_set(error, ASY_E_LIMIT, "decoded data is larger than %llu bytes",
                             (unsigned long long)writer->limit);
    if (writer->fd < 0 && total > ASY_BLOB_SPILL) {
        int rc = spill(writer, error);
        if (rc < 0)
            return rc;
    }
    writer->size = total;
    if (writer->fd >= 0)
        return asy_write_all(writer->fd, bytes, error);
    asy_buf_add_span(&writer->head, bytes);
    return ASY_OK;
}

uint64_t asy_blob_writer_size(const asy_blob_writer *writer)
{
    return writer->size;
}

int asy_blob_writer_finish(asy_blob_writer *writer, asy_blob **out, asy_error *error)
{
    int rc = ASY_OK;
    if (writer->fd >= 0) {
        rc = map_fd(writer->fd, writer->size, out, error);
    } else {
        asy_span bytes = asy_buf_span(&writer->head);
        writer->head = (asy_buf)ASY_BUF_INIT;
        *out = blob_new(bytes, false);
    }
    asy_blob_writer_free(writer);
    return rc;
}

asy_blob_writer *asy_blob_writer_free(asy_blob_writer *writer)
{
    if (writer) {
        asy_buf_free(&writer->head);
        if (writer->fd >= 0)
            close(writer->fd);
        free(writer);
    }
    return NULL;
}
