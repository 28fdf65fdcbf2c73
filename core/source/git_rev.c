/* SPDX-License-Identifier: Apache-2.0 */
/* From a revision as people write it to one commit, or to the list of what it could mean. */
#include "source/git.h"

#include "base/buf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES_MAX = 64, SHORT_ID_LEAST = 4 };

typedef struct candidate {
    const char *kind;
    git_oid object, commit;
    char *name; /* of a reference; NULL for an object id */
} candidate;

typedef struct candidates {
    candidate items[CANDIDATES_MAX];
    size_t count;
} candidates;

static void free_candidates(candidates *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
}

/* Adds what an object leads to, when that is a commit. */
static int add_object(candidates *list, git_repository *repository, const git_oid *id,
                      const char *kind, const char *name, asy_error *error)
{
    git_object *object = NULL, *commit = NULL;
    int rc = git_object_lookup(&object, repository, id, GIT_OBJECT_ANY);
    if (rc < 0)
        return asy_git_fail(error, rc, rc == GIT_ENOTFOUND ? ASY_E_NOT_FOUND : ASY_E_MISMATCH,
                            "cannot read object %s", git_oid_tostr_s(id));
    if (git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0 && list->count < CANDIDATES_MAX) {
        bool annotated = git_object_type(object) == GIT_OBJECT_TAG;
        bool tag = !name || strcmp(kind, "tag") == 0;
        list->items[list->count++] = (candidate){.kind = annotated && tag ? "annotated tag" : kind,
                                                 .object = *id,
                                                 .commit = *git_object_id(commit),
                                                 .name = asy_strdup(name)};
    }
    git_object_free(commit);
    git_object_free(object);
    return ASY_OK;
}

static int add_reference(candidates *list, git_repository *repository, const char *name,
                         const char *kind, asy_error *error)
{
    git_reference *reference = NULL, *direct = NULL;
    int valid = 0;
    if (git_reference_name_is_valid(&valid, name) < 0 || !valid)
        return ASY_OK;
    int rc = git_reference_lookup(&reference, repository, name);
    if (rc == 0)
        rc = git_reference_resolve(&direct, reference);
    git_reference_free(reference);
    if (rc == GIT_ENOTFOUND)
        return ASY_OK;
    if (rc < 0)
        return asy_git_fail(error, rc, ASY_E_IO, "cannot read %s", name);
    rc = add_object(list, repository, git_reference_target(direct), kind, name, error);
    git_reference_free(direct);
    return rc;
}

typedef struct id_search {
    const char *prefix;
    size_t len;
    git_oid *ids;
    size_t count, capacity;
} id_search;

static int match_id(const git_oid *id, void *payload)
{
    id_search *search = payload;
    char hex[GIT_OID_HEXSZ + 1];
    git_oid_tostr(hex, sizeof(hex), id);
    if (strncmp(hex, search->prefix, search->len) != 0)
        return 0;
    ASY_GROW(search->ids, search->count, search->capacity);
    search->ids[search->count++] = *id;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    return git_oid_cmp(a, b);
}

/* Every object whose id starts with `prefix`; each once, though several packs may hold it. */
static int find_ids(git_odb *odb, id_search *search, asy_error *error)
{
    git_oid id, found;
    if (git_oid_fromstrn(&id, search->prefix, search->len) < 0)
        return ASY_OK;
    int rc = git_odb_exists_prefix(&found, odb, &id, search->len);
    if (rc == 0) {
        char hex[GIT_OID_HEXSZ + 1];
        git_oid_tostr(hex, sizeof(hex), &found);
        return match_id(&found, search);
    }
    if (rc != GIT_EAMBIGUOUS)
        return ASY_OK;
    rc = git_odb_foreach(odb, match_id, search);
    if (rc < 0)
        return asy_git_fail(error, rc, ASY_E_IO, "cannot list the objects");
    qsort(search->ids, search->count, sizeof(*search->ids), by_id);
    size_t kept = 0;
    for (size_t i = 0; i < search->count; i++) {
        if (kept == 0 || !git_oid_equal(&search->ids[kept - 1], &search->ids[i]))
            search->ids[kept++] = search->ids[i];
    }
    search->count = kept;
    return ASY_OK;
}

