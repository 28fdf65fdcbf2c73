/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder as a synthetic node: one record for itself, and one for everything beneath it, at any depth, named by its
 * path from the folder; the entries of each folder by name bytes, each folder before what it holds.
 * Links are not followed and nothing but regular files is opened.
 */
#include "tree/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { LINK_MAX_BYTES = 1 << 16 };

typedef struct name_list {
    char **names;
    size_t count, capacity;
} name_list;

static void name_list_free(name_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
}

static int by_bytes(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int list_names(int fd, name_list *list, asy_error *error)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    if (!dir) {
        int rc = asy_error_errno(error, ASY_E_IO, "cannot list the folder");
        if (copy >= 0)
            close(copy);
        return rc;
    }
    struct dirent *entry;
    for (errno = 0; (entry = readdir(dir)); errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        ASY_GROW(list->names, list->count, list->capacity);
        list->names[list->count++] = asy_strdup(entry->d_name);
    }
    int failed = errno;
    closedir(dir);
    errno = failed;
    if (failed)
        return asy_error_errno(error, ASY_E_IO, "cannot list the folder");
    if (list->count)
        qsort(list->names, list->count, sizeof(char *), by_bytes);
    return ASY_OK;
}

static asy_type type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return ASY_TYPE_FILE;
    case S_IFDIR:
        return ASY_TYPE_DIR;
    case S_IFLNK:
        return ASY_TYPE_SYMLINK;
    case S_IFCHR:
        return ASY_TYPE_CHAR;
    case S_IFBLK:
        return ASY_TYPE_BLOCK;
    case S_IFIFO:
        return ASY_TYPE_FIFO;
    default:
        return ASY_TYPE_OTHER;
    }
}

static const char *const type_names[] = {[ASY_TYPE_FILE] = "file",
                                         [ASY_TYPE_DIR] = "directory",
                                         [ASY_TYPE_SYMLINK] = "symlink",
                                         [ASY_TYPE_HARDLINK] = "hard link",
                                         [ASY_TYPE_CHAR] = "character device",
                                         [ASY_TYPE_BLOCK] = "block device",
                                         [ASY_TYPE_FIFO] = "fifo",
                                         [ASY_TYPE_OTHER] = "other"};

static void say(asy_layout *layout, const char *region, const char *value)
{
    asy_layout_made(layout, asy_span_str(value), region, ASY_ROLE_STRUCT)->value = value;
}

