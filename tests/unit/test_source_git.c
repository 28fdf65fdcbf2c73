/* SPDX-License-Identifier: Apache-2.0 */
/* source: git repositories of this machine, compared with what the git client makes of them. */
#include "io/io.h"
#include "source_help.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(source_git, .fini = help_end, .timeout = 120);

static void expect(const char *spec, const char *kind, const char *commit)
{
    fetched result = help_fetch(spec, NULL, false);
    cr_assert_eq(result.rc, ASY_OK, "%s: %s", spec, result.error.message);
    cr_assert_str_eq(result.source.ref_kind, kind, "%s", spec);
    cr_assert_str_eq(result.source.commit, commit, "%s", spec);
    cr_assert_eq(result.source.status, ASY_SOURCE_VERIFIED);
    help_free(&result);
}

Test(source_git, every_way_to_name_a_commit_leads_to_it)
{
    help_sh("git init -q -b main r; cd r; echo 1 > a; git add a; git commit -qm one; git tag light;"
            "git tag -am two heavy; git tag -am three nested heavy; git branch topic/x;"
            "git update-ref refs/remotes/origin/far HEAD");
    ASY_AUTO_FREE char *id = help_line("git -C r rev-parse HEAD");
    ASY_AUTO_FREE char *tag = help_line("git -C r rev-parse heavy");
    const struct {
        const char *revision, *kind;
    } cases[] = {
        {"main", "branch"},
        {"topic/x", "branch"},
        {"light", "tag"},
        {"heavy", "annotated tag"},
        {"nested", "annotated tag"},
        {"HEAD", "HEAD"},
        {"refs/heads/main", "branch"},
        {"refs/tags/heavy", "annotated tag"},
        {"far", "branch"},
        {"origin/far", "branch"},
        {id, "commit"},
        {tag, "annotated tag"},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        ASY_AUTO_FREE char *spec = asy_asprintf("r@%s", cases[i].revision);
        expect(spec, cases[i].kind, id);
    }
    ASY_AUTO_FREE char *part = asy_asprintf("r@%.7s", id);
    expect(part, "commit", id);
    help_sh("git clone -q --bare r bare.git; git -C r worktree add -q ../tree topic/x;"
            "git clone -q --shared r borrower");
    expect("bare.git", "HEAD", id);
    expect("bare.git@main", "branch", id);
    expect("tree@HEAD", "HEAD", id);
    expect("borrower@main", "branch", id);
}

Test(source_git, the_record_names_commit_tree_time_and_place)
{
    help_sh("git init -q -b main r; cd r; echo 1 > a; git add a; git commit -qm one");
    ASY_AUTO_FREE char *tree = help_line("git -C r rev-parse 'HEAD^{tree}'");
    fetched result = help_fetch("r@main", NULL, false);
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    cr_assert_str_eq(result.source.spec, "r@main");
    cr_assert_str_eq(result.source.url, help_path("r"));
    cr_assert_str_eq(result.source.revision, "main");
    cr_assert_str_eq(result.source.tree, tree);
    cr_assert_eq(result.source.epoch, 1577934245);
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    asy_json *json = asy_json_new(&text);
    asy_source_json(&result.source, json, NULL);
    asy_json_free(json);
    cr_assert(strstr(text.ptr, "\"status\": \"verified\""));
    cr_assert(strstr(text.ptr, tree));
    help_free(&result);
}

Test(source_git, what_does_not_exist_is_said_plainly)
{
    help_sh("git init -q -b main r; cd r; echo 1 > a; git add a; git commit -qm one;"
            "git tag blob $(git rev-parse HEAD:a); git init -q -b main ../empty");
    help_fetch_fails("r@nope", ASY_E_NOT_FOUND, "no revision \"nope\"");
    help_fetch_fails("r@blob", ASY_E_NOT_FOUND, "no revision \"blob\"");
    help_fetch_fails("r@0000000000000000000000000000000000000000", ASY_E_NOT_FOUND, "no revision");
    help_fetch_fails("empty@HEAD", ASY_E_NOT_FOUND, "no revision");
}

