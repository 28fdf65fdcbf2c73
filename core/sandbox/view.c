/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command sees as its file system. One tmpfs of limits.disk bytes, `space`, holds every
 * place that it can write to, so that their sum is what is limited. It is mounted over the old
 * root, where absolute paths still reach the old root; the new root lies in it, and after
 * pivot_root(2) nothing else of it can be reached but by the volumes that are mounted.
 */
#include "sandbox/inner.h"

#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    BYTES_PER_INODE = 4096, /* how many files the space holds; their inodes take kernel memory */
    MIN_INODES = 16384,
    MAX_OPTIONS = 4000 /* mount(2) takes one page */
};

size_t asy_view_source_count(const asy_sandbox_spec *spec)
{
    return spec->lower_count + (spec->lower_count && spec->upper ? 1 : 0) + spec->bind_count;
}

asy_source_tree asy_view_source(const asy_sandbox_spec *spec, size_t index)
{
    bool kept = spec->lower_count && spec->upper;
    if (index < spec->lower_count)
        return (asy_source_tree){spec->lower[index], false, true};
    index -= spec->lower_count;
    if (kept && index-- == 0)
        return (asy_source_tree){spec->upper, true, false};
    return (asy_source_tree){spec->binds[index].source, false, !spec->binds[index].writable};
}

int asy_view_open_source(const asy_source_tree *source, int *fd, asy_error *error)
{
    ASY_AUTO_FREE char *path = asy_strdup(source->path);
    if (source->parent) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path) {
            asy_error_set(error, ASY_E_USAGE, "the folder for a layer must be an absolute path");
            return asy_error_path(error, path);
        }
        *slash = 0;
    }
    struct stat st;
    unsigned flags = ASY_TREE_RECURSIVE | (source->read_only ? ASY_TREE_READ_ONLY : 0);
    if (stat(path, &st) == 0 && S_ISCHR(st.st_mode))
        flags |= ASY_TREE_DEVICE; /* made for the tree of a root: mmdebstrap cannot mount there */
    return asy_mount_copy(AT_FDCWD, path, flags, fd, error);
}

static int failed(asy_error *error, const char *what)
{
    return asy_error_errno(error, ASY_E_INFRA, "cannot %s", what);
}

