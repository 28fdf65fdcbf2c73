/* SPDX-License-Identifier: Apache-2.0 */
/* source: git over https and ssh, against real servers on loopback. */
#include "io/io.h"
#include "source_help.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(source_net, .fini = help_end, .timeout = 180);

static void make_repository(void)
{
    help_sh("git init -q -b main work; cd work; echo 1 > a; git add a; git commit -qm one;"
            "git tag -am t v1; mkdir ../repos; git clone -q --bare . ../repos/r.git;"
            "cp -r ../repos/r.git ../repos/private-r.git; mkdir ../srv");
}

/* The server's place with a path and revision; owned by the caller. */
static char *start_https(void)
{
    ASY_AUTO_FREE char *port = help_server("git_https.sh", "srv repos");
    setenv("SSL_CERT_FILE", help_path("srv/ca.pem"), 1);
    return asy_asprintf("localhost:%s", port);
}

static void fetch_ok(const char *format, const char *host, const char *rest, bool refresh)
{
    ASY_AUTO_FREE char *spec = asy_asprintf(format, host, rest);
    fetched result = help_fetch(spec, NULL, refresh);
    cr_assert_eq(result.rc, ASY_OK, "%s: %s", spec, result.error.message);
    help_free(&result);
}

static void fetch_fails(const char *format, const char *host, const char *rest, int code,
                        const char *says)
{
    ASY_AUTO_FREE char *spec = asy_asprintf(format, host, rest);
    help_fetch_fails(spec, code, says);
}

Test(source_net, https_brings_the_commit_once_and_then_works_without_the_server)
{
    make_repository();
    ASY_AUTO_FREE char *host = start_https();
    ASY_AUTO_FREE char *id = help_line("git -C work rev-parse HEAD");
    ASY_AUTO_FREE char *spec = asy_asprintf("https://%s/r.git@%s", host, id);
    fetched result = help_fetch(spec, NULL, false);
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    cr_assert_str_eq(result.source.commit, id);
    cr_assert(strstr(result.said, "fetching https://"));
    help_sh("diff -r --exclude=.git work out");
    help_free(&result);
    help_server_stop();

    result = help_fetch(spec, NULL, true);
    cr_assert_eq(result.rc, ASY_OK, "a full id needs no server: %s", result.error.message);
    help_free(&result);
    fetch_ok("https://%s/r.git@%s", host, "v1", false);
    fetch_ok("https://%s/r.git%s", host, "", false);
    fetch_fails("https://%s/r.git@%s", host, "other", ASY_E_INFRA, "cannot fetch");
    ASY_AUTO_FREE char *main_spec = asy_asprintf("https://%s/r.git@main", host);
    result = help_fetch(main_spec, NULL, true);
    cr_assert_eq(result.rc, ASY_E_INFRA, "a branch that is to be fresh needs the server");
    help_free(&result);
}

Test(source_net, a_branch_moves_when_it_is_asked_to)
{
    make_repository();
    ASY_AUTO_FREE char *host = start_https();
    fetch_ok("https://%s/r.git@%s", host, "main", false);
    help_sh("cd work; echo 2 > a; git commit -qam two; git tag gone; git push -q ../repos/r.git "
            "main gone");
    fetch_ok("https://%s/r.git@%s", host, "main", false);
    help_sh("grep -q 1 out/a");
    fetch_ok("https://%s/r.git@%s", host, "main", true);
    help_sh("grep -q 2 out/a");
    /* What left the server is gone, also when its name is in the way of a new one. */
    help_sh("cd work; git push -q ../repos/r.git :gone; git tag -d gone >/dev/null;"
            "git tag gone/deeper; git push -q ../repos/r.git gone/deeper");
    fetch_ok("https://%s/r.git@%s", host, "gone/deeper", false);
    fetch_fails("https://%s/r.git@%s", host, "gone", ASY_E_NOT_FOUND, "no revision");
}

Test(source_net, a_commit_without_a_branch_is_asked_for_by_its_id)
{
    make_repository();
    help_sh("cd repos/r.git; git config uploadpack.allowAnySHA1InWant true;"
            "echo lone | git commit-tree 'HEAD^{tree}' -p HEAD > ../../lone");
    ASY_AUTO_FREE char *host = start_https();
    ASY_AUTO_FREE char *id = help_line("cat lone");
    fetch_ok("https://%s/r.git@%s", host, id, false);
}

