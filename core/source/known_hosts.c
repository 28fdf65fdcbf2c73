/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSH's known_hosts: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". Host certificates are not used. */
#include "source/git.h"

#include <ctype.h>
#include <fnmatch.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <strings.h>

enum { SHA1_SIZE = 20, DECODED_MAX = 8192 };

/* The next word of a line; an empty span at its end. */
static asy_span next_word(asy_span *line)
{
    size_t start = 0, end;
    while (start < line->len && (line->ptr[start] == ' ' || line->ptr[start] == '\t'))
        start++;
    for (end = start; end < line->len; end++) {
        if (line->ptr[end] == ' ' || line->ptr[end] == '\t')
            break;
    }
    asy_span word = asy_span_sub(*line, start, end - start);
    *line = asy_span_sub(*line, end, line->len - end);
    return word;
}

static bool word_is(asy_span word, const char *text)
{
    return asy_span_eq(word, asy_span_str(text));
}

/* Decodes base64 (RFC 4648); the number of bytes, or -1. */
static int decode_base64(asy_span text, uint8_t out[DECODED_MAX])
{
    if (text.len == 0 || text.len % 4 != 0 || text.len / 4 * 3 > DECODED_MAX)
        return -1;
    int len = EVP_DecodeBlock(out, text.ptr, (int)text.len);
    /* EVP_DecodeBlock counts the bytes that padding stands for. */
    for (size_t i = text.len; i > text.len - 2 && len > 0 && text.ptr[i - 1] == '='; i--)
        len--;
    return len;
}

/* |1|SALT|HASH with HASH = HMAC-SHA1(SALT, host). */
static bool hashed_match(asy_span word, const char *host)
{
    uint8_t salt[DECODED_MAX], hash[DECODED_MAX], real[EVP_MAX_MD_SIZE];
    asy_span rest = asy_span_sub(word, 3, word.len - 3);
    const uint8_t *bar = rest.len ? memchr(rest.ptr, '|', rest.len) : NULL;
    if (!bar)
        return false;
    size_t len = (size_t)(bar - rest.ptr);
    int salt_len = decode_base64(asy_span_sub(rest, 0, len), salt);
    int hash_len = decode_base64(asy_span_sub(rest, len + 1, rest.len - len - 1), hash);
    unsigned real_len = 0;
    return salt_len > 0 && hash_len == SHA1_SIZE &&
           HMAC(EVP_sha1(), salt, salt_len, (const uint8_t *)host, strlen(host), real, &real_len) &&
           real_len == SHA1_SIZE && memcmp(real, hash, SHA1_SIZE) == 0;
}

/* Brackets are part of "[name]:port" here, not a set of characters. */
static bool pattern_match(const char *pattern, const char *host)
{
    ASY_BUF_AUTO quoted = ASY_BUF_INIT;
    for (const char *c = pattern; *c; c++) {
        if (*c == '[' || *c == '\\')
            asy_buf_putc(&quoted, '\\');
        asy_buf_putc(&quoted, *c);
    }
    return quoted.ptr && fnmatch(quoted.ptr, host, FNM_CASEFOLD) == 0;
}

/* A comma-separated list of patterns; one with a leading ! that fits excludes the host. */
static bool hosts_match(asy_span word, const char *host)
{
    if (asy_span_starts(word, "|1|"))
        return hashed_match(word, host);
    ASY_AUTO_FREE char *list = asy_strndup((const char *)word.ptr, word.len);
    char *rest = list;
    bool match = false;
    for (char *pattern = strsep(&rest, ","); pattern; pattern = strsep(&rest, ",")) {
        if (*pattern == '!' && pattern_match(pattern + 1, host))
            return false;
        match |= *pattern != '!' && pattern_match(pattern, host);
    }
    return match;
}

static asy_host_verdict check_line(asy_span line, const char *host, asy_span key)
{
    uint8_t bytes[DECODED_MAX];
    asy_span marker = {0}, word = next_word(&line);
    if (word.len == 0 || word.ptr[0] == '#')
        return ASY_HOST_UNKNOWN;
    if (word.ptr[0] == '@') {
        marker = word;
        word = next_word(&line);
    }
    if (!hosts_match(word, host) || (marker.len && !word_is(marker, "@revoked")))
        return ASY_HOST_UNKNOWN;
    next_word(&line); /* the kind of key is inside the key as well */
    int len = decode_base64(next_word(&line), bytes);
    if (len <= 0)
        return ASY_HOST_UNKNOWN;
    bool same = asy_span_eq((asy_span){bytes, (size_t)len}, key);
    if (marker.len)
        return same ? ASY_HOST_REVOKED : ASY_HOST_UNKNOWN;
    return same ? ASY_HOST_KNOWN : ASY_HOST_CHANGED;
}

asy_host_verdict asy_known_hosts_check(asy_span text, const char *host, asy_span key)
{
    asy_host_verdict verdict = ASY_HOST_UNKNOWN;
    while (text.len) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        asy_span line = asy_span_sub(text, 0, len);
        if (asy_span_ends(line, "\r"))
            line.len--;
        asy_host_verdict found = check_line(line, host, key);
        if (found == ASY_HOST_REVOKED)
            return found;
        if (found == ASY_HOST_KNOWN || verdict == ASY_HOST_UNKNOWN)
            verdict = found;
        text = asy_span_sub(text, len + 1, end ? text.len - len - 1 : 0);
    }
    return verdict;
}
