/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes of a file or folder on disk that change what it may do or say: capabilities
 * and access lists (capabilities(7), acl(5)), and what users attach. The rest (labels of security
 * modules, marks of overlays) belongs to the machine.
 */
#include "tree/reader.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

enum { SHOWN_MAX = 64 }; /* bytes of a value that are shown as they are */

static bool matters(const char *name)
{
    return strcmp(name, "security.capability") == 0 ||
           strcmp(name, "system.posix_acl_access") == 0 ||
           strcmp(name, "system.posix_acl_default") == 0 || strncmp(name, "user.", 5) == 0;
}

static int by_bytes(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Points into `list`, sorted, so that the order on disk makes no difference. */
static size_t pick(char *list, size_t len, char **names)
{
    size_t count = 0;
    for (size_t at = 0; at < len; at += strlen(list + at) + 1)
        if (matters(list + at))
            names[count++] = list + at;
    if (count)
        qsort(names, count, sizeof(char *), by_bytes);
    return count;
}

/* In hexadecimal; of a long one the hash, so that two that differ look different. */
static const char *shown(asy_layout *layout, asy_span value)
{
    char hex[2 * SHOWN_MAX + 1] = "";
    asy_sha256 hash;
    bool whole = value.len <= SHOWN_MAX;
    asy_span bytes = value;
    if (!whole) {
        hash = asy_sha256_of(value);
        bytes = (asy_span){hash.bytes, sizeof(hash.bytes)};
    }
    for (size_t i = 0; i < bytes.len; i++) {
        hex[2 * i] = "0123456789abcdef"[bytes.ptr[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[bytes.ptr[i] & 15];
    }
    return whole ? asy_layout_text(layout, "%s", hex)
                 : asy_layout_text(layout, "%zu bytes, SHA-256 %s", value.len, hex);
}

static int add_attribute(asy_layout *layout, int fd, const char *name, uint8_t *room,
                         asy_error *error)
{
    ssize_t len = fgetxattr(fd, name, room, XATTR_SIZE_MAX);
    if (len < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot read an extended attribute");
    asy_span value = asy_layout_copy(layout, (asy_span){room, (size_t)len});
    asy_layout_made(layout, value, asy_layout_text(layout, "xattr.%s", name), ASY_ROLE_STRUCT)
        ->value = shown(layout, value);
    return ASY_OK;
}

static int add_all(asy_layout *layout, int fd, char *list, size_t len, asy_error *error)
{
    ASY_AUTO_FREE char **names = asy_calloc(len, sizeof(char *));
    ASY_AUTO_FREE uint8_t *room = asy_alloc(XATTR_SIZE_MAX);
    size_t count = pick(list, len, names);
    int rc = ASY_OK;
    for (size_t i = 0; rc == ASY_OK && i < count; i++)
        rc = add_attribute(layout, fd, names[i], room, error);
    return rc;
}

int asy_reader_attributes(asy_layout *layout, int fd, asy_error *error)
{
    ssize_t len = flistxattr(fd, NULL, 0);
    if (len == 0 || (len < 0 && errno == ENOTSUP))
        return ASY_OK;
    if (len > 0) {
        ASY_AUTO_FREE char *list = asy_alloc(XATTR_LIST_MAX);
        len = flistxattr(fd, list, XATTR_LIST_MAX);
        if (len >= 0)
            return len ? add_all(layout, fd, list, (size_t)len, error) : ASY_OK;
    }
    return asy_error_errno(error, ASY_E_IO, "cannot list the extended attributes");
}
