/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share; nothing outside includes it. */
#ifndef ASY_ROOT_INNER_H
#define ASY_ROOT_INNER_H

#include "base/buf.h"
#include "base/hash.h"
#include "io/io.h"
#include "root/root.h"

#include <time.h>

/* ---- cache.c: locks, and entries that appear whole ---------------------------------------------- */

/* A lock on roots/lock-KEY, waited for; closing the descriptor gives it back. */
int asy_root_lock(const asy_root_request *request, const char *key, int *fd, asy_error *error);

/* An empty folder roots/tmp-KEY, what a killed run left there removed; for the holder of lock-KEY.
 * Folders in it that the sandbox writes to come from asy_root_make_inner. */
int asy_root_temporary(const asy_root_request *request, const char *key, char **path,
                       asy_error *error);

/* A new folder dir/name that belongs to root inside. */
int asy_root_make_inner(const asy_idmap *map, const char *dir, const char *name, char **path,
                        asy_error *error);

/* Removes a folder made by the two above with all that the sandbox wrote; a failure is left to the
 * next run. */
void asy_root_discard(const asy_root_request *request, const char *path);

/*
 * Makes the temporary folder the entry: writes record.json (the last piece, so that an entry with it
 * is whole), flushes the file system, renames. When the entry exists already, the temporary is
 * discarded.
 */
int asy_root_publish(const asy_root_request *request, const char *temporary, const char *entry,
                     asy_span record, asy_error *error);

/* roots/DIGEST. */
char *asy_root_entry(const asy_root_request *request, const char *digest);
/* True when the entry is whole. */
bool asy_root_entry_ready(const char *entry);
/* Holds an entry; ASY_E_NOT_FOUND when it does not exist. */
int asy_root_hold_entry(const char *entry, asy_root_hold **out, asy_error *error);
asy_root_hold *asy_root_hold_free(asy_root_hold *hold); /* returns NULL */

/* Removes the entries of debian: roots that no name leads to and nobody holds. */
void asy_root_sweep(const asy_root_request *request);

/* ---- record.c: the small JSON files of the cache ------------------------------------------------ */

typedef struct asy_root_name {
    char digest[ASY_SHA256_HEX + 1];
    time_t made;
} asy_root_name;

/* False when there is no such name, or it is not readable as one. */
bool asy_root_name_read(const char *cache_dir, const char *key, asy_root_name *out);
int asy_root_name_write(const char *cache_dir, const char *key, const asy_root_name *name,
                        asy_error *error);

/* record.json of a root: where it came from and the ids that its files belong to. */
void asy_root_record_write(const asy_root_request *request, const char *digest, asy_buf *out);
/* ASY_E_INFRA when its files belong to other ids than those of the map. */
int asy_root_record_check(const char *entry, const asy_idmap *map, asy_error *error);
bool asy_root_record_is_debian(const char *entry);

/* resolved/KEY.json: which layer the build dependencies with that key need. *layer is "" for none;
 * false when it is not known. */
bool asy_root_resolved_read(const char *entry, const char *key, char layer[ASY_SHA256_HEX + 1]);
int asy_root_resolved_write(const char *entry, const char *key, const char *layer,
                            asy_error *error);
void asy_root_layer_record(const char *root_digest, asy_span changes, asy_buf *out);

/* ---- step.c: one command in the sandbox --------------------------------------------------------- */

/*
 * Runs a spec as root of the sandbox, with limits and environment of this module, and gives what
 * it printed. `doing` is shown as progress. ASY_E_INFRA when it could not run or passed a limit.
 */
int asy_root_step(const asy_root_request *request, const asy_sandbox_spec *what, const char *doing,
                  asy_buf *printed, int *exit_code, asy_error *error);

/* ASY_E_INFRA with the text of the first line that starts with "E: ", or of the last line. */
int asy_root_step_failed(asy_error *error, const char *what, asy_span printed);

void asy_root_say(const asy_root_request *request, const char *text);

/* ---- the kinds of roots -------------------------------------------------------------------------- */

int asy_root_open_debian(const asy_root_request *request, const char *suite, asy_root *out,
                         asy_error *error);
int asy_root_open_archive(const asy_root_request *request, const char *file, asy_root *out,
                          asy_error *error);
int asy_root_open_folder(const asy_root_request *request, const char *folder, asy_root *out,
                         asy_error *error);

/* Fills out from an entry of the cache: holds it, sets digest and lower, reads the packages. */
int asy_root_use_entry(const asy_root_request *request, const char *digest, asy_root *out,
                       asy_error *error);
/* The same for a folder anywhere. */
int asy_root_use_folder(const char *folder, const char *digest, asy_root *out, asy_error *error);
/* Sets root->lower: `top` (or NULL) over `bottom`. */
void asy_root_set_lower(asy_root *root, const char *top, const char *bottom);

/* ---- listing.c ----------------------------------------------------------------------------------- */

/*
 * SHA-256 over a listing of the tree: for every entry, in byte order of names, folder by folder, its
 * type, permission bits, owner and group as seen inside, size, and the content's SHA-256 or the
 * link's target (docs/ARCHITECTURE.md). Times do not count. Other file systems mounted below are not
 * entered, as a sandbox does not show them either.
 */
int asy_root_listing_digest(const char *folder, const asy_idmap *map,
                            char digest[ASY_SHA256_HEX + 1], asy_error *error);

/* ---- packages.c ---------------------------------------------------------------------------------- */

/* Reads dpkg's list from the topmost lower folder that has one; an empty list when none has. */
int asy_root_read_packages(asy_root *root, asy_error *error);
void asy_root_free_packages(asy_root *root);
/* Parses var/lib/dpkg/status: the installed packages, sorted by name, then architecture. */
void asy_root_parse_status(asy_span text, asy_package **packages, size_t *count);

/* Takes the next line, without its end, off a text that is not empty. */
asy_span asy_root_next_line(asy_span *text);

/* ---- apt.c: what apt-get prints ------------------------------------------------------------------ */

/* The lines of a simulation that say what would change ("Inst", "Remv"), sorted, one a line. */
void asy_root_apt_changes(asy_span printed, asy_buf *out);
/* The package that cannot be installed, with apt's own words; false when it names none. */
bool asy_root_apt_unmet(asy_span printed, asy_buf *out);
/* A version has vanished from the archive since the lists were fetched. */
bool asy_root_apt_vanished(asy_span printed);

#endif
