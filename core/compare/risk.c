/* SPDX-License-Identifier: Apache-2.0 */
/* The published table of risk, where × what: docs/RISK.md says the same in words. */
#include "compare/passes.h"

#include <fnmatch.h>
#include <string.h>

typedef enum place { PLACE_DOCS, PLACE_ORDINARY, PLACE_SENSITIVE, PLACE_CRITICAL } place;

typedef enum what {
    WHAT_LAYOUT,    /* times, order, compression, sizes, checksums */
    WHAT_UNLOADED,  /* parts of a program that do not run: debug data, symbol names */
    WHAT_CONTENT,   /* the bytes of a file, a file that came or went, a link's target */
    WHAT_SLACK,     /* bytes that belong to no structure; a format that is broken */
    WHAT_RIGHTS,    /* owner, permissions */
    WHAT_CODE,      /* what a processor or an interpreter runs */
    WHAT_PRIVILEGE, /* setuid, setgid, capabilities */
    WHAT_COUNT
} what;

static const asy_risk table[WHAT_COUNT][4] = {
    /*                  docs             ordinary         sensitive        critical */
    [WHAT_LAYOUT] = {ASY_RISK_LOW, ASY_RISK_LOW, ASY_RISK_LOW, ASY_RISK_LOW},
    [WHAT_UNLOADED] = {ASY_RISK_LOW, ASY_RISK_LOW, ASY_RISK_LOW, ASY_RISK_MEDIUM},
    [WHAT_CONTENT] = {ASY_RISK_LOW, ASY_RISK_MEDIUM, ASY_RISK_HIGH, ASY_RISK_CRITICAL},
    [WHAT_SLACK] = {ASY_RISK_MEDIUM, ASY_RISK_MEDIUM, ASY_RISK_MEDIUM, ASY_RISK_HIGH},
    [WHAT_RIGHTS] = {ASY_RISK_LOW, ASY_RISK_MEDIUM, ASY_RISK_HIGH, ASY_RISK_CRITICAL},
    [WHAT_CODE] = {ASY_RISK_HIGH, ASY_RISK_HIGH, ASY_RISK_HIGH, ASY_RISK_CRITICAL},
    [WHAT_PRIVILEGE] = {ASY_RISK_CRITICAL, ASY_RISK_CRITICAL, ASY_RISK_CRITICAL, ASY_RISK_CRITICAL},
};

/* Places by path, from the root of the system; * matches slashes, too (fnmatch(3)). */
static const struct {
    const char *pattern;
    place place;
} places[] = {
    {"etc/sudoers*", PLACE_CRITICAL},
    {"etc/pam.d/*", PLACE_CRITICAL},
    {"etc/pam.conf", PLACE_CRITICAL},
    {"*lib*/security/pam_*.so", PLACE_CRITICAL},
    {"etc/ld.so.preload", PLACE_CRITICAL},
    {"etc/ld.so.conf*", PLACE_CRITICAL},
    {"etc/passwd", PLACE_CRITICAL},
    {"etc/shadow", PLACE_CRITICAL},
    {"etc/group", PLACE_CRITICAL},
    {"*.ssh/authorized_keys*", PLACE_CRITICAL},
    {"boot/*", PLACE_CRITICAL},
    {"*.ko", PLACE_CRITICAL},
    {"*.ko.?z", PLACE_CRITICAL},
    {"*.ko.zst", PLACE_CRITICAL},
    {"*systemd/system/*", PLACE_SENSITIVE},
    {"*systemd/user/*", PLACE_SENSITIVE},
    {"*systemd/system-generators/*", PLACE_SENSITIVE},
    {"etc/init.d/*", PLACE_SENSITIVE},
    {"etc/rc?.d/*", PLACE_SENSITIVE},
    {"etc/cron*", PLACE_SENSITIVE},
    {"var/spool/cron*", PLACE_SENSITIVE},
    {"*udev/rules.d/*", PLACE_SENSITIVE},
    {"*dbus-1/system*", PLACE_SENSITIVE},
    {"*polkit-1/*", PLACE_SENSITIVE},
    {"etc/profile*", PLACE_SENSITIVE},
    {"etc/environment", PLACE_SENSITIVE},
    {"etc/xdg/autostart/*", PLACE_SENSITIVE},
    {"etc/modprobe.d/*", PLACE_SENSITIVE},
    {"etc/apt/*", PLACE_SENSITIVE},
    {"usr/share/keyrings/*", PLACE_SENSITIVE},
    {"etc/ssl/*", PLACE_SENSITIVE},
    {"usr/share/ca-certificates/*", PLACE_SENSITIVE},
    {"*.pem", PLACE_SENSITIVE},
    {"*.crt", PLACE_SENSITIVE},
    {"usr/share/doc/*", PLACE_DOCS},
    {"usr/share/man/*", PLACE_DOCS},
    {"usr/share/info/*", PLACE_DOCS},
    {"usr/share/locale/*", PLACE_DOCS},
    {"usr/share/lintian/*", PLACE_DOCS},
};

