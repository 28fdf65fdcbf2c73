/* SPDX-License-Identifier: Apache-2.0 */
#include "source_help.h"

#include "base/buf.h"
#include "io/io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One test is one process, so these are its own. */
static char folder[64];
static char top[4096];
static pid_t server;
static int server_end = -1; /* closing it ends the server */

static void set_environment(void)
{
    static const char *const values[][2] = {
        {"GIT_CONFIG_GLOBAL", "/dev/null"},
        {"GIT_CONFIG_NOSYSTEM", "1"},
        {"GIT_CONFIG_COUNT", "2"},
        {"GIT_CONFIG_KEY_0", "protocol.file.allow"},
        {"GIT_CONFIG_VALUE_0", "always"},
        {"GIT_CONFIG_KEY_1", "core.autocrlf"},
        {"GIT_CONFIG_VALUE_1", "false"},
        {"GIT_AUTHOR_NAME", "Anna"},
        {"GIT_AUTHOR_EMAIL", "anna@example.org"},
        {"GIT_COMMITTER_NAME", "Anna"},
        {"GIT_COMMITTER_EMAIL", "anna@example.org"},
        {"GIT_AUTHOR_DATE", "2020-01-02T03:04:05Z"},
        {"GIT_COMMITTER_DATE", "2020-01-02T03:04:05Z"},
        {"TZ", "UTC"},
        {"LC_ALL", "C.UTF-8"},
    };
    for (size_t i = 0; i < ASY_COUNT(values); i++)
        setenv(values[i][0], values[i][1], 1);
    unsetenv("GIT_SSL_CAINFO");
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSH_AUTH_SOCK");
}

const char *help_dir(void)
{
    if (*folder)
        return folder;
    cr_assert(getcwd(top, sizeof(top)));
    strcpy(folder, "/tmp/assay-test.XXXXXX");
    cr_assert(mkdtemp(folder));
    set_environment();
    cr_assert_eq(chdir(folder), 0);
    return folder;
}

const char *help_path(const char *name)
{
    static char *kept[16];
    static unsigned turn;
    char **place = &kept[turn++ % ASY_COUNT(kept)];
    free(*place);
    *place = asy_path_join(help_dir(), name);
    return *place;
}

static char *vformat(const char *format, va_list args)
{
    char *text = NULL;
    cr_assert_geq(vasprintf(&text, format, args), 0);
    return text;
}

static int run(const char *commands)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("bash", "bash", "-euo", "pipefail", "-c", commands, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

void help_sh(const char *format, ...)
{
    help_dir();
    va_list args;
    va_start(args, format);
    ASY_AUTO_FREE char *commands = vformat(format, args);
    va_end(args);
    cr_assert_eq(run(commands), 0, "failed: %s", commands);
}

char *help_line(const char *format, ...)
{
    help_dir();
    va_list args;
    va_start(args, format);
    ASY_AUTO_FREE char *commands = vformat(format, args);
    va_end(args);
    char line[4096] = "";
    FILE *out = popen(commands, "r");
    cr_assert(out && fgets(line, sizeof(line), out), "nothing from: %s", commands);
    pclose(out);
    line[strcspn(line, "\n")] = '\0';
    return asy_strdup(line);
}

void help_server_stop(void)
{
    if (server_end < 0)
        return;
    close(server_end);
    waitpid(server, NULL, 0);
    server_end = -1;
}

char *help_server(const char *name, const char *arguments)
{
    int in[2], out[2];
    help_dir();
    cr_assert_eq(pipe2(in, O_CLOEXEC) + pipe2(out, O_CLOEXEC), 0);
    ASY_AUTO_FREE char *command =
        asy_asprintf("exec '%s/tests/servers/%s' %s", top, name, arguments);
    server = fork();
    if (server == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execlp("bash", "bash", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server_end = in[1];
    char line[256] = "";
    FILE *answer = fdopen(out[0], "r");
    cr_assert(answer && fgets(line, sizeof(line), answer), "the server %s did not start", name);
    fclose(answer);
    line[strcspn(line, "\n")] = '\0';
    return asy_strdup(line);
}

void help_end(void)
{
    help_server_stop();
    if (*folder && chdir("/") == 0)
        asy_remove_tree(AT_FDCWD, folder, NULL);
}

static void note(void *context, const char *text)
{
    asy_buf_printf(context, "%s\n", text);
}

fetched help_fetch(const char *spec, const char *mtimes, bool refresh)
{
    fetched result = {0};
    asy_buf said = ASY_BUF_INIT;
    help_sh("chmod -R u+rwX out 2>/dev/null || true; rm -rf out; mkdir out; mkdir -p cache");
    asy_source_request request = {.spec = spec,
                                  .mtimes_from = mtimes,
                                  .cache_dir = "cache",
                                  .dest = "out",
                                  .refresh = refresh,
                                  .say = note,
                                  .context = &said};
    asy_buf_puts(&said, "");
    result.rc = asy_source_fetch(&request, &result.source, &result.error);
    result.said = asy_buf_take(&said);
    return result;
}

void help_free(fetched *result)
{
    asy_source_free(&result->source);
    asy_error_clear(&result->error);
    free(result->said);
}

void help_fetch_ok(const char *spec)
{
    fetched result = help_fetch(spec, NULL, false);
    cr_assert_eq(result.rc, ASY_OK, "%s: %s", spec, result.error.message);
    help_free(&result);
}

void help_fetch_fails(const char *spec, int code, const char *text)
{
    fetched result = help_fetch(spec, NULL, false);
    cr_assert_eq(result.rc, code, "%s: %d, not %d: %s", spec, result.rc, code,
                 result.error.message ? result.error.message : "");
    cr_assert(strstr(result.error.message, text), "%s: no \"%s\" in: %s", spec, text,
              result.error.message);
    help_free(&result);
}
