/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching over https and ssh. The libgit2 URL never holds a user name or a password. */
#include "source/git.h"

#include "io/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct session {
    asy_job *job;
    const asy_spec *where;
    unsigned tries; /* of credentials */
    char *trouble;  /* what a callback found, with its hint: libgit2 keeps only a code */
    const char *hint;
} session;

static int give_up(session *own, const char *trouble, const char *hint)
{
    free(own->trouble);
    own->trouble = asy_strdup(trouble);
    own->hint = hint;
    git_error_set_str(GIT_ERROR_CALLBACK, trouble);
    return GIT_EUSER;
}

/* ---- credentials ------------------------------------------------------------------------------- */

static const char *user_name(const session *own)
{
    return own->where->user && *own->where->user ? own->where->user : getenv("USER");
}

/* Whether somebody answers at $SSH_AUTH_SOCK; libgit2 gives up altogether when nobody does. */
static bool has_agent(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("SSH_AUTH_SOCK");
    if (!path || !*path || strlen(path) >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, path, strlen(path));
    ASY_AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* A key file without a passphrase. In the newer form (OpenSSH's PROTOCOL.key) the name of the
 * cipher comes first: "openssh-key-v1", NUL, 0 0 0 4, "none", shown here in base64. */
static bool is_open_key(const char *path)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    if (asy_read_file(AT_FDCWD, path, ASY_SOURCE_TEXT_MAX, &text, NULL) < 0 || !text.ptr)
        return false;
    bool locked = strstr(text.ptr, "BEGIN OPENSSH PRIVATE KEY")
                      ? !strstr(text.ptr, "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU")
                      : strstr(text.ptr, "ENCRYPTED") != NULL;
    explicit_bzero(text.ptr, text.len);
    return !locked;
}

/* The agent first, then the key files that ssh takes by itself; keys with a passphrase need the
 * agent. */
static int give_key(git_credential **out, session *own, const char *user)
{
    static const char *const names[] = {"id_ed25519", "id_ecdsa", "id_rsa"};
    ASY_AUTO_FREE char *home = asy_home();
    while (own->tries <= ASY_COUNT(names)) {
        unsigned turn = own->tries++;
        if (turn == 0 && has_agent())
            return git_credential_ssh_key_from_agent(out, user);
        if (turn == 0 || !home)
            continue;
        ASY_AUTO_FREE char *key = asy_asprintf("%s/.ssh/%s", home, names[turn - 1]);
        if (is_open_key(key))
            return git_credential_ssh_key_new(out, user, NULL, key, NULL);
    }
    return give_up(own, "the server takes none of your ssh keys",
                   "add your key to ssh-agent (ssh-add), or put an unencrypted one at "
                   "~/.ssh/id_ed25519");
}

static bool same_host(const char *url, const char *location)
{
    const char *host = strstr(url, "://"), *own = strstr(location, "://");
    if (!host || !own)
        return strcmp(url, location) == 0;
    size_t len = strcspn(own + 3, "/");
    return strncmp(host, own, len + 3) == 0 && strcspn(host + 3, "/") == len;
}

static int give_credential(git_credential **out, const char *url, const char *url_user,
                           unsigned allowed, void *payload)
{
    session *own = payload;
    const char *user = url_user ? url_user : user_name(own);
    if (allowed & GIT_CREDENTIAL_USERNAME)
        return git_credential_username_new(out, user ? user : "git");
    if (allowed & GIT_CREDENTIAL_SSH_KEY)
        return give_key(out, own, user ? user : "git");
    if ((allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) && own->where->user &&
        same_host(url, own->where->location) && own->tries++ == 0)
        return git_credential_userpass_plaintext_new(
            out, own->where->user, own->where->password ? own->where->password : "");
    return give_up(own, "the server wants a user name and a password",
                   "write them into the URL (they are not recorded), use ssh, or clone it yourself "
                   "and give PATH@REV; or does no such repository exist?");
}

/* ---- certificates and host keys ---------------------------------------------------------------- */

/* "name", or "[name]:port" for another port than 22, as known_hosts has it. */
static char *host_label(const asy_spec *where, const char *host)
{
    const char *mark = strstr(where->location, "://");
    if (!mark)
        return asy_strdup(host);
    ASY_AUTO_FREE char *authority = asy_strndup(mark + 3, strcspn(mark + 3, "/"));
    const char *colon = strrchr(authority, ':'), *bracket = strrchr(authority, ']');
    if (!colon || (bracket && colon < bracket) || strcmp(colon, ":22") == 0 || !colon[1])
        return asy_strdup(host);
    return asy_asprintf("[%s]%s", host, colon);
}

static asy_host_verdict look_up_host(const char *label, asy_span key)
{
    ASY_AUTO_FREE char *home = asy_home();
    ASY_AUTO_FREE char *own = home ? asy_path_join(home, ".ssh/known_hosts") : NULL;
    const char *const files[] = {own, "/etc/ssh/ssh_known_hosts"};
    asy_host_verdict verdict = ASY_HOST_UNKNOWN;
    for (size_t i = 0; i < ASY_COUNT(files); i++) {
        ASY_BUF_AUTO text = ASY_BUF_INIT;
        if (!files[i] || asy_read_file(AT_FDCWD, files[i], ASY_SOURCE_TEXT_MAX, &text, NULL) < 0)
            continue;
        asy_host_verdict found = asy_known_hosts_check(asy_buf_span(&text), label, key);
        if (found == ASY_HOST_REVOKED || (found == ASY_HOST_KNOWN && verdict != ASY_HOST_REVOKED) ||
            verdict == ASY_HOST_UNKNOWN)
            verdict = found;
    }
    return verdict;
}

static int check_host_key(session *own, const git_cert_hostkey *cert, const char *host)
{
    if (!(cert->type & GIT_CERT_SSH_RAW))
        return give_up(own, "the ssh library does not show the server's host key", NULL);
    ASY_AUTO_FREE char *label = host_label(own->where, host);
    asy_span key = {(const uint8_t *)cert->hostkey, cert->hostkey_len};
    ASY_AUTO_FREE char *trouble = NULL;
    switch (look_up_host(label, key)) {
    case ASY_HOST_KNOWN:
        return 0;
    case ASY_HOST_UNKNOWN:
        trouble = asy_asprintf("the host %s is not in ~/.ssh/known_hosts", label);
        return give_up(own, trouble,
                       "connect to it once with ssh and compare the fingerprint with "
                       "the one that its owner publishes");
    case ASY_HOST_REVOKED:
        trouble = asy_asprintf("the host key of %s is revoked in known_hosts", label);
        return give_up(own, trouble, "ask the owner of the host for its new key");
    case ASY_HOST_CHANGED:
        break;
    }
    trouble = asy_asprintf("the host key of %s is not the one in known_hosts: somebody may listen "
                           "in, or the host has a new key",
                           label);
    return give_up(own, trouble,
                   "ask the owner of the host, then put the new key into "
                   "~/.ssh/known_hosts");
}

static int check_certificate(git_cert *cert, int valid, const char *host, void *payload)
{
    session *own = payload;
    if (cert->cert_type == GIT_CERT_HOSTKEY_LIBSSH2)
        return check_host_key(own, (const git_cert_hostkey *)(const void *)cert, host);
    if (valid)
        return 0;
    ASY_AUTO_FREE char *trouble = asy_asprintf("the certificate of %s does not hold", host);
    return give_up(own, trouble,
                   "for an authority of your own set SSL_CERT_FILE to its "
                   "certificate");
}

/* ---- progress ---------------------------------------------------------------------------------- */

static int on_transfer(const git_indexer_progress *stats, void *payload)
{
    session *own = payload;
    if (stats->received_objects < stats->total_objects)
        asy_job_say(own->job, false, "fetching: %u of %u objects", stats->received_objects,
                    stats->total_objects);
    else
        asy_job_say(own->job, false, "fetching: %u of %u deltas", stats->indexed_deltas,
                    stats->total_deltas);
    return 0;
}

static int on_message(const char *text ASY_UNUSED, int len ASY_UNUSED, void *payload)
{
    session *own = payload;
    asy_job_beat(own->job);
    return 0;
}

/* ---- references -------------------------------------------------------------------------------- */

static bool is_kept(const char *name)
{
    return strncmp(name, "refs/heads/", 11) == 0 || strncmp(name, "refs/tags/", 10) == 0;
}

static const git_oid *find_head(const git_remote_head **heads, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(heads[i]->name, name) == 0)
            return &heads[i]->oid;
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const git_remote_head *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int compare_name(const void *name, const void *head)
{
    const git_remote_head *const *x = head;
    return strcmp(name, (*x)->name);
}

/* Removes the references that the server has no longer, so that the new ones find room. */
static int prune(git_repository *repository, const git_remote_head **sorted, size_t count)
{
    git_reference_iterator *walk = NULL;
    const char *name;
    asy_strings gone = {0};
    int rc = git_reference_iterator_new(&walk, repository);
    while (rc == 0 && (rc = git_reference_next_name(&name, walk)) == 0) {
        if (is_kept(name) && !bsearch(name, sorted, count, sizeof(*sorted), compare_name))
            asy_strings_add(&gone, name);
    }
    git_reference_iterator_free(walk);
    if (rc == GIT_ITEROVER)
        rc = 0;
    for (size_t i = 0; i < gone.count && rc == 0; i++)
        rc = git_reference_remove(repository, gone.items[i]);
    asy_strings_free(&gone);
    return rc;
}

static int set_reference(git_repository *repository, const char *name, const git_oid *id)
{
    git_oid now;
    git_reference *reference = NULL;
    int valid = 0;
    if (git_reference_name_is_valid(&valid, name) < 0 || !valid)
        return 0;
    if (git_reference_name_to_id(&now, repository, name) == 0 && git_oid_equal(&now, id))
        return 0;
    int rc = git_reference_create(&reference, repository, name, id, 1, NULL);
    git_reference_free(reference);
    return rc;
}

static int update_references(session *own, git_repository *repository, git_remote *remote)
{
    const git_remote_head **heads = NULL;
    size_t count = 0;
    int rc = git_remote_ls(&heads, &count, remote);
    if (rc < 0)
        return rc;
    const git_remote_head **sorted = asy_calloc(count + 1, sizeof(const git_remote_head *));
    for (size_t i = 0; i < count; i++)
        sorted[i] = heads[i];
    qsort(sorted, count, sizeof(*sorted), by_name);
    rc = prune(repository, sorted, count);
    for (size_t i = 0; i < count && rc == 0; i++) {
        asy_job_beat(own->job);
        if (is_kept(heads[i]->name))
            rc = set_reference(repository, heads[i]->name, &heads[i]->oid);
    }
    const git_oid *head = find_head(heads, count, "HEAD");
    if (rc == 0 && head)
        rc = set_reference(repository, "refs/assay/HEAD", head);
    free(sorted);
    return rc;
}

/* ---- fetching ---------------------------------------------------------------------------------- */

static void set_options(git_fetch_options *options, session *own)
{
    git_fetch_options_init(options, GIT_FETCH_OPTIONS_VERSION);
    options->download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE; /* the list below names them */
    options->update_fetchhead = 0;
    options->proxy_opts.type = GIT_PROXY_AUTO;
    options->callbacks.credentials = give_credential;
    options->callbacks.certificate_check = check_certificate;
    options->callbacks.transfer_progress = on_transfer;
    options->callbacks.sideband_progress = on_message;
    options->callbacks.payload = own;
}

static bool lacks(git_repository *repository, const char *id)
{
    git_oid oid;
    git_odb *odb = NULL;
    if (!id || git_oid_fromstr(&oid, id) < 0 || git_repository_odb(&odb, repository) < 0)
        return false;
    bool there = git_odb_exists(odb, &oid) != 0;
    git_odb_free(odb);
    return !there;
}

static int download(session *own, git_repository *repository, git_remote *remote, const char *id)
{
    char *names[] = {(char[]){"+refs/heads/*:refs/heads/*"}, (char[]){"+refs/tags/*:refs/tags/*"},
                     (char[]){"+HEAD:refs/assay/HEAD"}};
    git_strarray all = {.strings = names, .count = ASY_COUNT(names)};
    git_fetch_options options;
    set_options(&options, own);
    int rc = git_remote_download(remote, &all, &options);
    if (rc == 0)
        rc = update_references(own, repository, remote);
    if (rc < 0 || !lacks(repository, id))
        return rc;
    /* A commit that no branch or tag leads to; many servers give it when asked for by its id. */
    ASY_AUTO_FREE char *wish = asy_asprintf("+%s:refs/assay/%s", id, id);
    git_strarray one = {.strings = &wish, .count = 1};
    if (git_remote_download(remote, &one, &options) < 0)
        git_error_clear();
    return 0;
}

int asy_remote_fetch(asy_job *job, const asy_spec *where, git_repository *repository,
                     const char *id, asy_error *error)
{
    session own = {.job = job, .where = where};
    git_remote *remote = NULL;
    git_fetch_options options;
    set_options(&options, &own);
    asy_job_say(job, true, "fetching %s", where->location);
    int rc = git_remote_create_anonymous(&remote, repository, where->location);
    if (rc == 0)
        rc = git_remote_connect(remote, GIT_DIRECTION_FETCH, &options.callbacks,
                                &options.proxy_opts, NULL);
    if (rc == 0)
        rc = download(&own, repository, remote, id);
    if (rc < 0 && own.trouble)
        rc = asy_error_set(error, ASY_E_INFRA, "%s", own.trouble);
    else if (rc < 0)
        rc = asy_git_fail(error, rc, ASY_E_INFRA, "cannot fetch");
    if (rc < 0 && own.hint)
        asy_error_hint(error, "%s", own.hint);
    else if (rc < 0)
        asy_error_hint(error, "check the URL, the network and the server, then try again");
    free(own.trouble);
    git_remote_free(remote);
    return rc;
}