/* Members of a .deb's control archive that dpkg or debconf runs. */
static const char *const install_scripts[] = {"preinst", "postinst", "prerm",
                                              "postrm",  "config",   "triggers"};

/* Regions by name; * matches anything. The first that fits counts. */
static const struct {
    const char *pattern;
    what what;
} kinds[] = {
    {"*xattr*", WHAT_PRIVILEGE}, {"*capability*", WHAT_PRIVILEGE}, {"*mtime*", WHAT_LAYOUT},
    {"*atime*", WHAT_LAYOUT},    {"*ctime*", WHAT_LAYOUT},         {"*.date", WHAT_LAYOUT},
    {"*mode*", WHAT_RIGHTS},     {"*uid*", WHAT_RIGHTS},           {"*gid*", WHAT_RIGHTS},
    {"*uname*", WHAT_RIGHTS},    {"*gname*", WHAT_RIGHTS},         {"*owner*", WHAT_RIGHTS},
    {"*group*", WHAT_RIGHTS},
};

static const char *const running_sections[] = {
    ".init_array", ".fini_array", ".preinit_array", ".dynamic", ".interp",   ".got",
    ".got.plt",    ".plt",        ".ctors",         ".dtors",   ".rela.plt", ".rela.dyn"};

static bool listed(const char *const *list, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], word) == 0)
            return true;
    return false;
}

static place place_of_part(const char *path)
{
    while (path[0] == '/' || (path[0] == '.' && path[1] == '/'))
        path++;
    for (size_t i = 0; i < ASY_COUNT(places); i++)
        if (fnmatch(places[i].pattern, path, 0) == 0)
            return places[i].place;
    return PLACE_ORDINARY;
}

/* The most telling part of a path through members: an archive in /boot is in /boot. */
static place place_of(const char *inside)
{
    place found = PLACE_ORDINARY;
    ASY_AUTO_FREE char *copy = asy_strdup(inside);
    for (char *part = copy, *next; part; part = next) {
        next = strstr(part, "!/");
        if (next) {
            *next = '\0';
            next += 2;
        }
        place here = place_of_part(part);
        bool says_more = here > PLACE_ORDINARY ? here > found : found == PLACE_ORDINARY;
        if (says_more)
            found = here;
    }
    return found;
}

static bool is_install_script(const char *inside)
{
    const char *name = strrchr(inside, '/');
    return strncmp(inside, "control.tar", strlen("control.tar")) == 0 && name &&
           listed(install_scripts, ASY_COUNT(install_scripts), name + 1);
}

static bool is_program(const asy_node *node)
{
    return node && (strcmp(node->format->name, "elf") == 0 || asy_span_starts(node->bytes, "#!") ||
                    (node->meta.type == ASY_TYPE_FILE && node->meta.has_mode &&
                     (node->meta.mode & 0111) && node->bytes.len > 0));
}

static bool is_setid(const asy_node *node)
{
    return node && node->meta.has_mode && (node->meta.mode & 06000) &&
           node->meta.type != ASY_TYPE_DIR;
}