/* 300 commits share a four-digit prefix with near certainty (birthday: 65536 prefixes); blobs with
 * the same prefix must not disturb. */
Test(source_git, an_ambiguous_name_lists_what_it_could_be)
{
    help_sh("git init -q -b main r; cd r; echo 1 > a; git add a; git commit -qm one;"
            "git branch twice; echo 2 > a; git commit -qam two; git tag -am t twice");
    fetched result = help_fetch("r@twice", NULL, false);
    ASY_AUTO_FREE char *branch = help_line("git -C r rev-parse refs/heads/twice");
    ASY_AUTO_FREE char *tag = help_line("git -C r rev-parse refs/tags/twice");
    ASY_AUTO_FREE char *commit = help_line("git -C r rev-parse 'refs/tags/twice^{}'");
    cr_assert_eq(result.rc, ASY_E_NOT_FOUND);
    cr_assert(strstr(result.error.message, "ambiguous"));
    cr_assert(strstr(result.error.message, branch));
    cr_assert(strstr(result.error.message, tag));
    cr_assert(strstr(result.error.message, commit));
    cr_assert(strstr(result.error.message, "annotated tag"));
    cr_assert(result.error.hint);
    help_free(&result);
    expect("r@refs/tags/twice", "annotated tag", commit);
    expect("r@refs/heads/twice", "branch", branch);

    help_sh("cd r; tree=$(git rev-parse 'HEAD^{tree}'); for i in $(seq 700); do"
            " echo $i | git commit-tree $tree; done | sort > ../ids;"
            "cut -c1-4 ../ids | uniq -d | sed -n 1p > ../prefix");
    ASY_AUTO_FREE char *prefix = help_line("cat prefix");
    ASY_AUTO_FREE char *first = help_line("grep ^%s ids", prefix);
    ASY_AUTO_FREE char *spec = asy_asprintf("r@%s", prefix);
    result = help_fetch(spec, NULL, false);
    cr_assert_eq(result.rc, ASY_E_NOT_FOUND);
    cr_assert(strstr(result.error.message, first), "%s", result.error.message);
    cr_assert(strstr(result.error.message, "commit"));
    help_free(&result);
}

/* `git clone` with the default configuration is the measure of content, modes and links. */
static void expect_like_git(const char *repository)
{
    help_sh("rm -rf theirs; git clone -q --recursive %s theirs; find theirs -name .git -prune "
            "-exec rm -rf {} +",
            repository);
    ASY_AUTO_FREE char *spec = asy_asprintf("%s@main", repository);
    help_fetch_ok(spec);
    help_sh(
        "for d in theirs out; do (cd $d; find . -mindepth 1 -printf '%%P %%y %%m %%l\\n' | sort;"
        "find . -type f -print0 | sort -z | xargs -0 -r sha256sum) > $d.list; done;"
        "diff theirs.list out.list");
}

Test(source_git, files_links_and_modes_are_those_of_a_checkout)
{
    help_sh("git init -q -b main r; cd r; mkdir -p d/e 'sp ace'; echo 1 > d/e/f; echo run > x;"
            "chmod 755 x; ln -s d/e/f l; ln -s /nowhere/at/all dangling; ln -s . d/loop;"
            "printf 'bytes\\0\\xff' > \"$(printf 'n\\xff\\nl')\"; : > empty; echo 2 > 'sp ace/g';"
            "head -c 300000 /dev/urandom > big; git add -A; git commit -qm one;"
            "git repack -adq; echo 3 >> big; git commit -qam two; git gc -q");
    expect_like_git("r");
}

Test(source_git, times_of_files_links_and_folders_are_the_commits)
{
    help_sh("git init -q -b main r; cd r; mkdir -p d/e; echo 1 > d/e/f; ln -s f d/e/l; git add -A;"
            "git commit -qm one");
    help_fetch_ok("r@main");
    ASY_AUTO_FREE char *times = help_line("find out -printf '%%T@\\n' | sort -u | tr '\\n' ' '");
    cr_assert_str_eq(times, "1577934245.0000000000 ");
}

