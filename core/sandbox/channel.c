/* SPDX-License-Identifier: Apache-2.0 */
/* Packets between the three processes, and what each does first of all. */
#include "sandbox/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

double asy_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int asy_channel_send(int socket, const struct iovec *parts, size_t count, int fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = count};
    if (fd >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof(control.space);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

ssize_t asy_channel_recv(int socket, void *buffer, size_t size, int *fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {buffer, size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.space,
                             .msg_controllen = sizeof(control.space)};
    ssize_t got;
    *fd = -1;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(header), sizeof(int));
    return got;
}

int asy_note_send(int socket, const asy_note *note, int fd)
{
    struct iovec part = {(void *)note, sizeof(*note)};
    return asy_channel_send(socket, &part, 1, fd);
}

ssize_t asy_note_recv(int socket, asy_note *note, int *fd)
{
    ssize_t got = asy_channel_recv(socket, note, sizeof(*note), fd);
    if (got > 0 && got != (ssize_t)sizeof(*note))
        return 0;
    note->text[sizeof(note->text) - 1] = 0;
    note->path[sizeof(note->path) - 1] = 0;
    note->hint[sizeof(note->hint) - 1] = 0;
    return got;
}

void asy_note_send_error(int socket, const asy_error *error)
{
    asy_note note = {.kind = ASY_NOTE_ERROR, .value = error->code};
    snprintf(note.text, sizeof(note.text), "%s", error->message ? error->message : "unknown");
    snprintf(note.path, sizeof(note.path), "%s", error->path ? error->path : "");
    snprintf(note.hint, sizeof(note.hint), "%s", error->hint ? error->hint : "");
    asy_note_send(socket, &note, -1);
}

int asy_note_take_error(const asy_note *note, asy_error *error)
{
    asy_error_set(error, note->value < 0 ? note->value : ASY_E_INFRA, "%s", note->text);
    if (note->path[0])
        asy_error_path(error, note->path);
    if (note->hint[0])
        asy_error_hint(error, "%s", note->hint);
    return note->value < 0 ? note->value : ASY_E_INFRA;
}

static void close_from_to(int first, int last)
{
    if (first <= last)
        close_range((unsigned)first, (unsigned)last, 0);
}

void asy_keep_only(const int *fds, size_t count)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int standard = 0; null >= 0 && standard < 3; standard++) {
        bool wanted = false;
        for (size_t i = 0; i < count; i++)
            wanted = wanted || fds[i] == standard;
        if (!wanted)
            dup2(null, standard);
    }
    int next = 3;
    for (;;) {
        int lowest = -1;
        for (size_t i = 0; i < count; i++)
            if (fds[i] >= next && (lowest < 0 || fds[i] < lowest))
                lowest = fds[i];
        close_from_to(next, lowest < 0 ? INT32_MAX : lowest - 1);
        if (lowest < 0)
            return;
        next = lowest + 1;
    }
}

void asy_die_with_parent(int alive)
{
    struct pollfd gone = {.fd = alive};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&gone, 1, 0) != 0)
        _exit(1);
}