/* Of a section or a segment of a program. */
static what what_in_program(const asy_difference *difference)
{
    const asy_region *region =
        difference->left_region ? difference->left_region : difference->right_region;
    uint32_t flags = region ? region->flags : 0;
    if ((flags & ASY_REGION_EXEC) ||
        listed(running_sections, ASY_COUNT(running_sections), difference->region))
        return WHAT_CODE;
    if (flags & ASY_REGION_LOAD)
        return WHAT_CONTENT;
    if (region && (region->role == ASY_ROLE_PADDING || region->role == ASY_ROLE_RAW))
        return WHAT_SLACK;
    bool loader_reads =
        strncmp(difference->region, "header", strlen("header")) == 0 ||
        strncmp(difference->region, "program-header", strlen("program-header")) == 0;
    return loader_reads ? WHAT_CODE : WHAT_UNLOADED;
}

/* Of a field in which a container describes a member. */
static what what_of_field(const asy_difference *difference)
{
    const asy_region *region =
        difference->left_region ? difference->left_region : difference->right_region;
    for (size_t i = 0; i < ASY_COUNT(kinds); i++)
        if (fnmatch(kinds[i].pattern, difference->region, 0) == 0)
            return kinds[i].what;
    if (region->role == ASY_ROLE_RAW)
        return WHAT_SLACK;
    if (region->role == ASY_ROLE_PADDING)
        return region->step ? WHAT_LAYOUT : WHAT_SLACK;
    if (region->step || difference->derived_count || region->role == ASY_ROLE_ENCODED)
        return WHAT_LAYOUT;
    return WHAT_CONTENT;
}

static what what_of(const asy_difference *difference, const asy_node *left, const asy_node *right)
{
    if (difference->kind == ASY_MALFORMED)
        return WHAT_SLACK;
    bool whole = !difference->left_region && !difference->right_region;
    bool lone = whole && (difference->kind == ASY_ADDED || difference->kind == ASY_REMOVED);
    if (lone)
        return is_setid(left) || is_setid(right)       ? WHAT_PRIVILEGE
               : is_program(left) || is_program(right) ? WHAT_CODE
                                                       : WHAT_CONTENT;
    if (difference->kind == ASY_REORDERED || difference->kind == ASY_RENAMED)
        return WHAT_LAYOUT;
    if (whole && difference->cause)
        return WHAT_LAYOUT;
    const asy_node *owner = difference->left_node ? difference->left_node : difference->right_node;
    if (!whole && strcmp(owner->format->name, "elf") == 0)
        return what_in_program(difference);
    if (whole || owner->format->payload)
        return is_program(left) || is_program(right) ? WHAT_CODE : WHAT_CONTENT;
    return what_of_field(difference);
}

/* The member that a field of a container describes; the node itself for anything else. */
static const asy_node *subject(const asy_node *node, const asy_region *region)
{
    if (!node || !region || node->format->payload)
        return node;
    size_t at = (size_t)(region - node->regions);
    size_t low = 0, high = node->record_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (node->records[middle].first <= at)
            low = middle;
        else
            high = middle;
    }
    const asy_node *member = node->record_count ? node->records[low].member : NULL;
    return member ? member : node;
}

asy_risk asy_risk_of(const asy_difference *difference, const char *inside)
{
    if (difference->status == ASY_BENIGN)
        return ASY_RISK_NONE;
    const asy_node *left = subject(difference->left_node, difference->left_region);
    const asy_node *right = subject(difference->right_node, difference->right_region);
    what kind = what_of(difference, left, right);
    if (kind == WHAT_RIGHTS && (is_setid(left) || is_setid(right)))
        kind = WHAT_PRIVILEGE;
    place where = place_of(inside);
    if (is_install_script(inside)) {
        where = PLACE_SENSITIVE;
        kind = kind == WHAT_CONTENT ? WHAT_CODE : kind;
    }
    return table[kind][where];
}

/* The path below what was compared: "" for the file itself. */
static const char *path_inside(const asy_work *work, const char *path)
{
    size_t len = strlen(work->name);
    if (strncmp(path, work->name, len) != 0)
        return path;
    path += len;
    return path[0] == '!' ? path + 2 : path[0] == '/' ? path + 1 : path;
}

void asy_pass_risk(asy_work *work)
{
    for (size_t i = 0; i < work->draft_count; i++) {
        asy_difference *difference = &work->drafts[i].d;
        difference->risk = asy_risk_of(difference, path_inside(work, difference->path));
    }
}
