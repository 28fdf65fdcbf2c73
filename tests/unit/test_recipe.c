/* SPDX-License-Identifier: Apache-2.0 */
/* A source is built in the way that its tree says, and nothing in the tree can say more than that. */
#include "recipe/recipe.h"

#include "base/buf.h"
#include "io/io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct bench {
    char dir[32];
    int fd;
    asy_source source;
    asy_plan plan;
    asy_error error;
} bench;

static void start(bench *b)
{
    *b = (bench){.dir = "/tmp/assay-recipe.XXXXXX"};
    cr_assert(mkdtemp(b->dir));
    b->fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    b->source =
        (asy_source){.kind = ASY_SOURCE_GIT, .spec = b->dir, .url = (char *)"https://x/y/name.git"};
}

static void stop(bench *b)
{
    asy_plan_free(&b->plan);
    asy_error_clear(&b->error);
    close(b->fd);
    asy_remove_tree(AT_FDCWD, b->dir, NULL);
}

static void put(const bench *b, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    cr_assert_eq(asy_make_dirs(path, 0755, NULL), ASY_OK);
    *slash = '/';
    cr_assert_eq(asy_write_file(path, asy_span_str(text), 0644, NULL), ASY_OK);
}

static int plan_with(bench *b, const char *build, const char *const *outputs)
{
    asy_plan_free(&b->plan);
    asy_error_clear(&b->error);
    return asy_recipe_plan(b->fd, &b->source, build, outputs, &b->plan, &b->error);
}

static int plan(bench *b)
{
    return plan_with(b, NULL, NULL);
}

static void put_debian(const bench *b, const char *changelog)
{
    put(b, "debian/control", "Source: x\n");
    put(b, "debian/rules", "#!/usr/bin/make -f\n");
    put(b, "debian/changelog", changelog);
}

/* ---- which recipe -------------------------------------------------------------------------------- */

Test(recipe_choice, the_tree_tells_which_recipe)
{
    /* Added one after the other: each is preferred to all before it. */
    static const char *const steps[][3] = {
        {"Makefile", "all:\n", "make"},
        {"configure.ac", "AC_INIT\n", "autotools"},
        {"CMakeLists.txt", "project(x)\n", "cmake"},
        {"meson.build", "project('x')\n", "meson"},
        {"debian/changelog", "x (1) unstable; urgency=low\n", "debian"},
        {"assay.build", "build: make x\noutput: x\n", "assay.build"},
    };
    bench b;
    start(&b);
    put(&b, "debian/control", "Source: x\n");
    put(&b, "debian/rules", "\n");
    for (size_t i = 0; i < ASY_COUNT(steps); i++) {
        put(&b, steps[i][0], steps[i][1]);
        cr_assert_eq(plan(&b), ASY_OK, "%s", steps[i][0]);
        cr_expect_str_eq(b.plan.recipe, steps[i][2]);
        cr_expect_eq(b.plan.build_deps, strcmp(steps[i][2], "debian") == 0);
        cr_expect(b.plan.outputs && b.plan.outputs[0], "%s", steps[i][0]);
    }
    const char *globs[] = {"out/*", NULL};
    cr_assert_eq(plan_with(&b, "sh build.sh", globs), ASY_OK);
    cr_expect_str_eq(b.plan.recipe, "custom");
    cr_expect_str_eq(b.plan.command, "sh build.sh");
    stop(&b);
}

Test(recipe_choice, a_tree_without_a_recipe_lists_what_was_looked_for)
{
    bench b;
    start(&b);
    put(&b, "README", "");
    put(&b, "debian/control", "Source: x\n"); /* without rules it is no source package */
    cr_assert_eq(plan(&b), ASY_E_NOT_FOUND);
    for (const asy_recipe *const *recipe = asy_recipe_all(); *recipe; recipe++)
        cr_expect(strstr(b.error.message, (*recipe)->title), "%s", (*recipe)->title);
    cr_expect(strstr(b.error.hint, "--build"));
    stop(&b);
}