static int add_ids(candidates *list, git_repository *repository, const char *revision,
                   asy_error *error)
{
    char prefix[GIT_OID_HEXSZ + 1] = {0};
    size_t len = strlen(revision);
    if (len < SHORT_ID_LEAST || len > GIT_OID_HEXSZ)
        return ASY_OK;
    for (size_t i = 0; i < len; i++) {
        if (!isxdigit((unsigned char)revision[i]))
            return ASY_OK;
        prefix[i] = (char)tolower((unsigned char)revision[i]);
    }
    git_odb *odb = NULL;
    int rc = git_repository_odb(&odb, repository);
    if (rc < 0)
        return asy_git_fail(error, rc, ASY_E_IO, "cannot open the object store");
    id_search search = {.prefix = prefix, .len = len};
    rc = find_ids(odb, &search, error);
    for (size_t i = 0; i < search.count && rc == ASY_OK; i++)
        rc = add_object(list, repository, &search.ids[i], "commit", NULL, error);
    free(search.ids);
    git_odb_free(odb);
    return rc;
}

static int collect(candidates *list, git_repository *repository, const char *revision, bool cached,
                   asy_error *error)
{
    static const struct {
        const char *under, *kind;
        bool last_resort; /* looked at only when nothing else bears the name */
    } places[] = {{"refs/heads/", "branch", false},
                  {"refs/tags/", "tag", false},
                  {"refs/remotes/", "branch", true},
                  {"refs/remotes/origin/", "branch", true}};
    if (!revision || strcmp(revision, "HEAD") == 0)
        return add_reference(list, repository, cached ? "refs/assay/HEAD" : "HEAD", "HEAD", error);
    if (asy_spec_is_full_id(revision))
        return add_ids(list, repository, revision, error);
    if (strncmp(revision, "refs/", 5) == 0)
        return add_reference(list, repository, revision,
                             strncmp(revision, "refs/tags/", 10) == 0 ? "tag" : "branch", error);
    int rc = ASY_OK;
    for (size_t i = 0; i < ASY_COUNT(places) && rc == ASY_OK; i++) {
        if (places[i].last_resort && list->count)
            continue;
        ASY_AUTO_FREE char *name = asy_asprintf("%s%s", places[i].under, revision);
        rc = add_reference(list, repository, name, places[i].kind, error);
    }
    return rc < 0 ? rc : add_ids(list, repository, revision, error);
}

static int refuse_ambiguous(const candidates *list, const char *revision, asy_error *error)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    for (size_t i = 0; i < list->count; i++) {
        const candidate *item = &list->items[i];
        asy_buf_printf(&text, "%s%s ", i ? "; " : "", item->kind);
        if (item->name)
            asy_buf_printf(&text, "%s ", item->name);
        asy_buf_puts(&text, git_oid_tostr_s(&item->object));
        if (!git_oid_equal(&item->object, &item->commit))
            asy_buf_printf(&text, " (commit %s)", git_oid_tostr_s(&item->commit));
    }
    asy_error_set(error, ASY_E_NOT_FOUND, "revision \"%s\" is ambiguous: %s", revision, text.ptr);
    return asy_error_hint(error, "give the full id, or refs/heads/NAME or refs/tags/NAME");
}

static int take_commit(git_repository *repository, const candidate *item, asy_rev *out,
                       asy_error *error)
{
    git_commit *commit = NULL;
    int rc = git_commit_lookup(&commit, repository, &item->commit);
    if (rc < 0)
        return asy_git_fail(error, rc, ASY_E_MISMATCH, "cannot read commit %s",
                            git_oid_tostr_s(&item->commit));
    *out = (asy_rev){.commit = item->commit,
                     .tree = *git_commit_tree_id(commit),
                     .kind = item->kind,
                     .time = git_commit_time(commit),
                     .candidates = 1};
    git_commit_free(commit);
    return ASY_OK;
}

int asy_rev_find(git_repository *repository, const char *revision, bool cached, asy_rev *out,
                 asy_error *error)
{
    candidates list = {0};
    int rc = collect(&list, repository, revision, cached, error);
    *out = (asy_rev){.candidates = list.count};
    if (rc == ASY_OK && list.count > 1)
        rc = refuse_ambiguous(&list, revision ? revision : "HEAD", error);
    else if (rc == ASY_OK && list.count == 1)
        rc = take_commit(repository, &list.items[0], out, error);
    else if (rc == ASY_OK) {
        asy_error_set(error, ASY_E_NOT_FOUND, "there is no revision \"%s\"",
                      revision ? revision : "HEAD");
        rc = asy_error_hint(error, "give a branch, a tag, or an object id of at least %d digits",
                            SHORT_ID_LEAST);
    }
    free_candidates(&list);
    return rc;
}