Test(source_net, https_certificates_must_hold)
{
    make_repository();
    ASY_AUTO_FREE char *host = start_https();
    ASY_AUTO_FREE char *address = asy_asprintf("127.0.0.1%s", strchr(host, ':'));
    fetch_fails("https://%s/r.git%s", address, "@v1", ASY_E_INFRA, "certificate of 127.0.0.1");
    setenv("SSL_CERT_FILE", help_path("srv/other.pem"), 1);
    fetch_fails("https://%s/r.git%s", host, "@v1", ASY_E_INFRA, "certificate of localhost");
    unsetenv("SSL_CERT_FILE");
    fetch_fails("https://%s/r.git%s", host, "@v1", ASY_E_INFRA, "certificate of localhost");
    setenv("GIT_SSL_CAINFO", help_path("srv/ca.pem"), 1);
    fetch_ok("https://%s/r.git%s", host, "@v1", false);
}

Test(source_net, passwords_are_used_and_never_shown)
{
    make_repository();
    ASY_AUTO_FREE char *host = start_https();
    fetch_fails("https://%s/private-r.git%s", host, "@v1", ASY_E_INFRA, "user name and a password");
    fetch_fails("https://anna:wrong@%s/private-r.git%s", host, "@v1", ASY_E_INFRA, "password");
    ASY_AUTO_FREE char *spec = asy_asprintf("https://anna:p%%40ss@%s/private-r.git@v1", host);
    fetched result = help_fetch(spec, NULL, false);
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    asy_json *json = asy_json_new(&text);
    asy_source_json(&result.source, json, NULL);
    asy_json_free(json);
    for (const char *const *secret = (const char *const[]){"anna", "p%40ss", "p@ss", NULL}; *secret;
         secret++) {
        cr_assert_not(strstr(text.ptr, *secret), "%s", text.ptr);
        cr_assert_not(strstr(result.said, *secret), "%s", result.said);
        help_sh("! grep -r '%s' cache", *secret);
    }
    help_free(&result);
}

Test(source_net, a_submodule_of_a_fetched_repository_is_fetched_too)
{
    make_repository();
    help_sh("git init -q -b main app; cd app; git submodule --quiet add ../repos/r.git lib;"
            "git config -f .gitmodules submodule.lib.url ../r.git; git commit -qam a;"
            "git clone -q --bare . ../repos/app.git;"
            "git config -f .gitmodules submodule.lib.url ../../work; git commit -qam b;"
            "git config -f .gitmodules submodule.lib.url %s; git commit -qam c;"
            "git clone -q --bare . ../repos/evil.git",
            help_path("work"));
    ASY_AUTO_FREE char *host = start_https();
    fetch_ok("https://%s/app.git@%s", host, "main", false);
    help_sh("cmp out/lib/a work/a");
    fetch_fails("https://%s/evil.git@%s", host, "main", ASY_E_USAGE, "path of this machine");
}

Test(source_net, a_damaged_cache_is_a_mismatch_with_a_way_out)
{
    make_repository();
    ASY_AUTO_FREE char *host = start_https();
    fetch_ok("https://%s/r.git@%s", host, "v1", false);
    help_sh("cd cache/git/*/; git unpack-objects -q < objects/pack/*.pack 2>/dev/null || true;"
            "mv objects/pack/*.pack p; rm -f objects/pack/*; git unpack-objects -q < p;"
            "f=objects/$(git rev-parse refs/heads/main:a | sed 's,..,&/,'); chmod u+w $f;"
            "cp -f objects/$(echo evil | git hash-object -w --stdin | sed 's,..,&/,') $f");
    ASY_AUTO_FREE char *spec = asy_asprintf("https://%s/r.git@v1", host);
    fetched result = help_fetch(spec, NULL, false);
    cr_assert_eq(result.rc, ASY_E_MISMATCH, "%s", result.error.message);
    cr_assert_eq(result.source.status, ASY_SOURCE_MISMATCH);
    cr_assert(strstr(result.error.hint, "remove "), "%s", result.error.hint);
    help_free(&result);
    help_sh("rm -rf cache");
    fetch_ok("https://%s/r.git@%s", host, "v1", false);
}