static int make_space(asy_view *view, asy_error *error)
{
    char size[32], inodes[32];
    uint64_t disk = view->spec->limits.disk, files = disk / BYTES_PER_INODE;
    snprintf(size, sizeof(size), "%llu", (unsigned long long)disk);
    snprintf(inodes, sizeof(inodes), "%llu",
             (unsigned long long)(files < MIN_INODES ? MIN_INODES : files));
    ASY_AUTO_CLOSE int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (fs < 0)
        return failed(error, "make a tmpfs");
    if ((disk && (fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0) != 0 ||
                  fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) != 0)) ||
        fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) != 0 ||
        fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        return failed(error, "size a tmpfs");
    view->space = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (view->space < 0 || move_mount(view->space, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return failed(error, "mount a tmpfs");
    if (mkdirat(view->space, "root", 0755) != 0)
        return failed(error, "make the root folder");
    return ASY_OK;
}

/* Mounts the lower folders (and the one with upper and work) where the overlay's options can name
 * them shortly, relative to the space. */
static int place_layers(asy_view *view, const int *trees, asy_buf *options, asy_error *error)
{
    const asy_sandbox_spec *spec = view->spec;
    int rc;
    for (size_t i = 0; i < spec->lower_count; i++) {
        char name[24];
        snprintf(name, sizeof(name), "l%zu", i);
        if (mkdir(name, 0755) != 0)
            return failed(error, "make a folder for a layer");
        if ((rc = asy_mount_attach(trees[i], name, error)) < 0)
            return rc;
        asy_buf_printf(options, "%s%s", i ? ":" : "lowerdir=", name);
    }
    if (mkdir("layer", 0755) != 0)
        return failed(error, "make a folder for a layer");
    if (spec->upper) {
        if ((rc = asy_mount_attach(trees[spec->lower_count], "layer", error)) < 0)
            return rc;
        asy_buf_printf(options, ",upperdir=layer/%s,workdir=layer/%s", asy_path_base(spec->upper),
                       asy_path_base(spec->work));
        ASY_AUTO_FREE char *upper = asy_asprintf("layer/%s", asy_path_base(spec->upper));
        view->upper = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (view->upper < 0) {
            failed(error, "open the folder that keeps what is written");
            return asy_error_path(error, spec->upper);
        }
        return ASY_OK;
    }
    if (mkdir("layer/upper", 0755) != 0 || mkdir("layer/work", 0755) != 0)
        return failed(error, "make a folder for a layer");
    asy_buf_puts(options, ",upperdir=layer/upper,workdir=layer/work");
    return ASY_OK;
}

/* userxattr: what an overlay in a user namespace keeps its marks in (filesystems/overlayfs.rst). */
static int mount_overlay(asy_view *view, const int *trees, asy_error *error)
{
    ASY_BUF_AUTO options = ASY_BUF_INIT;
    int rc = place_layers(view, trees, &options, error);
    if (rc < 0)
        return rc;
    asy_buf_puts(&options, ",userxattr");
    if (options.len > MAX_OPTIONS)
        return asy_error_set(error, ASY_E_LIMIT, "too many layers");
    if (mount("overlay", "root", "overlay", MS_NOSUID | MS_NODEV, options.ptr) != 0) {
        failed(error, "mount the overlay");
        return asy_error_hint(error, "an overlay needs Linux 5.11, and its upper folder must not "
                                     "lie on an overlay: set ASSAY_CACHE to a folder elsewhere");
    }
    return ASY_OK;
}

static int pivot(asy_view *view, asy_error *error)
{
    view->old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (view->old < 0 || chdir("root") != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
        chdir("/") != 0)
        return failed(error, "enter the new root");
    return ASY_OK;
}

static int enter_root(asy_view *view, const int *trees, asy_error *error)
{
    int rc;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return failed(error, "cut the mounts off from the outside");
    if ((rc = make_space(view, error)) < 0)
        return rc;
    if (fchdir(view->space) != 0)
        return failed(error, "enter a tmpfs");
    if (view->spec->lower_count)
        rc = mount_overlay(view, trees, error);
    else
        rc = asy_mount_bind(view->space, "root", 0, "root", error);
    return rc < 0 ? rc : pivot(view, error);
}

int asy_view_volume(asy_view *view, const char *target, mode_t mode, uid_t owner, asy_error *error)
{
    char name[24];
    snprintf(name, sizeof(name), "v%u", view->volumes++);
    if (mkdirat(view->space, name, 0700) != 0 ||
        fchownat(view->space, name, owner, owner, AT_SYMLINK_NOFOLLOW) != 0 ||
        fchmodat(view->space, name, mode, 0) != 0) {
        failed(error, "make a writable folder");
        return asy_error_path(error, target);
    }
    return asy_mount_bind(view->space, name, 0, target, error);
}

/* /usr, and /bin, /lib and so on as the host has them: links into /usr, or folders. */
static int host_system(const asy_view *view, asy_error *error)
{
    static const char *const names[] = {"usr",   "bin",    "sbin",  "lib",
                                        "lib32", "libo32", "lib64", "libx32"};
    for (size_t i = 0; i < ASY_COUNT(names); i++) {
        char to[PATH_MAX], target[16];
        struct stat st;
        snprintf(target, sizeof(target), "/%s", names[i]);
        if (fstatat(view->old, names[i], &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISLNK(st.st_mode)) {
            ssize_t length = readlinkat(view->old, names[i], to, sizeof(to) - 1);
            to[length > 0 ? length : 0] = 0;
            if (length <= 0 || symlink(to, target) != 0)
                return failed(error, "make the links of the host's root");
            continue;
        }
        int rc = asy_mount_bind(view->old, names[i], ASY_TREE_RECURSIVE | ASY_TREE_READ_ONLY,
                                target, error);
        if (rc < 0)
            return rc;
    }
    if (mkdir("/var", 0755) != 0 || symlink("/run", "/var/run") != 0)
        return failed(error, "make /var");
    return asy_etc_fill(view, error);
}

static int make_devices(asy_view *view, asy_error *error)
{
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
                                           {"/proc/self/fd/0", "/dev/stdin"},
                                           {"/proc/self/fd/1", "/dev/stdout"},
                                           {"/proc/self/fd/2", "/dev/stderr"},
                                           {"pts/ptmx", "/dev/ptmx"}};
    int rc = asy_view_volume(view, "/dev", 0755, 0, error);
    for (size_t i = 0; rc == ASY_OK && i < ASY_COUNT(devices); i++) {
        char from[24], target[24];
        struct stat st;
        snprintf(from, sizeof(from), "dev/%s", devices[i]);
        snprintf(target, sizeof(target), "/dev/%s", devices[i]);
        if (fstatat(view->old, from, &st, 0) == 0)
            rc = asy_mount_bind(view->old, from, ASY_TREE_DEVICE, target, error);
    }
    for (size_t i = 0; rc == ASY_OK && i < ASY_COUNT(links); i++)
        if (symlink(links[i][0], links[i][1]) != 0)
            return failed(error, "make the links in /dev");
    if (rc < 0 || (rc = asy_view_volume(view, "/dev/shm", 01777, 0, error)) < 0)
        return rc;
    if (mkdir("/dev/pts", 0755) != 0 || mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                                              "newinstance,ptmxmode=0666,mode=620,gid=5") != 0)
        return failed(error, "mount /dev/pts");
    return ASY_OK;
}