Test(source_git, line_endings_follow_gitattributes_as_in_git)
{
    help_sh(
        "git init -q -b main r; cd r; mkdir -p sub/deep 'a b';"
        "for f in lf.txt lf.bat lf.auto lf.crlf lf.old lf.input lf.bin lf.un lf.macro lf.none "
        "sub/lf.txt sub/deep/lf.txt sub/deep/lf.bat 'a b/lf.txt' keep.txt; do"
        " printf 'one\\ntwo\\n\\nend' > \"$f\"; done;"
        "for f in crlf.txt crlf.auto crlf.crlf crlf.none; do printf 'a\\r\\nb\\r\\n' > $f; done;"
        "for f in mixed.txt mixed.auto mixed.crlf; do printf 'a\\r\\nb\\nc\\r' > $f; done;"
        "printf 'a\\r\\nb\\n' > both.auto; for f in bin.txt bin.auto; do printf 'a\\n\\0b\\n' > "
        "$f; done;"
        "printf 'a\\nb\\n\\032' > dos.auto; printf '\\001\\002\\n\\n' > ctrl.auto;"
        "printf '$Id$ $Id: old $ $Id: a b c $ $Id:x\\n$ $Id$$Id$' > k.id;"
        "printf 'x $Id$\\ny\\n' > both.idtxt;"
        "cat > .gitattributes <<'E'\n"
        "# comment\n"
        "[attr]mine text eol=crlf\n"
        "*.txt text eol=crlf\n"
        "*.bat eol=crlf\n"
        "*.auto text=auto eol=crlf\n"
        "*.crlf crlf eol=crlf\n"
        "*.old -crlf eol=crlf\n"
        "*.input crlf=input eol=crlf\n"
        "*.bin binary eol=crlf\n"
        "*.un text eol=crlf\n"
        "*.un !eol\n"
        "*.macro mine\n"
        "*.id ident\n"
        "*.idtxt ident text eol=crlf\n"
        "/keep.txt -text\n"
        "sub/**/*.bat -text\n"
        "/s*/lf.txt eol=lf\n"
        "E\n"
        "printf '*.txt -text\\r\\n' > sub/deep/.gitattributes;"
        "git -c core.autocrlf=false -c core.safecrlf=false add -A 2>/dev/null;"
        "for f in $(git ls-files -z | tr '\\0' '\\n' | grep -v ' '); do"
        " printf '100644 %%s\\t%%s\\n' $(git hash-object -w --no-filters $f) $f; done |"
        " git update-index --index-info; git commit -qm one");
    expect_like_git("r");
    help_sh("grep -q $'\\r' out/lf.macro; ! grep -q $'\\r' out/sub/lf.txt");
}

Test(source_git, attributes_from_outside_the_commit_have_no_say)
{
    help_sh(
        "git init -q -b main r; cd r; printf 'a\\nb\\n' > a.txt; git add -A; git commit -qm one;"
        "mkdir -p .git/info home; echo '*.txt text eol=crlf' > .git/info/attributes;"
        "echo '*.txt text eol=crlf' > .gitattributes; cp .gitattributes home/;"
        "git config core.attributesFile $PWD/.gitattributes; git config core.autocrlf true;"
        "git config core.eol crlf; printf '[core]\\n\\tautocrlf = true\\n' > home/.gitconfig");
    setenv("HOME", help_path("r/home"), 1);
    unsetenv("GIT_CONFIG_GLOBAL");
    help_fetch_ok("r@main");
    help_sh("printf 'a\\nb\\n' | cmp - out/a.txt");
}

Test(source_git, filters_are_not_run_and_that_is_said)
{
    help_sh("git init -q -b main r; cd r; echo '*.bin filter=lfs' > .gitattributes; echo x > a.bin;"
            "git add -A; git commit -qm one;"
            "git config filter.lfs.smudge 'touch %s; cat'",
            help_path("ran"));
    fetched result = help_fetch("r@main", NULL, false);
    cr_assert_eq(result.rc, ASY_OK);
    cr_assert(strstr(result.said, "1 files have a filter"), "%s", result.said);
    cr_assert_neq(access(help_path("ran"), F_OK), 0);
    help_free(&result);
}

