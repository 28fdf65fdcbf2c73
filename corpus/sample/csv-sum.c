/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv-sum: adds up one column of comma-separated values (RFC 4180) read from standard input.
 *
 *     csv-sum COLUMN < FILE
 *
 * COLUMN counts from 1. A row whose field is no whole number (a heading, say) is named on standard
 * error and left out, and the exit code is then 1.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIELD_MAX = 64 };

/* How a field ended. */
enum ending { END_FIELD, END_ROW, END_FILE };

struct reader {
    unsigned long row; /* counts from 1 */
    char field[FIELD_MAX];
    size_t length; /* of the whole field, of which at most FIELD_MAX - 1 bytes are kept */
};

static void keep(struct reader *reader, int c)
{
    if (reader->length + 1 < FIELD_MAX)
        reader->field[reader->length] = (char)c;
    reader->length++;
}

/* Reads one field; inside quotes a comma and a line end belong to it, and "" is one quote. */
static enum ending read_field(struct reader *reader)
{
    bool quoted = false;
    int c;

    reader->length = 0;
    for (size_t i = 0; i < FIELD_MAX; i++)
        reader->field[i] = '\0';
    while ((c = getchar()) != EOF) {
        if (c == '"') {
            if (quoted && (c = getchar()) == '"') {
                keep(reader, '"');
                continue;
            }
            if (quoted)
                ungetc(c, stdin);
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            return END_FIELD;
        } else if (c == '\n' && !quoted) {
            return END_ROW;
        } else if (c != '\r' || quoted) {
            keep(reader, c);
        }
    }
    return END_FILE;
}

static bool parse_number(const struct reader *reader, long long *number)
{
    char *end;

    if (reader->length == 0 || reader->length >= FIELD_MAX)
        return false;
    errno = 0;
    *number = strtoll(reader->field, &end, 10);
    return errno == 0 && *end == '\0';
}

/* Adds the current field; false, with a message, when it cannot be added. */
static bool add_field(const struct reader *reader, long long *sum)
{
    long long number, result;

    if (!parse_number(reader, &number)) {
        fprintf(stderr, "csv-sum: row %lu: not a whole number\n", reader->row);
        return false;
    }
    if (__builtin_add_overflow(*sum, number, &result)) {
        fprintf(stderr, "csv-sum: row %lu: the sum is too large\n", reader->row);
        exit(2);
    }
    *sum = result;
    return true;
}

int main(int argc, char **argv)
{
    struct reader reader = {.row = 1};
    unsigned long wanted = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long column = 1;
    long long sum = 0;
    bool all_added = true;

    if (wanted == 0) {
        fprintf(stderr, "usage: csv-sum COLUMN < FILE\n");
        return 2;
    }
    for (;;) {
        enum ending ending = read_field(&reader);
        bool empty_line = column == 1 && reader.length == 0 && ending != END_FIELD;

        if (column == wanted && !empty_line && !add_field(&reader, &sum))
            all_added = false;
        column++;
        if (ending == END_FILE)
            break;
        if (ending == END_ROW) {
            column = 1;
            reader.row++;
        }
    }
    printf("%lld\n", sum);
    return all_added ? 0 : 1;
}
