/* SPDX-License-Identifier: Apache-2.0 */
#include "build/build.h"

#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_SECONDS = 7200, DEFAULT_PROCESSES = 4096 };

asy_sandbox_limits asy_build_default_limits(void)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return (asy_sandbox_limits){.seconds = DEFAULT_SECONDS,
                                .memory = memory / 4 * 3,
                                .processes = DEFAULT_PROCESSES,
                                .disk = memory / 2};
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One run, with what its stages hand on. */
typedef struct run {
    const asy_build_request *request;
    asy_build *build;
    char *cache_dir;
    asy_scratch *scratch;
    char *source_dir, *collect_dir;
    int source_fd, log_fd, out_fd;
    asy_idmap map;
    double started;
} run;

static void say(const run *r, const char *text)
{
    if (r->request->say)
        r->request->say(r->request->context, text);
}

static char *make_dir(const run *r, const char *name, asy_error *error)
{
    char *path = asy_path_join(asy_scratch_path(r->scratch), name);
    if (asy_make_dirs(path, 0755, error) < 0) {
        free(path);
        return NULL;
    }
    return path;
}

static bool is_empty(int fd)
{
    size_t entries = 0;
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    while (dir && readdir(dir))
        entries++;
    if (dir)
        closedir(dir);
    return entries == 2;
}

/* True when `path` is `folder` or lies in it. */
static bool lies_in(const char *path, const char *folder)
{
    char inner[PATH_MAX], outer[PATH_MAX];
    if (!realpath(path, inner) || !realpath(folder, outer))
        return false;
    size_t len = strlen(outer);
    return strncmp(inner, outer, len) == 0 && (inner[len] == '/' || inner[len] == '\0');
}

/* A record says what lies beside it, so nothing else may lie there, and nobody else may write there. */
static int take_out_dir(run *r, asy_error *error)
{
    const char *path = r->request->out_dir;
    r->out_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->out_fd < 0) {
        asy_error_errno(error, ASY_E_USAGE, "cannot open the folder for the outputs");
        return asy_error_path(error, path);
    }
    if (flock(r->out_fd, LOCK_EX | LOCK_NB) != 0 || !is_empty(r->out_fd)) {
        asy_error_set(error, ASY_E_USAGE, "the folder for the outputs is not empty");
        asy_error_path(error, path);
        return asy_error_hint(error, "name a new folder");
    }
    if (lies_in(path, r->request->source)) {
        asy_error_set(error, ASY_E_USAGE, "the folder for the outputs lies in the source");
        asy_error_path(error, path);
        return asy_error_hint(error, "name one outside, so that it does not become part of it");
    }
    return ASY_OK;
}