Test(source_git, submodules_are_fetched_at_their_commits)
{
    help_sh("for r in deep lib app; do git init -q -b main $r; done;"
            "cd deep; echo d > d; git add d; git commit -qm d; cd ../lib; echo l > l; git add l;"
            "git submodule --quiet add ../deep sub/deep; git commit -qm l; cd ../app; echo a > a;"
            "git submodule --quiet add ../lib 'li b'; git submodule --quiet add file://%s other;"
            "git add -A; git commit -qm a; cd ../lib; echo newer > l; git commit -qam newer",
            help_path("deep"));
    expect_like_git("app");
    fetched result = help_fetch("app@main", NULL, false);
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    cr_assert_eq(result.source.module_count, 3);
    ASY_AUTO_FREE char *id = help_line("git -C lib rev-parse HEAD~1");
    cr_assert_str_eq(result.source.modules[0].path, "li b");
    cr_assert_str_eq(result.source.modules[0].commit, id);
    cr_assert_str_eq(result.source.modules[0].url, help_path("lib"));
    cr_assert_str_eq(result.source.modules[2].path, "li b/sub/deep");
    help_free(&result);
}

Test(source_git, a_submodule_that_cannot_be_had_is_named)
{
    help_sh("for r in lib app; do git init -q -b main $r; done; cd lib; echo l > l; git add l;"
            "git commit -qm l; cd ../app; git submodule --quiet add ../lib lib; git commit -qm a;"
            "mv ../lib ../gone");
    help_fetch_fails("app@main", ASY_E_NOT_FOUND, "submodule lib");
    help_sh("cd app; git config -f .gitmodules submodule.lib.url http://example.org/lib;"
            "git commit -qam b");
    help_fetch_fails("app@main", ASY_E_USAGE, "submodule lib: http:// is refused");
    help_sh("cd app; git rm -q .gitmodules; git commit -qam c");
    fetched result = help_fetch("app@main", NULL, false);
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    cr_assert(strstr(result.said, "stays empty"));
    help_sh("[ -d out/lib ] && [ -z \"$(ls -A out/lib)\" ]");
    help_free(&result);
}

/* Trees that git refuses to make by itself, written object by object. */
Test(source_git, trees_that_lead_out_of_the_folder_are_refused)
{
    static const char *const trees[] = {
        "printf '040000 tree %s\\t.git\\n' $sub",
        "printf '040000 tree %s\\t.GIT\\n' $sub",
        "printf '100644 blob %s\\t.git\\n' $blob",
        "printf '120000 blob %s\\tsub\\n040000 tree %s\\tsub\\n' $link $sub",
        "printf '100644 blob %s\\ta\\n100644 blob %s\\ta\\n' $blob $blob",
        "printf '100644 blob %s\\ta\\n' $sub",
        "printf '120000 blob %s\\ta\\n' $empty",
    };
    help_sh("git init -q -b main r; mkdir victim");
    for (size_t i = 0; i < ASY_COUNT(trees); i++) {
        help_sh("cd r; blob=$(echo x | git hash-object -w --stdin); empty=$(git hash-object -w "
                "--stdin </dev/null); link=$(printf %s | git hash-object -w --stdin);"
                "sub=$(printf '100644 blob %%s\\tpwned\\n' $blob | git mktree);"
                "list() { %s; }; : > raw; list | while IFS=$'\\t' read -r meta name; do"
                " set -- $meta; printf '%%s %%s\\0' \"${1#0}\" \"$name\" >> raw;"
                " printf \"$(echo $3 | sed 's/../\\\\x&/g')\" >> raw; done;"
                "tree=$(git hash-object -t tree -w --literally raw);"
                "git update-ref refs/heads/main $(echo m | git commit-tree $tree)",
                help_path("victim"), trees[i]);
        help_fetch_fails("r@main", ASY_E_FORMAT, "");
        help_sh("[ -z \"$(ls -A victim)\" ]");
    }
    static const char *const names[] = {"..", ".", "a/b", "../victim/pwned"};
    for (size_t i = 0; i < ASY_COUNT(names); i++) {
        help_sh("cd r; blob=$(echo x | git hash-object -w --stdin); { printf '100644 %s\\0';"
                "printf \"$(echo $blob | sed 's/../\\\\x&/g')\"; } > raw;"
                "tree=$(git hash-object -t tree -w --literally raw);"
                "git update-ref refs/heads/main $(echo m | git commit-tree $tree)",
                names[i]);
        help_fetch_fails("r@main", ASY_E_FORMAT, "");
        help_sh("[ -z \"$(ls -A victim)\" ]");
    }
}

