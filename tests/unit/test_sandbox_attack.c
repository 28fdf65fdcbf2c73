/* SPDX-License-Identifier: Apache-2.0 */
/* A build that wants out: contained, and the result says what ended it. */
#include "test_sandbox_support.h"

#include "io/io.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void run_probe(test_box *box, const char *name, const char *argument)
{
    if (!box->spec.copy_count)
        box_add_probe(box);
    box->argv[0] = PROBE;
    box->argv[1] = name;
    box->argv[2] = argument;
    box->argv[3] = NULL;
    box_run(box);
}

SANDBOX_TEST(sandbox_attack, gets_no_dangerous_system_call)
{
    run_probe(box, "calls", NULL);
    cr_assert(box_ok(box));
    run_probe(box, "abis", NULL);
    cr_assert(box_ok(box), "32-bit and x32 calls");
}

SANDBOX_TEST(sandbox_attack, has_no_power_and_no_stray_descriptor)
{
    int stray = open("/dev/null", O_RDONLY);
    run_probe(box, "powers", NULL);
    close(stray);
    cr_assert(box_ok(box));
}

SANDBOX_TEST(sandbox_attack, writes_only_where_it_may)
{
    run_probe(box, "writes", NULL);
    cr_assert(box_ok(box));
    box_sh(box, "set -e; for d in /build /tmp /home/builder /dev/shm /var/tmp; do"
                "  echo x >$d/x; cat $d/x; done");
    cr_assert(box_ok(box));
    box->spec.uid = 0;
    box_sh(box, "for p in /x /usr/x /bin/x /etc/x /etc/alternatives/x; do"
                "  ! touch $p 2>/dev/null || exit 1; done");
    cr_assert(box_ok(box), "nor does root inside");
}

SANDBOX_TEST(sandbox_attack, cannot_touch_its_supervisor)
{
    run_probe(box, "supervisor", NULL);
    cr_assert(box_ok(box));
    box_sh(box, "kill -9 -1; kill -9 1; kill -STOP 1; exit 5");
    cr_assert(box->result.exited);
    cr_assert_eq(box->result.exit_code, 5, "alive, and so is init");
}

SANDBOX_TEST(sandbox_attack, sees_nothing_of_the_host)
{
    char script[1024];
    box_write(box, "secret", "of the user\n");
    cr_assert_eq(chmod(box->dir, 0755), 0);
    snprintf(script, sizeof(script),
             "test ! -e %s && test ! -e /root && test ! -e /sys/kernel && test ! -e /opt &&"
             "test ! -e /etc/shadow && test \"$(ls /home)\" = builder &&"
             /* Nothing mounted but what belongs here, and nothing above the root. */
             "! cut -d' ' -f2 /proc/mounts | grep -Evx '/|/(usr|bin|sbin|lib|lib32|lib64|libx32)"
             "|/etc/alternatives|/dev(/[a-z]+)?|/proc(/[a-z_-]+)?|/tmp|/home|/run|/var/tmp|/build"
             "|/usr/.*' &&"
             "test / -ef /.. && test \"$(tr -d '\\0' </proc/1/cmdline)\" = init &&"
             "test \"$(cat /proc/self/cgroup | grep -cv ':/$')\" = 0 &&"
             "test \"$(ls /proc | grep -c '^[0-9]')\" -lt 9 && test \"$(hostname)\" = assay",
             box_path(box, "secret"));
    box_sh(box, script);
    cr_assert(box_ok(box));
}

SANDBOX_TEST(sandbox_attack, has_no_network)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_un abstract = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(address);
    char argument[64], name[32];
    int inet = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
    int length = snprintf(name, sizeof(name), "assay-test-%d", getpid());
    memcpy(abstract.sun_path + 1, name, (size_t)length);
    cr_assert_eq(bind(inet, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(inet, 1), 0);
    cr_assert_eq(getsockname(inet, (struct sockaddr *)&address, &size), 0);
    cr_assert_eq(bind(local, (struct sockaddr *)&abstract,
                      (socklen_t)(sizeof(abstract.sun_family) + 1 + (size_t)length)),
                 0);
    cr_assert_eq(listen(local, 1), 0);
    snprintf(argument, sizeof(argument), "%d %s", ntohs(address.sin_port), name);
    run_probe(box, "network", argument);
    cr_assert(box_ok(box));
    struct pollfd called[] = {{inet, POLLIN, 0}, {local, POLLIN, 0}};
    cr_assert_eq(poll(called, 2, 0), 0, "nobody called");
    /* Its own loopback works. */
    box_sh(box, "perl -MIO::Socket::INET -e '$l = IO::Socket::INET->new(Listen => 1, LocalAddr =>"
                "\"127.0.0.1\") or die; IO::Socket::INET->new(PeerAddr => \"127.0.0.1\","
                "PeerPort => $l->sockport) or die'");
    cr_assert(box_ok(box));
    close(inet);
    close(local);
}

