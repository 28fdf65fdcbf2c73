/* SPDX-License-Identifier: Apache-2.0 */
/* A build that wants out: contained, and the result says what ended it. */
#include "test_sandbox_support.h"

#include <arpa/inet.h>
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

/* Every process inside holds the log: its reader sees the end when all are gone. */
static bool all_gone(int reader)
{
    char byte;
    struct pollfd end = {reader, POLLIN, 0};
    while (poll(&end, 1, 3000) > 0)
        if (read(reader, &byte, 1) <= 0)
            return true;
    return false;
}

SANDBOX_TEST(sandbox_attack, leaves_no_daemon_behind)
{
    int log[2];
    cr_assert_eq(pipe2(log, O_CLOEXEC), 0);
    box->argv[0] = "/bin/sh";
    box->argv[1] = "-c";
    box->argv[2] = "(setsid sh -c 'trap \"\" TERM HUP; sleep 1000 & sleep 1000' &); exit 0";
    box->spec.log_fd = log[1];
    cr_assert_eq(asy_sandbox_run(&box->map, &box->spec, &box->result, &box->error), ASY_OK);
    close(log[1]);
    cr_assert(all_gone(log[0]));
    close(log[0]);
    cr_assert_eq(box->result.exit_code, 0);
}
