/* SPDX-License-Identifier: Apache-2.0 */
/* Names, times and content hashes of a tarball's members; nothing is written anywhere. */
#include "source/internal.h"

#include "io/io.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 16, HARD_LINK = 'h' };

/* Turns on the one filter whose magic number the file starts with. */
static int choose_filter(struct archive *archive, int fd)
{
    static const struct {
        const char *magic;
        size_t len;
        int (*support)(struct archive *);
    } filters[] = {
        {"\x1f\x8b", 2, archive_read_support_filter_gzip}, /* RFC 1952 */
        {"BZh", 3, archive_read_support_filter_bzip2},
        {"\xfd"
         "7zXZ",
         6, archive_read_support_filter_xz}, /* with its NUL */
        {"\x5d\0\0", 3, archive_read_support_filter_lzma},
        {"LZIP", 4, archive_read_support_filter_lzip},
        {"\x28\xb5\x2f\xfd", 4, archive_read_support_filter_zstd}, /* RFC 8878 */
    };
    char head[8] = {0};
    ssize_t got = pread(fd, head, sizeof(head), 0);
    for (size_t i = 0; i < ASY_COUNT(filters); i++) {
        if (got >= (ssize_t)filters[i].len && memcmp(head, filters[i].magic, filters[i].len) == 0)
            return filters[i].support(archive);
    }
    return archive_read_support_filter_none(archive);
}

/* The path without ./ and slashes at the ends; NULL when it leads elsewhere or nowhere. */
static char *clean_path(const char *path)
{
    ASY_BUF_AUTO out = ASY_BUF_INIT;
    ASY_AUTO_FREE char *copy = asy_strdup(path);
    char *rest = copy;
    if (!path || *path == '/')
        return NULL;
    for (char *part = strsep(&rest, "/"); part; part = strsep(&rest, "/")) {
        if (strcmp(part, "..") == 0)
            return NULL;
        if (!*part || strcmp(part, ".") == 0)
            continue;
        asy_buf_printf(&out, "%s%s", out.len ? "/" : "", part);
    }
    return out.len ? asy_buf_take(&out) : NULL;
}

typedef struct reader {
    asy_job *job;
    struct archive *archive;
    asy_listing members; /* in the tarball's order and spelling */
    uint64_t total;
} reader;

static int fail_archive(struct archive *archive, asy_error *error)
{
    const char *text = archive_error_string(archive);
    return asy_error_set(error, ASY_E_FORMAT, "cannot read the tarball: %s",
                         text ? text : "unknown trouble");
}

static int hash_content(reader *in, asy_entry *entry, asy_error *error)
{
    uint8_t block[BLOCK];
    asy_hasher *hasher = asy_hasher_new();
    la_ssize_t got;
    while ((got = archive_read_data(in->archive, block, sizeof(block))) > 0) {
        asy_hasher_add(hasher, (asy_span){block, (size_t)got});
        asy_job_beat(in->job);
        in->total += (uint64_t)got;
        if (in->total > ASY_SOURCE_TOTAL_MAX)
            break;
    }
    entry->sha256 = asy_hasher_finish(hasher);
    if (got < 0)
        return fail_archive(in->archive, error);
    return got > 0 ? asy_error_set(error, ASY_E_LIMIT, "the tarball holds too much") : ASY_OK;
}

static int take_member(reader *in, struct archive_entry *member, asy_error *error)
{
    mode_t kind = archive_entry_filetype(member);
    const char *link = archive_entry_hardlink(member);
    ASY_AUTO_FREE char *path = clean_path(archive_entry_pathname(member));
    if (!path || (kind != AE_IFREG && kind != AE_IFLNK && kind != AE_IFDIR && !link))
        return ASY_OK;
    if (in->members.count == ASY_SOURCE_ENTRIES_MAX)
        return asy_error_set(error, ASY_E_LIMIT, "more than %d files", ASY_SOURCE_ENTRIES_MAX);
    char type = link ? HARD_LINK : kind == AE_IFDIR ? 'd' : kind == AE_IFLNK ? 'l' : 'f';
    asy_entry *entry = asy_listing_add(&in->members, path, type);
    entry->seconds = archive_entry_mtime(member);
    entry->nanoseconds = archive_entry_mtime_nsec(member);
    if (type == 'l')
        entry->target = asy_strdup(archive_entry_symlink(member));
    else if (link)
        entry->target = clean_path(link);
    return type == 'f' ? hash_content(in, entry, error) : ASY_OK;
}

static int read_members(reader *in, int fd, asy_error *error)
{
    struct archive_entry *member;
    if (choose_filter(in->archive, fd) < ARCHIVE_WARN ||
        archive_read_support_format_tar(in->archive) < ARCHIVE_WARN ||
        archive_read_open_fd(in->archive, fd, BLOCK) < ARCHIVE_WARN)
        return fail_archive(in->archive, error);
    for (;;) {
        int got = archive_read_next_header(in->archive, &member);
        if (got == ARCHIVE_EOF)
            return ASY_OK;
        if (got < ARCHIVE_WARN)
            return fail_archive(in->archive, error);
        int rc = take_member(in, member, error);
        if (rc < 0)
            return rc;
    }
}

/* The length of "top/" when everything lies in one folder, else 0. */
static size_t common_top(const asy_listing *members)
{
    size_t len = 0;
    for (size_t i = 0; i < members->count; i++) {
        const asy_entry *entry = &members->entries[i];
        size_t own = strcspn(entry->path, "/");
        bool inside = entry->path[own] == '/' || entry->type == 'd';
        if (!inside || (i && own != len) ||
            strncmp(entry->path, members->entries[0].path, own) != 0)
            return 0;
        len = own;
    }
    return len ? len + 1 : 0;
}

/* A hard link has the content of what it leads to. */
static const asy_entry *content_of(const asy_listing *members, const asy_entry *entry)
{
    if (entry->type != HARD_LINK)
        return entry;
    const asy_entry *target = entry->target ? asy_listing_find(members, entry->target) : NULL;
    return target && target->type == 'f' ? target : NULL;
}

static void hand_over(const asy_listing *members, bool strip, const char *under, asy_listing *out)
{
    size_t top = strip ? common_top(members) : 0;
    for (size_t i = 0; i < members->count; i++) {
        const asy_entry *from = &members->entries[i], *content = content_of(members, from);
        bool is_top = strlen(from->path) < top;
        if (!content || (is_top && !*under))
            continue;
        ASY_AUTO_FREE char *path = is_top ? asy_strndup(under, strlen(under) - 1)
                                          : asy_asprintf("%s%s", under, from->path + top);
        asy_entry *entry = asy_listing_add(out, path, content->type);
        entry->target = asy_strdup(content->target);
        entry->sha256 = content->sha256;
        entry->seconds = from->seconds;
        entry->nanoseconds = from->nanoseconds;
    }
}

int asy_tarball_list(asy_job *job, const char *path, bool strip, const char *under,
                     asy_listing *out, asy_error *error)
{
    ASY_AUTO_CLOSE int fd = -1;
    int rc = asy_open_regular(path, &fd, error);
    if (rc < 0)
        return rc;
    reader in = {.job = job, .archive = archive_read_new()};
    ASY_ASSERT(in.archive);
    rc = read_members(&in, fd, error);
    archive_read_free(in.archive);
    asy_listing_sort(&in.members);
    if (rc == ASY_OK)
        hand_over(&in.members, strip, under, out);
    else
        asy_error_path(error, path);
    asy_listing_free(&in.members);
    return rc;
}