Test(source_git, a_tree_that_unfolds_without_end_stops_at_a_limit)
{
    help_sh("git init -q -b main r; cd r; id=$(echo x | git hash-object -w --stdin); kind='100644 "
            "blob'; for i in $(seq 8); do id=$(for k in $(seq 12); do"
            " printf '%%s %%s\\tn%%d\\n' \"$kind\" $id $k; done | git mktree); kind='040000 tree';"
            "done; git update-ref refs/heads/main $(echo m | git commit-tree $id)");
    help_fetch_fails("r@main", ASY_E_LIMIT, "more than");
}

Test(source_git, a_corrupt_object_is_a_mismatch)
{
    help_sh("git init -q -b main r; cd r; echo genuine > a; git add a; git commit -qm one;"
            "f=.git/objects/$(git rev-parse HEAD:a | sed 's,..,&/,'); chmod u+w $f;"
            "o=$(echo forged! | git hash-object -w --stdin | sed 's,..,&/,');"
            "cp -f .git/objects/$o $f");
    fetched result = help_fetch("r@main", NULL, false);
    cr_assert_eq(result.rc, ASY_E_MISMATCH, "%s", result.error.message);
    cr_assert_eq(result.source.status, ASY_SOURCE_MISMATCH);
    cr_assert_not_null(result.source.commit, "what is known stays in the record");
    cr_assert(strstr(result.error.hint, "fsck"));
    help_free(&result);

    /* another commit in the place of the one that is asked for */
    help_sh("git init -q -b main c; cd c; echo 1 > a; git add a; git commit -qm one;"
            "o=$(echo evil | git commit-tree 'HEAD^{tree}'); f() { echo .git/objects/$(echo $1 |"
            " sed 's,..,&/,'); }; chmod -R u+w .git; cp -f $(f $o) $(f $(git rev-parse HEAD))");
    help_fetch_fails("c@main", ASY_E_MISMATCH, "");
    help_sh("git init -q -b main t; cd t; echo 1 > a; git add a; git commit -qm one;"
            "o=$(echo evil > a; git add a; git write-tree); f() { echo .git/objects/$(echo $1 |"
            " sed 's,..,&/,'); }; chmod -R u+w .git;"
            "cp -f $(f $o) $(f $(git rev-parse HEAD^{tree}))");
    help_fetch_fails("t@main", ASY_E_MISMATCH, "");

    help_sh("git init -q -b main p; cd p; seq 9999 > a; git add a; git commit -qm one; git gc -q;"
            "p=$(ls .git/objects/pack/*.pack); chmod u+w $p;"
            "n=$(git verify-pack -v $p | awk -v i=$(git rev-parse HEAD:a) '$1 == i {print $5}');"
            "printf '\\377\\377' | dd of=$p bs=1 seek=$((n + 400)) conv=notrunc status=none");
    help_fetch_fails("p@main", ASY_E_MISMATCH, "");
}

Test(source_git, a_repository_of_another_user_is_fine)
{
    if (geteuid() != 0)
        return;
    help_sh("git init -q -b main r; cd r; echo 1 > a; git add a; git commit -qm one; cd ..;"
            "chown -R 12345 r; chmod 755 .");
    help_fetch_ok("r@main");
}
