/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"

#include "diff/diff.h"

#include <stdio.h>
#include <string.h>

static const asy_command commands[] = {
    {"diff", "compare two files, directories or packages", cmd_diff},
    {"rebuild", "build a source in a sandbox and record how", cmd_rebuild},
    {"verify", "rebuild a source and compare it with what was shipped", cmd_verify},
};

static int print_usage(FILE *out)
{
    fputs("Usage: assay COMMAND [OPTION]... [ARG]...\n"
          "Tell whether a software package is what its source says it is.\n"
          "\n",
          out);
    for (size_t i = 0; i < ASY_COUNT(commands); i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs(
        "\n"
        "`assay COMMAND --help` tells more, with examples. `assay --version` prints the version.\n"
        "Exit status: 0 yes, 1 no, 2 trouble, 3 the build failed, 4 try again elsewhere.\n",
        out);
    return out == stdout ? 0 : 2;
}

static const asy_command *find(const char *name)
{
    for (size_t i = 0; i < ASY_COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int help(int argc, char **argv)
{
    const asy_command *command = argc > 1 ? find(argv[1]) : NULL;
    char *args[] = {argc > 1 ? argv[1] : NULL, (char *)"--help", NULL};
    return command ? command->run(2, args) : print_usage(argc > 1 ? stderr : stdout);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return print_usage(stderr);
    const char *word = argv[1];
    if (strcmp(word, "--worker") == 0 && argc > 2 && strcmp(argv[2], "diff") == 0)
        return asy_diff_worker_main(argc - 2, argv + 2);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(word, "--version") == 0) {
        puts("assay " ASY_VERSION);
        return 0;
    }
    const asy_command *command = find(word);
    if (!command) {
        ASY_ERROR_AUTO error = ASY_ERROR_INIT;
        asy_error_set(&error, ASY_E_USAGE, "there is no such command");
        asy_error_hint(&error, "the commands are diff, rebuild and verify; see `assay --help`");
        return cmd_fail(word, &error);
    }
    return command->run(argc - 1, argv + 1);
}