Test(recipe_choice, a_link_does_not_lead_out_of_the_tree)
{
    bench b;
    start(&b);
    char outside[64], link[64];
    snprintf(outside, sizeof(outside), "%s/outside", b.dir);
    snprintf(link, sizeof(link), "%s/tree/assay.build", b.dir);
    put(&b, "outside", "build: make\noutput: x\n");
    put(&b, "tree/Makefile", "all:\n");
    cr_assert_eq(symlink(outside, link), 0);
    close(b.fd);
    snprintf(link, sizeof(link), "%s/tree", b.dir);
    b.fd = open(link, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(plan(&b), ASY_OK);
    cr_expect_str_eq(b.plan.recipe, "make");
    stop(&b);
}

/* ---- Debian -------------------------------------------------------------------------------------- */

Test(recipe_debian, the_folder_is_the_one_of_debians_builders)
{
    static const char *const cases[][2] = {
        {"cjson (1.7.15-1+deb12u4) bookworm; urgency=medium\n", "cjson-1.7.15"},
        {"distro-info-data (0.58+deb12u7) bookworm; urgency=low\n",
         "distro-info-data-0.58+deb12u7"},
        {"\n  \nvim (2:9.0.1378-2) unstable; urgency=low\n", "vim-9.0.1378"},
        {"a (1-2-3) x; urgency=low\n", "a-1-2"},
        {"libx++ (1.0~rc1-1) x; urgency=low\n", "libx++-1.0~rc1"},
    };
    bench b;
    start(&b);
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        char path[128];
        snprintf(path, sizeof(path), "/build/reproducible-path/%s", cases[i][1]);
        put_debian(&b, cases[i][0]);
        cr_assert_eq(plan(&b), ASY_OK, "%s", cases[i][0]);
        cr_expect_str_eq(b.plan.build_dir, path);
        cr_expect_str_eq(b.plan.tree, path);
        cr_expect_str_eq(b.plan.collect_root, "/build/reproducible-path");
        cr_expect_str_eq(b.plan.outputs[0], "*.deb");
    }
    stop(&b);
}

Test(recipe_debian, a_changelog_cannot_name_a_folder_elsewhere_or_a_command)
{
    static const char *const hostile[] = {
        "",
        "x\n",
        "x (1",
        "x () unstable\n",
        "../x (1) unstable\n",
        "x (1/../../2) unstable\n",
        "x (1;reboot) unstable\n",
        "x ($(id)) unstable\n",
        "x (1'2) unstable\n",
        "-x (1) unstable\n",
        "x (-1) unstable\n",
    };
    bench b;
    start(&b);
    for (size_t i = 0; i < ASY_COUNT(hostile); i++) {
        put_debian(&b, hostile[i]);
        cr_expect_eq(plan(&b), ASY_E_FORMAT, "%s", hostile[i]);
        cr_expect(b.error.path && strcmp(b.error.path, "debian/changelog") == 0);
    }
    stop(&b);
}

Test(recipe_debian, the_time_is_the_changelogs_and_the_build_is_not_roots)
{
    bench b;
    start(&b);
    put_debian(&b, "x (1-1) unstable; urgency=low\n");
    cr_assert_eq(plan(&b), ASY_OK);
    cr_expect(strstr(b.plan.command, "SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -S Timestamp)"));
    cr_expect(strstr(b.plan.command, "dpkg-buildpackage -b -us -uc"));
    stop(&b);
}

Test(recipe_debian, a_dsc_is_unpacked_inside)
{
    bench b;
    start(&b);
    asy_source_file files[] = {{.name = (char *)"x_1:2-3.dsc"}};
    b.source.kind = ASY_SOURCE_DSC;
    b.source.package = (char *)"x";
    b.source.version = (char *)"1:2-3";
    b.source.files = files;
    b.source.file_count = 1;
    cr_assert_eq(plan(&b), ASY_OK);
    cr_expect_str_eq(b.plan.build_dir, "/build/reproducible-path");
    cr_expect_str_eq(b.plan.tree, "/build/reproducible-path/x-2");
    cr_expect(strstr(b.plan.command, "dpkg-source --no-check -x './x_1:2-3.dsc' 'x-2'\ncd x-2\n"));
    files[0].name = (char *)"x'; reboot; '.dsc";
    const char *globs[] = {"../*.deb", NULL};
    cr_assert_eq(plan_with(&b, "true", globs), ASY_OK);
    cr_expect(strstr(b.plan.command, "-x './x'\\''; reboot; '\\''.dsc' 'source'\n"));
    cr_expect_str_eq(b.plan.build_dir, "/build");
    cr_expect_str_eq(b.plan.outputs[0], "*.deb");
    stop(&b);
}

/* ---- told how ------------------------------------------------------------------------------------ */

