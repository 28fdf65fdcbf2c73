/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which members record the times of others, or are compared with them by time when they are used:
 * beside one of them no time may be left out. The same table stands in docs/spec/steps.md.
 */
#include "formats/tar.h"

#include <ctype.h>
#include <string.h>

/* How a name ends, in lower case, after any suffix of a compression. */
static const char *const endings[] = {
    ".pyc",        ".pyo",        ".rpyc",                                  /* Python, Ren'Py */
    ".elc",                                                                 /* Emacs */
    ".fasl",       ".fas",        ".x86f",       ".lx64fsl",    ".dx64fsl", /* Lisp */
    ".ji",                                                                  /* Julia */
    ".zwc",                                                                 /* zsh */
    ".ali",        ".ppu",        ".mix",        /* Ada, Pascal, Haskell's coverage */
    ".gch",        ".pch",        ".pcm",        /* precompiled headers and modules */
    ".qmlc",       ".jsc",        ".jsa",        /* Qt, Java's class data archives */
    "mtree",       "ls-r",        "ls-lr",       /* listings */
    ".ninja_log",  ".ninja_deps", ".make.state", /* builds */
    "cvs/entries", "locatedb",    "locate.db",   "rpmdb.sqlite"};

/* What stands anywhere in a name, in lower case. */
static const char *const parts[] = {
    ".git/",    ".hg/",      ".svn/",      ".bzr/",    "_darcs/",      ".jj/",
    ".cache",   "_cache/",   "-cache/",    "ccache/",  ".tup/",        ".redo/",
    ".gradle/", ".sconsign", ".wafpickle", "lib/rpm/", "sysimage/rpm/"};

static const char *const compressions[] = {".gz", ".xz", ".zst", ".bz2", ".lzma",
                                           ".br", ".lz", ".z",   ".lz4"};

static bool ends(asy_span name, const char *lower)
{
    size_t len = strlen(lower);
    if (name.len < len)
        return false;
    const uint8_t *tail = name.ptr + (name.len - len);
    for (size_t i = 0; i < len; i++)
        if (tolower(tail[i]) != lower[i])
            return false;
    return true;
}

static bool holds(asy_span name, const char *lower)
{
    for (size_t len = name.len; len > 0; len--)
        if (ends((asy_span){name.ptr, len}, lower))
            return true;
    return false;
}

static asy_span without_compression(asy_span name)
{
    for (size_t i = 0; i < ASY_COUNT(compressions); i++)
        if (ends(name, compressions[i]))
            return asy_span_sub(name, 0, name.len - strlen(compressions[i]));
    return name;
}

/* Guile's compiled files are called as the sources of Go are; those that are text are the latter. */
static bool is_guile(const tar_scan *scan, const tar_entry *entry, asy_span name)
{
    if (!ends(name, ".go"))
        return false;
    asy_span content = asy_span_sub(scan->file, entry->data, entry->size);
    return name.len != entry->name.len ||
           asy_span_starts(content, "\x7f"
                                    "ELF") ||
           asy_span_starts(content, "GOOF");
}

static bool is_time_record(const tar_scan *scan, const tar_entry *entry)
{
    asy_span name = without_compression(entry->name);
    for (size_t i = 0; i < ASY_COUNT(endings); i++)
        if (ends(name, endings[i]))
            return true;
    for (size_t i = 0; i < ASY_COUNT(parts); i++)
        if (holds(entry->name, parts[i]))
            return true;
    return is_guile(scan, entry, name);
}

bool tar_records_times(const tar_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        if (is_time_record(scan, &scan->entries[i]))
            return true;
    return false;
}