/* Settings stay readable and cannot be written; what tells of the host's kernel memory and keys, or
 * crashes it, is covered. */
static int make_proc(asy_view *view, asy_error *error)
{
    static const char *const read_only[] = {"/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs",
                                            "/proc/sysrq-trigger"};
    static const char *const covered[] = {
        "/proc/kcore",       "/proc/keys",       "/proc/kmsg",
        "/proc/timer_list",  "/proc/key-users",  "/proc/kallsyms",
        "/proc/sched_debug", "/proc/kpagecount", "/proc/kpageflags"};
    if (mkdirat(view->space, "empty", 0555) != 0)
        return failed(error, "make an empty folder");
    int rc = asy_mount_point("/proc", true, error);
    if (rc < 0)
        return rc;
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) {
        failed(error, "mount /proc");
        return asy_error_hint(error, "parts of /proc are covered here, as in most containers: give "
                                     "it a full one, for example --security-opt "
                                     "systempaths=unconfined");
    }
    for (size_t i = 0; rc == ASY_OK && i < ASY_COUNT(read_only); i++)
        if (access(read_only[i], F_OK) == 0)
            rc = asy_mount_bind(AT_FDCWD, read_only[i], ASY_TREE_READ_ONLY, read_only[i], error);
    for (size_t i = 0; rc == ASY_OK && i < ASY_COUNT(covered); i++)
        if (access(covered[i], F_OK) == 0)
            rc = asy_mount_bind(AT_FDCWD, "/dev/null", ASY_TREE_DEVICE, covered[i], error);
    if (rc == ASY_OK && access("/proc/scsi", F_OK) == 0)
        rc = asy_mount_bind(view->space, "empty", ASY_TREE_READ_ONLY, "/proc/scsi", error);
    if (rc == ASY_OK && access("/proc/acpi", F_OK) == 0)
        rc = asy_mount_bind(view->space, "empty", ASY_TREE_READ_ONLY, "/proc/acpi", error);
    return rc;
}

static int make_volumes(asy_view *view, asy_error *error)
{
    uid_t uid = view->spec->uid;
    int rc;
    if ((rc = asy_view_volume(view, "/tmp", 01777, 0, error)) < 0 ||
        (rc = asy_view_volume(view, "/home", 0755, 0, error)) < 0 ||
        (rc = asy_view_volume(view, "/run", 0755, 0, error)) < 0)
        return rc;
    if (mkdir("/run/lock", 0755) != 0 || chmod("/run/lock", 01777) != 0)
        return failed(error, "make /run/lock");
    /* An image's /var/tmp is written to through the overlay. */
    if (!view->spec->lower_count && (rc = asy_view_volume(view, "/var/tmp", 01777, 0, error)) < 0)
        return rc;
    return asy_view_make_dirs("/home/builder", uid, error);
}

static bool is_empty(const char *path)
{
    struct dirent *entry;
    int names = 0;
    DIR *dir = opendir(path);
    while (dir && names <= 2 && (entry = readdir(dir)))
        names++;
    if (dir)
        closedir(dir);
    return names == 2;
}

/* An empty folder of an image is most often a mount point that an earlier run left in a layer. */
static bool can_be_volume(const asy_view *view, const char *top)
{
    struct stat st, root;
    if (lstat(top, &st) != 0)
        return true;
    return view->spec->lower_count && stat("/", &root) == 0 && st.st_dev == root.st_dev &&
           S_ISDIR(st.st_mode) && is_empty(top);
}

/* A top folder that the root does not have becomes a volume: faster than the overlay, and writable
 * where the root is not. */
