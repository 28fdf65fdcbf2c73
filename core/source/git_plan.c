/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans a checkout: walks the trees of the commit and of its submodules, and refuses what could
 * lead out of dest, before anything is written.
 */
#include "source/git.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void asy_git_plan_free(asy_git_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->items[i].path);
    free(plan->items);
    for (size_t i = 0; i < plan->part_count; i++) {
        asy_part *part = &plan->parts[i];
        git_repository_free(part->attributes);
        git_odb_free(part->odb);
        git_repository_free(part->repository);
        asy_spec_free(&part->where);
        free(part->prefix);
    }
    free(plan->parts);
    *plan = (asy_git_plan){0};
}

static int check_name(const char *name, asy_error *error)
{
    if (*name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
        strcasecmp(name, ".git") != 0)
        return ASY_OK;
    ASY_BUF_AUTO shown = ASY_BUF_INIT;
    asy_buf_escape_str(&shown, name);
    return asy_error_set(error, ASY_E_FORMAT, "the tree holds a file named \"%s\"",
                         shown.ptr ? shown.ptr : "");
}

/* What one walk over a part needs. */
typedef struct walk {
    asy_job *job;
    asy_git_plan *plan;
    size_t part;
    git_index *attributes; /* its .gitattributes files */
    git_oid modules_id;    /* of .gitmodules */
    bool has_modules;
} walk;

static int add_item(walk *in, const char *path, const git_tree_entry *entry, asy_error *error)
{
    asy_git_plan *plan = in->plan;
    if (plan->count == ASY_SOURCE_ENTRIES_MAX)
        return asy_error_set(error, ASY_E_LIMIT, "more than %d files", ASY_SOURCE_ENTRIES_MAX);
    ASY_GROW(plan->items, plan->count, plan->capacity);
    plan->items[plan->count++] =
        (asy_item){.path = asy_asprintf("%s%s", plan->parts[in->part].prefix, path),
                   .id = *git_tree_entry_id(entry),
                   .mode = (uint32_t)git_tree_entry_filemode(entry),
                   .part = in->part};
    return ASY_OK;
}

/* Only regular files count: git takes neither file through a symlink. */
static int note_special(walk *in, const char *path, const git_tree_entry *entry, asy_error *error)
{
    const char *name = git_tree_entry_name(entry);
    git_index_entry file = {
        .path = path, .mode = GIT_FILEMODE_BLOB, .id = *git_tree_entry_id(entry)};
    if (strcmp(path, ".gitmodules") == 0) {
        in->modules_id = *git_tree_entry_id(entry);
        in->has_modules = true;
    }
    int rc = strcmp(name, ".gitattributes") == 0 ? git_index_add(in->attributes, &file) : 0;
    return rc < 0 ? asy_git_fail(error, rc, ASY_E_FORMAT, "cannot note %s", path) : ASY_OK;
}

static int walk_tree(walk *in, const git_oid *id, const char *prefix, unsigned depth,
                     asy_error *error);

static int walk_entry(walk *in, const git_tree_entry *entry, const char *prefix, unsigned depth,
                      asy_error *error)
{
    ASY_AUTO_FREE char *path = asy_asprintf("%s%s", prefix, git_tree_entry_name(entry));
    int rc = check_name(git_tree_entry_name(entry), error);
    if (rc == ASY_OK)
        rc = add_item(in, path, entry, error);
    if (rc < 0)
        return rc;
    switch (git_tree_entry_filemode(entry)) {
    case GIT_FILEMODE_TREE: {
        ASY_AUTO_FREE char *below = asy_asprintf("%s/", path);
        return walk_tree(in, git_tree_entry_id(entry), below, depth + 1, error);
    }
    case GIT_FILEMODE_BLOB:
    case GIT_FILEMODE_BLOB_EXECUTABLE:
        return note_special(in, path, entry, error);
    case GIT_FILEMODE_LINK:
    case GIT_FILEMODE_COMMIT:
        return ASY_OK;
    default:
        return asy_error_set(error, ASY_E_FORMAT, "%s has no mode that git knows", path);
    }
}

static int walk_tree(walk *in, const git_oid *id, const char *prefix, unsigned depth,
                     asy_error *error)
{
    const asy_part *part = &in->plan->parts[in->part];
    git_tree *tree = NULL;
    if (depth > ASY_SOURCE_DEPTH_MAX)
        return asy_error_set(error, ASY_E_LIMIT, "folders are nested more than %d deep",
                             ASY_SOURCE_DEPTH_MAX);
    int rc = git_tree_lookup(&tree, part->repository, id);
    if (rc < 0)
        return asy_git_fail(error, rc, rc == GIT_ENOTFOUND ? ASY_E_NOT_FOUND : ASY_E_MISMATCH,
                            "cannot read the tree %s", git_oid_tostr_s(id));
    asy_job_beat(in->job);
    rc = ASY_OK;
    for (size_t i = 0; i < git_tree_entrycount(tree) && rc == ASY_OK; i++)
        rc = walk_entry(in, git_tree_entry_byindex(tree, i), prefix, depth, error);
    git_tree_free(tree);
    return rc;
}

