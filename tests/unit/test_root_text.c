/* SPDX-License-Identifier: Apache-2.0 */
/* What dpkg and apt-get say is read as they mean it. The messages are apt-get's own. */
#include "root/inner.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void free_list(asy_package *packages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(packages[i].name);
        free(packages[i].version);
        free(packages[i].architecture);
    }
    free(packages);
}

Test(root_packages, only_what_is_installed_counts_sorted_by_name)
{
    asy_package *packages;
    size_t count;
    asy_root_parse_status(asy_span_str("Package: zlib1g\n"
                                       "Status: install ok installed\n"
                                       "Architecture: amd64\n"
                                       "Description: x\n"
                                       " Package: not-a-field\n"
                                       "Version: 1:1.2.13\n"
                                       "\n\n"
                                       "Package: gone\n"
                                       "Status: deinstall ok config-files\n"
                                       "Version: 1\n"
                                       "Architecture: all\n"
                                       "\n"
                                       "Package: half\n"
                                       "Status: install ok unpacked\n"
                                       "Version: 1\n"
                                       "\n"
                                       "Package: libc6\n"
                                       "Status: install ok installed\n"
                                       "Architecture: i386\n"
                                       "Version: 2\n"
                                       "\n"
                                       "Package: libc6\n"
                                       "Status: install ok installed\n"
                                       "Architecture: amd64\n"
                                       "Version: 2"),
                          &packages, &count);
    cr_assert_eq(count, 3);
    cr_expect_str_eq(packages[0].name, "libc6");
    cr_expect_str_eq(packages[0].architecture, "amd64");
    cr_expect_str_eq(packages[1].architecture, "i386");
    cr_expect_str_eq(packages[2].name, "zlib1g");
    cr_expect_str_eq(packages[2].version, "1:1.2.13");
    free_list(packages, count);
}

Test(root_packages, text_that_is_no_list_gives_none)
{
    static const char *const texts[] = {"", "\n\n\n", "Status: install ok installed\n",
                                        "Package:\nStatus: install ok installed\n", "x"};
    for (size_t i = 0; i < ASY_COUNT(texts); i++) {
        asy_package *packages;
        size_t count;
        asy_root_parse_status(asy_span_str(texts[i]), &packages, &count);
        cr_expect_eq(count, 0, "%s", texts[i]);
        free_list(packages, count);
    }
}

Test(root_apt, what_would_change_is_a_set)
{
    ASY_BUF_AUTO changes = ASY_BUF_INIT;
    asy_root_apt_changes(asy_span_str("Reading package lists...\n"
                                      "Inst m4 (1.4.19-3 Debian:12.15/oldstable [amd64])\n"
                                      "Remv gcc [4:12.2.0-3]\n"
                                      "Inst file (1:5.44-3 Debian:12.15/oldstable [amd64])\n"
                                      "Conf file (1:5.44-3 Debian:12.15/oldstable [amd64])\n"),
                         &changes);
    cr_expect_str_eq(changes.ptr, "Inst file (1:5.44-3 Debian:12.15/oldstable [amd64])\n"
                                  "Inst m4 (1.4.19-3 Debian:12.15/oldstable [amd64])\n"
                                  "Remv gcc [4:12.2.0-3]\n");
}

Test(root_apt, an_unmet_dependency_is_named)
{
    static const struct {
        const char *printed, *package;
    } cases[] = {
        {"The following packages have unmet dependencies:\n"
         " builddeps:/src/ : Depends: libdoesnotexist-dev but it is not installable\n"
         "                   Depends: libc6 (>= 99) but 2.36-9+deb12u14 is to be installed\n"
         "E: Unable to correct problems, you have held broken packages.\n",
         "libdoesnotexist-dev but it is not installable"},
        {"The following packages have unmet dependencies:\n"
         " builddeps:/run/bad : Depends: debhelper-compat (= 13)\n"
         "                      Depends: libc6 (>= 99) but 2.41-12 is to be installed\n",
         "libc6 (>= 99) but 2.41-12 is to be installed"},
        {" builddeps:/run/bad : Depends: debhelper-compat (= 13)\n"
         "                      Depends: libc6 (>= 99) but 2.41-12 is to be installed\n"
         "E: Unable to satisfy dependencies. Reached two conflicting decisions:\n"
         "   1. builddeps:/run/bad:amd64=1 is selected for install\n"
         "   2. builddeps:/run/bad:amd64 Depends libnone-dev\n"
         "      but none of the choices are installable:\n"
         "      [no choices]\n",
         "libnone-dev"},
        {"E: The repository is gone\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        ASY_BUF_AUTO what = ASY_BUF_INIT;
        bool found = asy_root_apt_unmet(asy_span_str(cases[i].printed), &what);
        cr_expect_eq(found, cases[i].package != NULL, "%s", cases[i].printed);
        if (found)
            cr_expect_str_eq(what.ptr, cases[i].package);
    }
}

Test(root_apt, a_version_that_has_vanished_is_told_from_a_network_that_is_away)
{
    cr_expect(asy_root_apt_vanished(
        asy_span_str("Err:1 http://mirror bookworm/main amd64 m4\n"
                     "E: Failed to fetch http://mirror/m4.deb  404  Not Found [IP: ::1 80]\n")));
    cr_expect_not(asy_root_apt_vanished(asy_span_str(
        "E: Failed to fetch http://mirror/m4.deb  Temporary failure resolving 'mirror'\n")));
}

Test(root_apt, a_failure_is_told_in_the_words_of_apt_and_cannot_paint_the_terminal)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    cr_assert_eq(
        asy_root_step_failed(&error, "x", asy_span_str("W: x\nE: \033[2Jcause\nE: failed\nend\n")),
        ASY_E_INFRA);
    cr_expect_str_eq(error.message, "x: \\x1b[2Jcause");
    asy_root_step_failed(&error, "x", asy_span_str("tar: no such file\n\n"));
    cr_expect_str_eq(error.message, "x: tar: no such file");
    asy_root_step_failed(&error, "x", asy_span_str(""));
    cr_expect_str_eq(error.message, "x: it failed without a word");
}