/* Killed at random moments, a fetch leaves a cache that the next one can use. */
Test(source_net, a_killed_fetch_leaves_a_usable_cache)
{
    make_repository();
    help_sh("cd work; for i in $(seq 60); do head -c 60000 /dev/urandom > f$i; done; git add -A;"
            "git commit -qm big; git push -q ../repos/r.git main");
    ASY_AUTO_FREE char *host = start_https();
    ASY_AUTO_FREE char *spec = asy_asprintf("https://%s/r.git@main", host);
    fetch_ok("https://%s/r.git@%s", host, "main", false);
    help_sh("cd cache/git/*/; touch refs/heads/main.lock refs/heads/x.lock packed-refs.lock "
            "objects/pack/pack_git2_0123; cd %s/work; git commit -qm more --allow-empty;"
            "git push -q ../repos/r.git main",
            help_dir());
    fetch_ok("https://%s/r.git@%s", host, "main", true);
    help_sh("! find cache -name '*_git2_*' -o -path '*/refs/*.lock' | grep .");
    for (unsigned i = 0; i < 8; i++) {
        help_sh("rm -rf cache killed; mkdir cache killed");
        pid_t pid = fork();
        if (pid == 0) {
            asy_source source;
            asy_source_request request = {.spec = spec, .cache_dir = "cache", .dest = "killed"};
            _exit(asy_source_fetch(&request, &source, NULL) == ASY_OK ? 0 : 1);
        }
        usleep(20000 + i * 25000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        fetch_ok("https://%s/r.git@%s", host, "main", false);
        help_sh("diff -r --exclude=.git work out; ! ls cache/git/*/objects/pack/pack_git2_* "
                "2>/dev/null");
    }
}

Test(source_net, two_fetches_at_once_do_not_disturb_each_other)
{
    make_repository();
    ASY_AUTO_FREE char *host = start_https();
    ASY_AUTO_FREE char *spec = asy_asprintf("https://%s/r.git@main", host);
    pid_t pids[4];
    help_sh("mkdir cache d0 d1 d2 d3");
    for (size_t i = 0; i < ASY_COUNT(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            asy_source source;
            ASY_AUTO_FREE char *dest = asy_asprintf("d%zu", i);
            asy_source_request request = {.spec = spec, .cache_dir = "cache", .dest = dest};
            _exit(asy_source_fetch(&request, &source, NULL) == ASY_OK ? 0 : 1);
        }
    }
    for (size_t i = 0; i < ASY_COUNT(pids); i++) {
        int status = -1;
        waitpid(pids[i], &status, 0);
        cr_assert_eq(status, 0);
        help_sh("cmp d%zu/a work/a", i);
    }
}

/* "USER@127.0.0.1:PORT"; $HOME is a folder with a key and a right known_hosts. */
static char *start_ssh(void)
{
    char user[128];
    unsigned port;
    ASY_AUTO_FREE char *line = help_server("git_ssh.sh", "srv");
    cr_assert_eq(sscanf(line, "%127s %u", user, &port), 2);
    setenv("HOME", help_path("srv/home"), 1);
    return asy_asprintf("%s@127.0.0.1:%u", user, port);
}

Test(source_net, ssh_takes_the_key_file_and_checks_the_host)
{
    make_repository();
    ASY_AUTO_FREE char *host = start_ssh();
    ASY_AUTO_FREE char *rest = asy_asprintf("%s@v1", help_path("repos/r.git"));
    fetch_ok("ssh://%s%s", host, rest, false);
    help_sh("cmp out/a work/a; rm -rf cache");

    /* known_hosts decides which of the server's keys is looked at */
    help_sh("cd srv; p=$(cut -d' ' -f1 home/.ssh/known_hosts);"
            "echo \"$p $(cut -d' ' -f1,2 host_ecdsa.pub)\" > home/.ssh/known_hosts;"
            "ssh-keygen -q -H -f home/.ssh/known_hosts 2>/dev/null; echo $p > label");
    fetch_ok("ssh://%s%s", host, rest, false);

    help_sh("rm -rf cache; cd srv; ssh-keygen -q -t ed25519 -N '' -f wrong;"
            "echo \"$(cat label) $(cut -d' ' -f1,2 wrong.pub)\" > home/.ssh/known_hosts");
    fetch_fails("ssh://%s%s", host, rest, ASY_E_INFRA, "is not the one in known_hosts");
    help_sh("rm srv/home/.ssh/known_hosts");
    fetch_fails("ssh://%s%s", host, rest, ASY_E_INFRA, "is not in ~/.ssh/known_hosts");
}

Test(source_net, ssh_takes_keys_from_the_agent)
{
    make_repository();
    ASY_AUTO_FREE char *host = start_ssh();
    ASY_AUTO_FREE char *rest = asy_asprintf("%s@v1", help_path("repos/r.git"));
    help_sh("ssh-keygen -q -p -N secret -f srv/home/.ssh/id_ed25519 >/dev/null");
    fetch_fails("ssh://%s%s", host, rest, ASY_E_INFRA, "none of your ssh keys");
    setenv("SSH_AUTH_SOCK", help_path("agent"), 1);
    fetch_fails("ssh://%s%s", host, rest, ASY_E_INFRA, "none of your ssh keys");
    help_sh("printf '#!/bin/sh\\necho secret\\n' > ask; chmod +x ask;"
            "ssh-agent -a agent > agent.env; . ./agent.env >/dev/null;"
            "SSH_ASKPASS=./ask SSH_ASKPASS_REQUIRE=force ssh-add -q srv/home/.ssh/id_ed25519 "
            "2>/dev/null || { kill $SSH_AGENT_PID; exit 1; }");
    ASY_AUTO_FREE char *spec = asy_asprintf("ssh://%s%s", host, rest);
    fetched result = help_fetch(spec, NULL, false);
    help_sh(". ./agent.env >/dev/null; kill $SSH_AGENT_PID");
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    help_free(&result);
}