static int make_top(asy_view *view, const char *path, asy_error *error)
{
    char top[PATH_MAX];
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    size_t length = slash ? (size_t)(slash - path) : strlen(path);
    if (path[0] != '/' || length >= sizeof(top)) {
        asy_error_set(error, ASY_E_USAGE, "a path inside the sandbox must be absolute");
        return asy_error_path(error, path);
    }
    memcpy(top, path, length);
    top[length] = 0;
    if (length <= 1 || !can_be_volume(view, top))
        return ASY_OK;
    return asy_view_volume(view, top, 0755, view->spec->uid, error);
}

/* A copy of a single file to the top has no folder that could be mounted. */
static int make_tops(asy_view *view, asy_error *error)
{
    const asy_sandbox_spec *spec = view->spec;
    int rc = make_top(view, spec->cwd, error);
    for (size_t i = 0; rc == ASY_OK && i < spec->copy_count; i++)
        if (spec->copies[i].target[0] == '/' && strchr(spec->copies[i].target + 1, '/'))
            rc = make_top(view, spec->copies[i].target, error);
    return rc;
}

static int place_binds(asy_view *view, const int *trees, asy_error *error)
{
    const asy_sandbox_spec *spec = view->spec;
    size_t first = asy_view_source_count(spec) - spec->bind_count;
    for (size_t i = 0; i < spec->bind_count; i++) {
        struct stat st;
        const char *target = spec->binds[i].target;
        int rc;
        if (fstat(trees[first + i], &st) != 0)
            return failed(error, "look at a mount");
        if ((rc = asy_mount_point(target, S_ISDIR(st.st_mode), error)) < 0 ||
            (rc = asy_mount_attach(trees[first + i], target, error)) < 0)
            return rc;
    }
    return ASY_OK;
}

/* The old root is mounted over the new one, and would be reached by "/..": the first umount takes
 * the space off the old root, the second the old root itself. The look afterwards is there because
 * nothing else in this file matters when this is wrong. */
static int detach_old(asy_view *view, asy_error *error)
{
    struct stat root, above;
    if (fchdir(view->old) != 0 || umount2(".", MNT_DETACH) != 0 || umount2(".", MNT_DETACH) != 0 ||
        chdir("/") != 0)
        return failed(error, "detach the old root");
    if (stat("/", &root) != 0 || stat("/..", &above) != 0 || root.st_dev != above.st_dev ||
        root.st_ino != above.st_ino)
        return asy_error_set(error, ASY_E_INFRA, "the old root can still be reached");
    asy_close_cleanup(&view->old);
    return ASY_OK;
}

static int name_and_network(const asy_sandbox_spec *spec, asy_error *error)
{
    const char *name = spec->hostname ? spec->hostname : "assay";
    if (sethostname(name, strlen(name)) != 0 || setdomainname("(none)", 6) != 0)
        return failed(error, "set the host name");
    if (spec->network)
        return ASY_OK;
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK};
    ASY_AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback) != 0)
        return failed(error, "bring the loopback up");
    return ASY_OK;
}

static int enter(asy_view *view, const int *trees, asy_error *error)
{
    struct mount_attr sealed = {.attr_set = MOUNT_ATTR_RDONLY};
    bool host = !view->spec->lower_count;
    int rc;
    if ((rc = enter_root(view, trees, error)) < 0 ||
        (host && (rc = host_system(view, error)) < 0) || (rc = make_devices(view, error)) < 0 ||
        (rc = make_proc(view, error)) < 0 || (rc = make_volumes(view, error)) < 0 ||
        (!host && !view->spec->upper && (rc = asy_etc_complete(view, error)) < 0) ||
        (view->spec->network && (rc = asy_etc_network(view, error)) < 0) ||
        (rc = make_tops(view, error)) < 0 || (rc = place_binds(view, trees, error)) < 0 ||
        (rc = detach_old(view, error)) < 0)
        return rc;
    if (host && mount_setattr(AT_FDCWD, "/", 0, &sealed, sizeof(sealed)) != 0)
        return failed(error, "make the root read-only");
    return name_and_network(view->spec, error);
}

int asy_view_enter(asy_view *view, const asy_sandbox_spec *spec, int *trees, asy_error *error)
{
    *view = (asy_view){.spec = spec, .space = -1, .old = -1, .upper = -1};
    umask(022);
    int rc = enter(view, trees, error);
    for (size_t i = 0; i < asy_view_source_count(spec); i++)
        asy_close_cleanup(&trees[i]);
    return rc;
}
