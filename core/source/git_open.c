/* SPDX-License-Identifier: Apache-2.0 */
#include "source/git.h"

#include <git2/sys/repository.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The variables that git and OpenSSL themselves know; else the store of Debian and others. */
static int set_authorities(void)
{
    const char *file = getenv("GIT_SSL_CAINFO");
    if (!file || !*file)
        file = getenv("SSL_CERT_FILE");
    if (!file || !*file)
        file = "/etc/ssl/certs/ca-certificates.crt";
    return access(file, R_OK) == 0
               ? git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, file, (char *)NULL)
               : 0;
}

int asy_git_start(asy_error *error)
{
    static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                                 GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};
    int rc = git_libgit2_init();
    for (size_t i = 0; i < ASY_COUNT(levels) && rc >= 0; i++)
        rc = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
    if (rc >= 0)
        rc = git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "");
    if (rc >= 0)
        rc = git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    /* Another user's repository is fine to read: none of its configuration or hooks is used. */
    if (rc >= 0)
        rc = git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    if (rc >= 0)
        rc = set_authorities();
    return rc < 0 ? asy_git_fail(error, rc, ASY_E_INFRA, "cannot start libgit2") : ASY_OK;
}

int asy_git_fail(asy_error *error, int rc, int code, const char *format, ...)
{
    const git_error *last = git_error_last();
    bool corrupt = rc == GIT_EMISMATCH || (last && last->klass == GIT_ERROR_ZLIB);
    va_list args;
    va_start(args, format);
    ASY_AUTO_FREE char *text = NULL;
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        text = NULL;
    asy_error_set(error, corrupt ? ASY_E_MISMATCH : code, "%s: %s", text ? text : "git",
                  last && last->message ? last->message : "unknown trouble");
    return corrupt ? ASY_E_MISMATCH : code;
}

int asy_git_forget_config(git_repository *repository, asy_error *error)
{
    git_config *config = NULL;
    int rc = git_config_new(&config);
    if (rc == 0)
        rc = git_repository_set_config(repository, config);
    git_config_free(config);
    return rc < 0 ? asy_git_fail(error, rc, ASY_E_IO, "cannot set up a repository") : ASY_OK;
}

int asy_git_open(const char *path, git_repository **out, asy_error *error)
{
    git_repository *repository = NULL;
    int rc = git_repository_open_ext(&repository, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
    if (rc < 0) {
        asy_git_fail(error, rc, rc == GIT_ENOTFOUND ? ASY_E_NOT_FOUND : ASY_E_IO,
                     "cannot open the git repository");
        return asy_error_path(error, path);
    }
    rc = asy_git_forget_config(repository, error);
    if (rc < 0) {
        git_repository_free(repository);
        return rc;
    }
    *out = repository;
    return ASY_OK;
}

int asy_git_read(git_odb *odb, const git_oid *id, git_odb_object **out, asy_error *error)
{
    git_odb_object *object = NULL;
    git_oid real;
    int rc = git_odb_read(&object, odb, id);
    if (rc < 0) {
        /* What is listed but cannot be decoded is as corrupt as what has another id. */
        bool lacking = rc == GIT_ENOTFOUND;
        return asy_git_fail(error, rc, lacking ? ASY_E_NOT_FOUND : ASY_E_MISMATCH, "object %s %s",
                            git_oid_tostr_s(id), lacking ? "is missing" : "is corrupt");
    }
    rc = git_odb_hash(&real, git_odb_object_data(object), git_odb_object_size(object),
                      git_odb_object_type(object));
    if (rc < 0 || !git_oid_equal(&real, id)) {
        git_odb_object_free(object);
        return asy_error_set(error, ASY_E_MISMATCH, "object %s is corrupt: its content has id %s",
                             git_oid_tostr_s(id), rc < 0 ? "?" : git_oid_tostr_s(&real));
    }
    *out = object;
    return ASY_OK;
}

int asy_git_blame(git_repository *repository, bool cached, int rc, asy_error *error)
{
    const char *path = git_repository_path(repository);
    if (rc == ASY_E_MISMATCH && cached)
        asy_error_hint(error, "the cache is damaged: remove %s to fetch it again", path);
    else if (rc == ASY_E_MISMATCH)
        asy_error_hint(error, "the repository is damaged: git -C %s fsck says more", path);
    return rc;
}