static int read_link(asy_layout *layout, int fd, const char *name, asy_meta *meta, asy_error *error)
{
    ASY_AUTO_FREE char *target = asy_alloc(LINK_MAX_BYTES);
    ssize_t len = readlinkat(fd, name, target, LINK_MAX_BYTES);
    if (len < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot read the link");
    meta->link = asy_layout_copy(layout, (asy_span){(uint8_t *)target, (size_t)len});
    say(layout, "link", (const char *)meta->link.ptr);
    return ASY_OK;
}

/* Small files are copied, large ones mapped. */
static int load(asy_reader *reader, int fd, uint64_t size, asy_blob **out, asy_error *error)
{
    uint8_t block[1 << 14];
    if (size >= ASY_MAP_MIN)
        return asy_blob_map(fd, out, error);
    asy_blob_writer *writer = asy_blob_writer_new(reader->scratch_fd, UINT64_MAX);
    int rc = ASY_OK;
    for (;;) {
        ssize_t got = read(fd, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = asy_error_errno(error, ASY_E_IO, "cannot read");
        if (got > 0)
            rc = asy_blob_writer_add(writer, (asy_span){block, (size_t)got}, error);
        if (got <= 0 || rc < 0)
            break;
    }
    if (rc == ASY_OK)
        return asy_blob_writer_finish(writer, out, error);
    asy_blob_writer_free(writer);
    return rc;
}

static int add_file(asy_layout *layout, asy_node *child, int fd, const char *name, asy_error *error)
{
    struct stat st;
    asy_reader *reader = layout->reader;
    ASY_AUTO_CLOSE int file =
        openat(fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0 || fstat(file, &st) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot open");
    if (!S_ISREG(st.st_mode))
        return asy_error_set(error, ASY_E_IO, "it changed while it was read");
    if (st.st_size >= ASY_MAP_MIN && ++reader->maps > ASY_MAPS_MAX) {
        asy_layout_limit(layout, "maps", 0);
        return ASY_OK;
    }
    int rc = load(reader, file, (uint64_t)st.st_size, &child->blob, error);
    if (rc < 0)
        return rc;
    child->bytes = asy_blob_span(child->blob);
    return asy_reader_attributes(layout, file, error);
}

/* A member's node: read for a file; named and described for the rest. */
static int add_node(asy_layout *layout, int fd, const char *name, asy_span path,
                    const asy_meta *meta, asy_error *error)
{
    asy_reader *reader = layout->reader;
    asy_node *child = asy_reader_node(reader, layout->node, path, meta);
    asy_layout_adopt(layout, child);
    child->format = asy_format_by_name("bytes"); /* should opening fail */
    int rc = ASY_OK;
    if (meta->type == ASY_TYPE_FILE)
        rc = add_file(layout, child, fd, name, error);
    if (rc == ASY_OK) {
        reader->depth++;
        rc = asy_reader_read(reader, child, asy_span_str(name), error);
        reader->depth--;
    }
    if (child->bytes.len) {
        asy_region *region = asy_layout_made(layout, child->bytes, "content", ASY_ROLE_CONTENT);
        region->child = child;
    }
    return rc;
}

static int walk(asy_layout *layout, int fd, const char *prefix, unsigned depth, asy_error *error);

static int walk_into(asy_layout *layout, int fd, const char *name, const char *path, unsigned depth,
                     asy_error *error)
{
    if (depth >= ASY_WALK_DEPTH_MAX) {
        asy_layout_limit(layout, "depth", 0);
        return ASY_OK;
    }
    ASY_AUTO_CLOSE int inner =
        openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (inner < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot open the folder");
    int rc = asy_reader_attributes(layout, inner, error);
    return rc < 0 ? rc : walk(layout, inner, path, depth, error);
}

/* The mode, and the owner where the mode lends the owner's rights to whoever runs it. */
static void say_rights(asy_layout *layout, const struct stat *st, asy_meta *meta)
{
    meta->has_mode = true;
    meta->mode = (uint32_t)st->st_mode & 07777;
    say(layout, "mode", asy_layout_text(layout, "%04o", meta->mode));
    if (!(st->st_mode & (S_ISUID | S_ISGID)))
        return;
    say(layout, "uid", asy_layout_text(layout, "%u", (unsigned)st->st_uid));
    say(layout, "gid", asy_layout_text(layout, "%u", (unsigned)st->st_gid));
}

static int describe(asy_layout *layout, int fd, const char *name, const char *path,
                    const struct stat *st, asy_error *error)
{
    int rc = ASY_OK;
    asy_meta meta = {.type = type_of(st->st_mode)};
    asy_record *record = asy_layout_record(layout, asy_span_str(path));
    say(layout, "name", (const char *)record->key.ptr);
    say(layout, "type", type_names[meta.type]);
    if (meta.type == ASY_TYPE_SYMLINK) {
        rc = read_link(layout, fd, name, &meta, error);
    } else {
        say_rights(layout, st, &meta);
    }
    if (meta.type == ASY_TYPE_CHAR || meta.type == ASY_TYPE_BLOCK)
        say(layout, "device",
            asy_layout_text(layout, "%u,%u", major(st->st_rdev), minor(st->st_rdev)));
    return rc < 0 ? rc : add_node(layout, fd, name, asy_span_str(path), &meta, error);
}

static int walk_entry(asy_layout *layout, int fd, const char *name, const char *prefix,
                      unsigned depth, asy_error *error)
{
    struct stat st;
    ASY_AUTO_FREE char *path = prefix ? asy_path_join(prefix, name) : asy_strdup(name);
    if (!asy_layout_admit(layout, 0))
        return ASY_OK;
    int rc = ASY_OK;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        rc = asy_error_errno(error, ASY_E_IO, "cannot stat");
    if (rc == ASY_OK)
        rc = describe(layout, fd, name, path, &st, error);
    if (rc == ASY_OK && S_ISDIR(st.st_mode))
        rc = walk_into(layout, fd, name, path, depth + 1, error);
    if (rc < 0)
        asy_error_path(error, path);
    return rc;
}

static int walk(asy_layout *layout, int fd, const char *prefix, unsigned depth, asy_error *error)
{
    name_list list = {0};
    int rc = list_names(fd, &list, error);
    for (size_t i = 0; rc == ASY_OK && i < list.count && !layout->entries_hit; i++)
        rc = walk_entry(layout, fd, list.names[i], prefix, depth, error);
    name_list_free(&list);
    return rc;
}

/* The folder itself: a record without a key, as its name is not part of it. */
static int describe_top(asy_layout *layout, int fd, asy_error *error)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot stat");
    asy_layout_record(layout, (asy_span){NULL, 0});
    say_rights(layout, &st, &layout->node->meta);
    return asy_reader_attributes(layout, fd, error);
}

int asy_reader_directory(asy_reader *reader, asy_node *node, int fd, asy_error *error)
{
    asy_layout layout;
    asy_layout_init(&layout, reader, node, (asy_span){NULL, 0}, error);
    node->format = asy_format_by_name("directory");
    node->meta.type = ASY_TYPE_DIR;
    int rc = describe_top(&layout, fd, error);
    if (rc == ASY_OK)
        rc = walk(&layout, fd, NULL, 0, error);
    asy_layout_finish(&layout);
    node->sha256 = asy_node_listing(node);
    return rc;
}
