/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this module share. Nothing outside core/source includes it. */
#ifndef ASY_SOURCE_INTERNAL_H
#define ASY_SOURCE_INTERNAL_H

#include "source/source.h"
#include "source/spec.h"

enum {
    ASY_SOURCE_ENTRIES_MAX = 4000000, /* files and folders of one source */
    ASY_SOURCE_DEPTH_MAX = 256,       /* folders in folders */
    ASY_SOURCE_MODULES_MAX = 256,     /* submodules, those of submodules included */
    ASY_SOURCE_NESTING_MAX = 10,      /* submodules in submodules */
    ASY_SOURCE_TEXT_MAX = 4 << 20,    /* a .dsc, .gitmodules, known_hosts */
    ASY_SOURCE_STALL_SECONDS = 300    /* without a sign of life from a worker */
};
/* One file, and all files of one source together. */
#define ASY_SOURCE_FILE_MAX  (UINT64_C(4) << 30)
#define ASY_SOURCE_TOTAL_MAX (UINT64_C(64) << 30)

/* ---- jobs: one worker's task and its line to the parent ---------------------------------------- */

typedef struct asy_strings {
    char **items;
    size_t count, capacity;
} asy_strings;

void asy_strings_add(asy_strings *list, const char *text);
bool asy_strings_has(const asy_strings *list, const char *text);
void asy_strings_free(asy_strings *list);

typedef struct asy_job {
    const asy_spec *spec;
    const char *dest, *cache; /* absolute */
    const char *mtimes_from;  /* absolute, or NULL */
    bool refresh;
    asy_strings *repositories; /* folders that may be read as repositories */
    int dest_fd;
    int pipe;          /* to the parent */
    asy_source *out;   /* filled as facts become known */
    int64_t last_said; /* milliseconds; progress is thinned out */
} asy_job;

/* In the worker: progress for the person who waits. Thinned out unless `always`. */
void asy_job_say(asy_job *job, bool always, const char *format, ...) ASY_PRINTF(3, 4);
/* A sign of life. */
void asy_job_beat(asy_job *job);
/*
 * Ends the worker unless `repository` is among those that it may read; the parent then starts it
 * again with that folder added. To be called before anything is written to dest.
 */
void asy_job_need(asy_job *job, const char *repository);

/* Runs the job in a child process; fills job->out. */
int asy_source_worker_run(asy_job *job, void (*say)(void *context, const char *text), void *context,
                          asy_error *error);
/* What the child does: fetch, restore times, digest. */
int asy_job_do(asy_job *job, asy_error *error);

/*
 * Takes from this process what its job does not need, for good: files outside its folders
 * (Landlock), new programs and tracing (seccomp), new privileges, core files, unbounded memory.
 * What the kernel does not know is left out.
 */
int asy_job_confine(const asy_job *job, asy_error *error);

/* The record and the error as bytes, between worker and parent. */
void asy_wire_put_source(asy_buf *buf, const asy_source *source);
bool asy_wire_get_source(asy_span bytes, asy_source *source);
void asy_wire_put_error(asy_buf *buf, const asy_error *error);
bool asy_wire_get_error(asy_span bytes, asy_error *error);

/* The kinds of source. Each fills job->dest and job->out. */
int asy_git_source(asy_job *job, asy_error *error);
int asy_dsc_source(asy_job *job, asy_error *error);
int asy_dir_source(asy_job *job, asy_error *error);

/* Copies a regular file, following links, with its time and mode. The copy must be new. */
int asy_source_copy(asy_job *job, int from_dir, int into_dir, const char *name, asy_error *error);

/* $HOME, else the home of the effective user; owned by the caller; NULL when there is none. */
char *asy_home(void);

/* ---- listings: what a tree or a tarball holds -------------------------------------------------- */

typedef struct asy_entry {
    char *path;        /* relative, without ./ */
    char *target;      /* of a symlink */
    char type;         /* 'f' file, 'x' executable file, 'l' symlink, 'd' folder */
    asy_sha256 sha256; /* of a file */
    int64_t seconds;   /* the modification time */
    long nanoseconds;
} asy_entry;

typedef struct asy_listing {
    asy_entry *entries;
    size_t count, capacity;
} asy_listing;

asy_entry *asy_listing_add(asy_listing *listing, const char *path, char type);
/* Sorts by the bytes of the path; of several entries with one path only the last one stays. */
void asy_listing_sort(asy_listing *listing);
/* In a sorted listing; NULL when there is none. */
const asy_entry *asy_listing_find(const asy_listing *listing, const char *path);
void asy_listing_free(asy_listing *listing);

/* Lists what is below a folder, sorted, with content hashes. Calls asy_job_beat. */
int asy_listing_of_folder(asy_job *job, int dirfd, asy_listing *out, asy_error *error);
/* The digest of a listing, as asy_source.digest; its form is described in digest.c. */
asy_sha256 asy_listing_digest(const asy_listing *listing);
/* The latest time of a file or symlink; 0 when there is none. */
int64_t asy_listing_newest(const asy_listing *listing);

/* Adds what a tarball (plain, gzip, bzip2, xz, lzma, lzip or zstd) holds. `strip`: without the one
 * top folder, when everything lies in one. `under`: put before each path, with its slash, or "". */
int asy_tarball_list(asy_job *job, const char *path, bool strip, const char *under,
                     asy_listing *out, asy_error *error);

/* Sets times of what lies in dest from a tarball or .dsc. */
int asy_mtimes_restore(asy_job *job, asy_error *error);

/* ---- Debian source packages -------------------------------------------------------------------- */

typedef struct asy_dsc {
    char *package, *version;
    asy_source_file *files; /* what it names, in its order; not the .dsc itself */
    size_t count, capacity;
} asy_dsc;

/* Parses the text of a .dsc, signed or not; `dsc` starts as zeros. A signature is stepped over,
 * not checked. */
int asy_dsc_parse(asy_span text, asy_dsc *dsc, asy_error *error);
void asy_dsc_free(asy_dsc *dsc);
/* Lists the tarballs of the .dsc at `path` as dpkg-source lays them out. `all`: the upstream ones
 * too when there is a debian one. Checksums are not looked at here. Sorted. */
int asy_dsc_list(asy_job *job, const char *path, const asy_dsc *dsc, bool all, asy_listing *out,
                 asy_error *error);
/* Reads, parses and checks a .dsc and the files beside it; `sha256` is that of the .dsc. */
int asy_dsc_check(asy_job *job, const char *path, asy_dsc *dsc, asy_sha256 *sha256,
                  asy_error *error);

#endif