SANDBOX_TEST(sandbox_attack, cannot_take_all_memory)
{
    box->spec.limits.memory = 96 << 20;
    run_probe(box, "memory", NULL);
    cr_assert_eq(box->error.code, 0);
    cr_assert_eq(box->result.signal, 9);
    cr_assert_str_eq(box->result.limit_hit, "memory");
    cr_assert_gt(box->result.peak_memory, 64u << 20);
    cr_assert_neq(strcmp(box->result.holders.memory, "none"), 0);
}

SANDBOX_TEST(sandbox_attack, cannot_take_all_memory_through_files)
{
    box->spec.limits.memory = 96 << 20;
    box_sh(box, "dd if=/dev/zero of=/tmp/x bs=1M count=200; sleep 1; exit 3");
    cr_assert_str_eq(box->result.limit_hit, "memory");
}

SANDBOX_TEST(sandbox_attack, cannot_fork_without_end)
{
    box->spec.limits.processes = 50;
    box->spec.limits.seconds = 1;
    run_probe(box, "forks", NULL);
    cr_assert_eq(box->error.code, 0);
    cr_assert_str_eq(box->result.limit_hit, "seconds");
    cr_assert_lt(box->result.seconds, 10);
    box->spec.limits.seconds = 30;
    run_probe(box, "crowd", NULL);
    cr_assert(box->result.exited);
    cr_assert_eq(box->result.exit_code, 1);
    cr_assert_str_eq(box->result.limit_hit, "processes");
}

SANDBOX_TEST(sandbox_attack, cannot_fill_the_disk)
{
    box->spec.limits.disk = 32 << 20;
    /* The sum of all places counts, not each. */
    box_sh(box, "for d in /tmp /build /home/builder /dev/shm; do"
                "  dd if=/dev/zero of=$d/x bs=1M count=10 2>&1 || exit 7; done");
    cr_assert_eq(box->result.exit_code, 7);
    cr_assert_str_eq(box->result.limit_hit, "disk");
    cr_assert_str_eq(box->result.holders.disk, "tmpfs");
    box_sh(box, "yes");
    cr_assert_str_eq(box->result.limit_hit, "disk", "the log counts as well");
    box_sh(box, "i=0; while echo >/tmp/f$i; do i=$((i+1)); done; exit 1");
    cr_assert_str_eq(box->result.limit_hit, "disk", "files without content");
}

SANDBOX_TEST(sandbox_attack, ends_in_time)
{
    box->spec.limits.seconds = 0.3;
    box_sh(box, "trap '' TERM INT HUP; (setsid sleep 50 &); sleep 50");
    cr_assert_eq(box->error.code, 0);
    cr_assert_not(box->result.exited);
    cr_assert_eq(box->result.signal, 9);
    cr_assert_str_eq(box->result.limit_hit, "seconds");
    cr_assert_lt(box->result.seconds, 5);
}

/* A process anywhere on the machine whose arguments hold this text. */
static bool runs(const char *text)
{
    struct dirent *entry;
    bool found = false;
    DIR *proc = opendir("/proc");
    cr_assert_not_null(proc);
    while (!found && (entry = readdir(proc))) {
        char path[300];
        ASY_BUF_AUTO line = ASY_BUF_INIT;
        snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
        if (asy_read_file(AT_FDCWD, path, 1 << 22, &line, NULL) == ASY_OK)
            found = line.len && memmem(line.ptr, line.len, text, strlen(text));
    }
    closedir(proc);
    return found;
}

SANDBOX_TEST(sandbox_attack, leaves_no_daemon_behind)
{
    char seconds[32], script[256];
    snprintf(seconds, sizeof(seconds), "31415926%d", (int)getpid());
    snprintf(script, sizeof(script),
             "setsid sh -c 'trap \"\" TERM HUP; sleep %s & sleep %s' & sleep 0.2; "
             "grep -sqz %s /proc/[0-9]*/cmdline",
             seconds, seconds, seconds);
    box_sh(box, script);
    cr_assert(box_ok(box), "the daemon ran");
    cr_assert_not(runs(seconds));
}

/* The log outside is reached through a pipe: it cannot be cut, overwritten or found. */
SANDBOX_TEST(sandbox_attack, cannot_touch_the_log)
{
    box_sh(box, "echo first; readlink /proc/self/fd/1; echo again > /dev/stdout; "
                "dd if=/dev/zero of=/dev/stdout bs=1 count=1 seek=1T conv=notrunc && exit 1; "
                "echo last");
    cr_assert(box_ok(box));
    cr_assert(strncmp(box->log.ptr, "first\npipe:", 11) == 0, "%s", box->log.ptr);
    cr_assert(asy_span_ends(asy_buf_span(&box->log), "last\n"));
    cr_assert(memmem(box->log.ptr, box->log.len, "again", 5));
}