static int prepare(run *r, asy_error *error)
{
    asy_build *build = r->build;
    int rc = take_out_dir(r, error);
    if (rc < 0)
        return rc;
    rc = asy_cache_dir(&r->cache_dir, error);
    if (rc < 0)
        return rc;
    rc = asy_scratch_new(&r->scratch, error);
    if (rc < 0)
        return rc;
    r->source_dir = make_dir(r, "source", error);
    r->collect_dir = make_dir(r, "collect", error);
    if (!r->source_dir || !r->collect_dir)
        return error ? error->code : ASY_E_IO;
    build->log_path = asy_path_join(r->request->out_dir, "build.log");
    build->record_path = asy_path_join(r->request->out_dir, "build.json");
    r->log_fd = open(build->log_path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (r->log_fd < 0) {
        asy_error_errno(error, ASY_E_USAGE, "cannot write the log");
        return asy_error_path(error, build->log_path);
    }
    return ASY_OK;
}

static int fetch_source(run *r, asy_error *error)
{
    const asy_build_request *request = r->request;
    asy_source_request wanted = {.spec = request->source,
                                 .mtimes_from = request->mtimes_from,
                                 .cache_dir = r->cache_dir,
                                 .dest = r->source_dir,
                                 .refresh = request->refresh,
                                 .say = request->say,
                                 .context = request->context};
    say(r, "fetching the source");
    r->build->has_source = true;
    int rc = asy_source_fetch(&wanted, &r->build->source, error);
    if (rc < 0)
        return rc;
    r->source_fd = open(r->source_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r->source_fd < 0 ? asy_error_errno(error, ASY_E_IO, "cannot open the source") : ASY_OK;
}

static int make_plan(run *r, asy_error *error)
{
    int rc = asy_recipe_plan(r->source_fd, &r->build->source, r->request->build,
                             r->request->outputs, &r->build->plan, error);
    r->build->has_plan = rc == ASY_OK;
    return rc;
}

/* What the build dependencies are read from: the .dsc itself, or the folder that holds debian/. */
static char *control_path(const run *r)
{
    const asy_source *source = &r->build->source;
    if (source->kind == ASY_SOURCE_DSC && source->file_count > 0)
        return asy_path_join(r->source_dir, source->files[0].name);
    return asy_strdup(r->source_dir);
}

static int open_root(run *r, asy_error *error)
{
    const asy_build_request *request = r->request;
    asy_root_request wanted = {.spec = request->root ? request->root : "host",
                               .cache_dir = r->cache_dir,
                               .map = &r->map,
                               .mirror = request->mirror,
                               .refresh = request->refresh,
                               .log_fd = r->log_fd,
                               .say = request->say,
                               .context = request->context};
    int rc = asy_idmap_choose(&r->map, error);
    if (rc < 0)
        return rc;
    rc = asy_root_open(&wanted, &r->build->root, error);
    if (rc < 0)
        return rc;
    r->build->has_root = true;
    if (!r->build->plan.build_deps)
        return ASY_OK;
    if (!r->build->root.debian) {
        asy_error_set(error, ASY_E_USAGE, "a Debian source package cannot be built in the root %s",
                      wanted.spec);
        return asy_error_hint(error,
                              "give --root debian:SUITE, such as debian:bookworm; or say how "
                              "to build it otherwise with --build and --output");
    }
    ASY_AUTO_FREE char *control = control_path(r);
    say(r, "installing the build dependencies");
    return asy_root_add_build_deps(&wanted, control, &r->build->root, error);
}

static bool same_variable(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");
    return strncmp(a, b, len + 1) == 0;
}

/* Sets NAME=VALUE in a growing list; a later one replaces an earlier one. Takes ownership. */
static void set_variable(char ***list, size_t *count, char *variable)
{
    for (size_t i = 0; i < *count; i++) {
        if (same_variable((*list)[i], variable)) {
            free((*list)[i]);
            (*list)[i] = variable;
            return;
        }
    }
    *list = asy_realloc_array(*list, *count + 2, sizeof(**list));
    (*list)[(*count)++] = variable;
    (*list)[*count] = NULL;
}

/* The whole environment of a build: nothing of the caller's reaches it. */
static char **make_environment(const asy_build *build)
{
    static const char *const fixed[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/home/builder",
        "USER=builder",
        "LOGNAME=builder",
        "LANG=C.UTF-8",
        "LC_ALL=C.UTF-8",
        "TZ=UTC",
        "TMPDIR=/tmp",
        "SHELL=/bin/sh",
        "TERM=dumb",
    };
    char **list = NULL;
    size_t count = 0;
    for (size_t i = 0; i < ASY_COUNT(fixed); i++)
        set_variable(&list, &count, asy_strdup(fixed[i]));
    set_variable(&list, &count,
                 asy_asprintf("SOURCE_DATE_EPOCH=%lld", (long long)build->source.epoch));
    for (char **extra = build->plan.env; extra && *extra; extra++)
        set_variable(&list, &count, asy_strdup(*extra));
    return list;
}

static void tick(void *context, double seconds ASY_UNUSED)
{
    say(context, "building");
}

static int run_sandbox(run *r, asy_error *error)
{
    asy_build *build = r->build;
    const asy_plan *plan = &build->plan;
    const char *argv[] = {"/bin/sh", "-c", plan->command, NULL};
    asy_sandbox_copy copy = {r->source_dir, plan->build_dir};
    build->env = make_environment(build);
    asy_sandbox_spec spec = {
        .lower = (const char *const *)build->root.lower,
        .lower_count = build->root.lower_count,
        .copies = &copy,
        .copy_count = 1,
        .argv = argv,
        .env = (const char *const *)build->env,
        .cwd = plan->build_dir,
        .uid = ASY_BUILDER_UID,
        .network = r->request->network,
        .log_fd = r->log_fd,
        .limits = r->request->limits,
        .collect_root = plan->collect_root,
        .collect_globs = (const char *const *)plan->outputs,
        .collect_dir = r->collect_dir,
        .tick = tick,
        .tick_context = r,
    };
    say(r, "building");
    int rc = asy_sandbox_run(&r->map, &spec, &build->run, error);
    build->ran = rc == ASY_OK;
    return rc;
}

static void decide_status(asy_build *build)
{
    const asy_sandbox_result *run_result = &build->run;
    build->status = ASY_BUILD_FAILED;
    if (run_result->limit_hit && strcmp(run_result->limit_hit, "seconds") == 0) {
        build->status = ASY_BUILD_TIMEOUT;
        build->reason =
            asy_asprintf("the build ran longer than the limit (%.0f s)", run_result->seconds);
        build->hint = asy_strdup("allow more time with --timeout");
    } else if (run_result->limit_hit) {
        build->reason = asy_asprintf("the build reached its limit of %s", run_result->limit_hit);
        build->hint = asy_asprintf("allow more with --%s", run_result->limit_hit);
    } else if (!run_result->exited) {
        build->reason = asy_asprintf("the build was ended by signal %d", run_result->signal);
    } else if (run_result->exit_code != 0) {
        build->reason =
            asy_asprintf("the build command ended with status %d", run_result->exit_code);
        build->hint = asy_strdup("the end of the log tells what the build said");
    } else if (run_result->collected == 0) {
        build->reason = asy_strdup("the build succeeded but made no output that matches");
        build->hint = asy_strdup("name the outputs with --output GLOB");
    } else {
        build->status = ASY_BUILD_OK;
    }
}

static int by_output_name(const void *a, const void *b)
{
    const asy_build_output *left = a, *right = b;
    return strcmp(left->name, right->name);
}

/* Copies one collected file to out_dir, by rename where it can, and notes its digest. */
static int take_output(const run *r, const char *name, asy_build_output *out, asy_error *error)
{
    if (strcmp(name, "build.log") == 0 || strcmp(name, "build.json") == 0) {
        asy_error_set(error, ASY_E_BUILD, "the build made an output named %s", name);
        return asy_error_hint(error, "that is the name of its log or record: have the build give "
                                     "it another");
    }
    ASY_AUTO_FREE char *from = asy_path_join(r->collect_dir, name);
    ASY_AUTO_FREE char *to = asy_path_join(r->request->out_dir, name);
    int rc = asy_copy_file(from, to, error);
    if (rc < 0)
        return rc;
    ASY_AUTO_CLOSE int fd = -1;
    rc = asy_open_regular(to, &fd, error);
    if (rc < 0)
        return rc;
    out->name = asy_strdup(name);
    return asy_sha256_of_fd(fd, &out->sha256, &out->size, error);
}

static int take_outputs(run *r, asy_error *error)
{
    asy_build *build = r->build;
    size_t capacity = 0;
    DIR *dir = opendir(r->collect_dir);
    if (!dir)
        return asy_error_errno(error, ASY_E_IO, "cannot list the outputs");
    int rc = ASY_OK;
    struct dirent *entry;
    while (rc == ASY_OK && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        ASY_GROW(build->outputs, build->output_count, capacity);
        asy_build_output *output = &build->outputs[build->output_count++];
        *output = (asy_build_output){0};
        rc = take_output(r, entry->d_name, output, error);
    }
    closedir(dir);
    if (rc == ASY_OK && build->output_count > 1)
        qsort(build->outputs, build->output_count, sizeof(*build->outputs), by_output_name);
    return rc;
}

/* Each --output of the user's stands for something. By name alone: outputs lie flat. */
static void check_globs(run *r)
{
    asy_build *build = r->build;
    for (const char *const *glob = r->request->outputs; glob && *glob; glob++) {
        size_t i = 0;
        while (i < build->output_count &&
               fnmatch(asy_path_base(*glob), build->outputs[i].name, 0) != 0)
            i++;
        if (i < build->output_count)
            continue;
        build->status = ASY_BUILD_FAILED;
        build->reason = asy_asprintf("the build made no file that matches --output %s", *glob);
        return;
    }
}

static int stages(run *r, asy_error *error)
{
    static int (*const all[])(run *, asy_error *) = {prepare, fetch_source, make_plan, open_root,
                                                     run_sandbox};
    for (size_t i = 0; i < ASY_COUNT(all); i++) {
        if (asy_interrupted())
            return asy_error_set(error, ASY_E_INTERRUPTED, "interrupted");
        int rc = all[i](r, error);
        if (rc < 0)
            return rc;
    }
    decide_status(r->build);
    if (r->build->status != ASY_BUILD_OK)
        return ASY_OK;
    int rc = take_outputs(r, error);
    if (rc == ASY_OK)
        check_globs(r);
    return rc;
}

/* Turns an error of a stage into a status; the errors of the user's words stay errors. */
static int settle(run *r, int rc, asy_error *error)
{
    asy_build *build = r->build;
    if (rc == ASY_OK)
        return ASY_OK;
    build->status = ASY_BUILD_NOT_ATTEMPTED;
    build->reason = asy_strdup(error->message);
    build->hint = asy_strdup(error->hint);
    if (rc == ASY_E_USAGE || rc == ASY_E_NOT_FOUND || rc == ASY_E_MISMATCH ||
        rc == ASY_E_INTERRUPTED || rc == ASY_E_FORMAT)
        return rc;
    build->status = rc == ASY_E_BUILD ? ASY_BUILD_FAILED : ASY_BUILD_INFRASTRUCTURE;
    asy_error_clear(error);
    return ASY_OK;
}

/* Where nothing could be tried, as the words were off, nothing stays that a second try would trip
 * over. */
static bool leave_nothing(run *r, int rc)
{
    if (rc != ASY_E_USAGE && rc != ASY_E_NOT_FOUND && rc != ASY_E_FORMAT)
        return false;
    if (r->log_fd >= 0)
        unlink(r->build->log_path);
    asy_free_cleanup(&r->build->log_path);
    asy_free_cleanup(&r->build->record_path);
    return true;
}

static int write_record(run *r, asy_error *error)
{
    asy_build *build = r->build;
    if (r->log_fd < 0)
        return ASY_OK;
    /* Who interrupts does not wait for a long log to be read once more. */
    int rc = asy_sha256_of_fd(r->log_fd, &build->log_sha256, &build->log_size, error);
    if (rc < 0 && rc != ASY_E_INTERRUPTED)
        return rc;
    build->has_log = rc == ASY_OK;
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    asy_json *json = asy_json_new(&text);
    asy_build_json(r->request, build, json, NULL);
    asy_json_free(json);
    return asy_write_file(build->record_path, asy_buf_span(&text), 0644, error);
}

int asy_build_run(const asy_build_request *request, asy_build *out, asy_error *error)
{
    ASY_ERROR_AUTO own = ASY_ERROR_INIT;
    if (!error)
        error = &own;
    *out = (asy_build){0};
    run r = {.request = request, .build = out, .source_fd = -1, .log_fd = -1, .out_fd = -1};
    r.started = now_seconds();
    int rc = settle(&r, stages(&r, error), error);
    out->seconds = now_seconds() - r.started;
    ASY_ERROR_AUTO record_error = ASY_ERROR_INIT;
    if (!leave_nothing(&r, rc) && write_record(&r, &record_error) < 0 && rc == ASY_OK) {
        rc = record_error.code;
        *error = record_error;
        record_error = (asy_error)ASY_ERROR_INIT;
    }
    asy_close_cleanup(&r.source_fd);
    asy_close_cleanup(&r.log_fd);
    asy_close_cleanup(&r.out_fd);
    asy_scratch_free(r.scratch);
    free(r.source_dir);
    free(r.collect_dir);
    free(r.cache_dir);
    return rc;
}

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

void asy_build_free(asy_build *build)
{
    free(build->reason);
    free(build->hint);
    if (build->has_source)
        asy_source_free(&build->source);
    if (build->has_plan)
        asy_plan_free(&build->plan);
    if (build->has_root)
        asy_root_free(&build->root);
    free_list(build->env);
    for (size_t i = 0; i < build->output_count; i++)
        free(build->outputs[i].name);
    free(build->outputs);
    free(build->log_path);
    free(build->record_path);
    *build = (asy_build){0};
}

const char *asy_build_status_name(asy_build_status status)
{
    static const char *const names[] = {"not-attempted", "ok", "failed", "timeout",
                                        "infrastructure"};
    return names[status];
}