static void add_module(asy_source *out, const char *path, const char *url, const git_oid *commit)
{
    out->modules = asy_realloc_array(out->modules, out->module_count + 1, sizeof(*out->modules));
    out->modules[out->module_count++] =
        (asy_source_module){.path = asy_strdup(path),
                            .url = asy_strdup(url),
                            .commit = asy_strdup(git_oid_tostr_s(commit))};
}

/* Fetches a submodule and makes it a part of the plan. */
static int open_module(asy_job *job, asy_git_plan *plan, const asy_item *item, const char *url,
                       asy_error *error)
{
    asy_part part = {.nesting = plan->parts[item->part].nesting + 1};
    if (part.nesting > ASY_SOURCE_NESTING_MAX || plan->part_count > ASY_SOURCE_MODULES_MAX)
        return asy_error_set(error, ASY_E_LIMIT, "too many submodules");
    char id[GIT_OID_HEXSZ + 1];
    git_oid_tostr(id, sizeof(id), &item->id);
    int rc = asy_spec_submodule(&plan->parts[item->part].where, url, &part.where, error);
    if (rc < 0)
        return rc;
    rc = asy_git_obtain(job, &part.where, id, &part.repository, &part.rev, error);
    int failed = rc == ASY_OK ? git_repository_odb(&part.odb, part.repository) : 0;
    if (failed < 0)
        rc = asy_git_fail(error, failed, ASY_E_IO, "cannot open the object store");
    if (rc < 0) {
        git_repository_free(part.repository);
        asy_spec_free(&part.where);
        return rc;
    }
    part.prefix = asy_asprintf("%s/", item->path);
    add_module(job->out, item->path, part.where.location, &part.rev.commit);
    ASY_GROW(plan->parts, plan->part_count, plan->part_capacity);
    plan->parts[plan->part_count++] = part;
    return ASY_OK;
}

static int read_modules(const walk *in, asy_gitmodules *modules, asy_error *error)
{
    git_odb_object *object = NULL;
    if (!in->has_modules)
        return ASY_OK;
    int rc = asy_git_read(in->plan->parts[in->part].odb, &in->modules_id, &object, error);
    if (rc < 0)
        return rc;
    size_t size = git_odb_object_size(object);
    if (size <= ASY_SOURCE_TEXT_MAX)
        asy_gitmodules_parse((asy_span){git_odb_object_data(object), size}, modules);
    else
        rc = asy_error_set(error, ASY_E_LIMIT, ".gitmodules is too large");
    git_odb_object_free(object);
    return rc;
}

/* Opens the submodules among the items from `first` on. */
static int open_modules(walk *in, size_t first, asy_error *error)
{
    asy_gitmodules modules = {0};
    size_t prefix = strlen(in->plan->parts[in->part].prefix);
    int rc = read_modules(in, &modules, error);
    for (size_t i = first; i < in->plan->count && rc == ASY_OK; i++) {
        asy_item item = in->plan->items[i];
        if (item.mode != GIT_FILEMODE_COMMIT)
            continue;
        const asy_gitmodule *module = asy_gitmodules_find(&modules, item.path + prefix);
        if (!module)
            asy_job_say(in->job, true, "note: %s is a submodule without a URL; it stays empty",
                        item.path);
        if (!module || module->skip)
            continue;
        rc = open_module(in->job, in->plan, &item, module->url, error);
        if (rc < 0)
            asy_error_wrap(error, "submodule %s", item.path);
    }
    asy_gitmodules_free(&modules);
    return rc;
}

static int plan_part(walk *in, asy_error *error)
{
    size_t first = in->plan->count;
    const git_oid tree = in->plan->parts[in->part].rev.tree;
    int rc = walk_tree(in, &tree, "", 0, error);
    asy_part *part = &in->plan->parts[in->part];
    if (rc == ASY_OK && git_index_entrycount(in->attributes))
        rc = asy_attributes_open(part, in->attributes, error);
    if (rc < 0)
        return asy_git_blame(part->repository, part->where.kind == ASY_SPEC_URL, rc, error);
    return open_modules(in, first, error);
}

int asy_git_plan_make(asy_job *job, asy_git_plan *plan, asy_error *error)
{
    int rc = ASY_OK;
    /* Submodules are added at the end while this runs: each one after what it lies in. */
    for (size_t i = 0; i < plan->part_count && rc == ASY_OK; i++) {
        walk in = {.job = job, .plan = plan, .part = i};
        int failed = git_index_new(&in.attributes);
        rc = failed < 0 ? asy_git_fail(error, failed, ASY_E_IO, "cannot make an index")
                        : plan_part(&in, error);
        git_index_free(in.attributes);
    }
    return rc;
}