Test(recipe_told, globs_count_from_the_tree)
{
    static const char *const cases[][2] = {
        {"*.deb", "source/*.deb"}, {"./out/x", "source/out/x"},
        {"../x.tar", "x.tar"},     {"..x", "source/..x"},
        {".././x", "x"},
    };
    static const char *const out[] = {"/etc/passwd", "../../x", "a/../../x", "..",
                                      "../",         "",        "a/.."};
    bench b;
    start(&b);
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        const char *globs[] = {cases[i][0], NULL};
        cr_assert_eq(plan_with(&b, "make", globs), ASY_OK, "%s", cases[i][0]);
        cr_expect_str_eq(b.plan.outputs[0], cases[i][1]);
        cr_expect_str_eq(b.plan.collect_root, "/build");
    }
    for (size_t i = 0; i < ASY_COUNT(out); i++) {
        const char *globs[] = {"fine", out[i], NULL};
        cr_expect_eq(plan_with(&b, "make", globs), ASY_E_USAGE, "%s", out[i]);
    }
    stop(&b);
}

Test(recipe_told, a_command_without_outputs_is_refused_and_outputs_alone_use_the_recipe)
{
    bench b;
    start(&b);
    put(&b, "Makefile", "all:\n");
    cr_expect_eq(plan_with(&b, "make", NULL), ASY_E_USAGE);
    const char *globs[] = {"x", "y", NULL};
    cr_assert_eq(plan_with(&b, NULL, globs), ASY_OK);
    cr_expect_str_eq(b.plan.recipe, "make");
    cr_expect_str_eq(b.plan.outputs[1], "source/y");
    cr_expect_null(b.plan.outputs[2]);
    stop(&b);
}

Test(recipe_told, the_file_takes_comments_several_lines_and_no_last_newline)
{
    bench b;
    start(&b);
    put(&b, "assay.build",
        "# how\r\n\n  build:  ./configure  \nbuild: make # all\noutput: *.deb\n\toutput:doc/x.pdf");
    cr_assert_eq(plan(&b), ASY_OK, "%s", b.error.message);
    cr_expect_str_eq(b.plan.command, "set -e\n./configure\nmake # all");
    cr_expect_str_eq(b.plan.outputs[0], "source/*.deb");
    cr_expect_str_eq(b.plan.outputs[1], "source/doc/x.pdf");
    stop(&b);
}

Test(recipe_told, an_error_in_the_file_names_the_line)
{
    static const struct {
        char text[64], says[48];
        int code;
    } cases[] = {
        {"build: make\noutput: x\ninstall: y\n", "line 3", ASY_E_FORMAT},
        {"build:\noutput: x\n", "line 1", ASY_E_FORMAT},
        {"# x\nbuild make\n", "line 2", ASY_E_FORMAT},
        {"output: x\n", "no line \"build: COMMAND\"", ASY_E_FORMAT},
        {"build: make\n", "no line \"output: GLOB\"", ASY_E_FORMAT},
        {"", "no line \"build", ASY_E_FORMAT},
        {"build: make\noutput: /etc/passwd\n", "/etc/passwd", ASY_E_USAGE},
    };
    bench b;
    start(&b);
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        put(&b, "assay.build", cases[i].text);
        cr_expect_eq(plan(&b), cases[i].code, "%s", cases[i].text);
        cr_expect(b.error.message && strstr(b.error.message, cases[i].says), "%s: %s",
                  cases[i].text, b.error.message);
        cr_expect(b.error.path && strcmp(b.error.path, "assay.build") == 0);
    }
    stop(&b);
}

/* ---- staged -------------------------------------------------------------------------------------- */

Test(recipe_stage, the_tarball_has_the_projects_name)
{
    static const char *const cases[][2] = {
        {"https://example.org/a/zlib.git", "zlib.tar"},
        {"/srv/git/zlib/.git/", "zlib.tar"},
        {"git@host:x/lib_a+b-1.2/", "lib_a+b-1.2.tar"},
        {"https://h/$(id);x", "idx.tar"},
        {"/srv/..", "source.tar"},
        {"/", "source.tar"},
        {"", "source.tar"},
    };
    bench b;
    start(&b);
    put(&b, "CMakeLists.txt", "");
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        b.source.url = (char *)cases[i][0];
        cr_assert_eq(plan(&b), ASY_OK);
        cr_expect_str_eq(b.plan.outputs[0], cases[i][1]);
        cr_expect_str_eq(b.plan.build_dir, "/build/source", "no name of the user's in the path");
    }
    b.source.kind = ASY_SOURCE_DIR;
    b.source.url = NULL;
    cr_assert_eq(plan(&b), ASY_OK);
    cr_expect(asy_span_starts(asy_span_str(b.plan.outputs[0]), "assay-recipe."));
    stop(&b);
}
