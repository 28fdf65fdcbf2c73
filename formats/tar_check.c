/* SPDX-License-Identifier: Apache-2.0 */
/* A second opinion: libarchive lists the same archive, and a disagreement is a finding. */
#include "formats/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

static mode_t file_type(const tar_entry *entry)
{
    switch (entry->type) {
    case ASY_TYPE_DIR:
        return AE_IFDIR;
    case ASY_TYPE_SYMLINK:
        return AE_IFLNK;
    case ASY_TYPE_CHAR:
        return AE_IFCHR;
    case ASY_TYPE_BLOCK:
        return AE_IFBLK;
    case ASY_TYPE_FIFO:
        return AE_IFIFO;
    default:
        return AE_IFREG;
    }
}

static bool is_ascii(asy_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] >= 0x7f)
            return false;
    return true;
}

/* What libarchive gives for names beyond ASCII depends on the locale, so those are not compared. */
static bool same_name(asy_span name, const char *theirs)
{
    if (!is_ascii(name))
        return true;
    asy_span other = asy_span_str(theirs);
    while (name.len && name.ptr[name.len - 1] == '/')
        name.len--;
    while (other.len && other.ptr[other.len - 1] == '/')
        other.len--;
    return asy_span_eq(name, other);
}

static const char *disagreement(const tar_entry *ours, struct archive_entry *theirs)
{
    const char *link = archive_entry_hardlink(theirs);
    if (!same_name(ours->name, archive_entry_pathname(theirs)))
        return "name";
    if ((ours->type == ASY_TYPE_HARDLINK) != (link != NULL))
        return "type";
    if (link)
        return same_name(ours->link, link) ? NULL : "link target";
    if (ours->type != ASY_TYPE_OTHER && file_type(ours) != archive_entry_filetype(theirs))
        return "type";
    if (ours->type == ASY_TYPE_SYMLINK && !same_name(ours->link, archive_entry_symlink(theirs)))
        return "link target";
    if (!ours->sparse && ours->size != (uint64_t)archive_entry_size(theirs))
        return "size";
    return NULL;
}

static bool differ(const tar_scan *scan, uint64_t offset, const char *what)
{
    asy_layout_notable(scan->layout, offset, 0, NULL, "another reader sees %s here", what);
    return false;
}

static bool compare(const tar_scan *scan, struct archive *archive)
{
    struct archive_entry *theirs;
    for (size_t i = 0; i < scan->count; i++) {
        const tar_entry *ours = &scan->entries[i];
        if (ours->global)
            continue;
        int rc = archive_read_next_header(archive, &theirs);
        if (rc == ARCHIVE_EOF)
            return differ(scan, ours->start, "the end of the archive");
        if (rc < ARCHIVE_WARN)
            return differ(scan, ours->start, "a damaged header");
        const char *what = disagreement(ours, theirs);
        if (what)
            return differ(scan, ours->start, asy_layout_text(scan->layout, "a different %s", what));
    }
    return archive_read_next_header(archive, &theirs) == ARCHIVE_EOF ||
           differ(scan, scan->end, "further members");
}

bool tar_check_listing(const tar_scan *scan)
{
    struct archive *archive = archive_read_new();
    ASY_ASSERT(archive && archive_read_support_format_tar(archive) == ARCHIVE_OK);
    bool same = true;
    if (scan->count && archive_read_open_memory(archive, scan->file.ptr, scan->end) == ARCHIVE_OK)
        same = compare(scan, archive);
    else if (scan->count)
        same = differ(scan, 0, "no archive");
    archive_read_free(archive);
    return same;
}
