/* SPDX-License-Identifier: Apache-2.0 */
/* hash: SHA-256 (FIPS 180-4) through libcrypto; the only identity that counts. */
#ifndef ASY_HASH_H
#define ASY_HASH_H

#include "base/base.h"

enum { ASY_SHA256_SIZE = 32, ASY_SHA256_HEX = 64 };

typedef struct asy_sha256 {
    uint8_t bytes[ASY_SHA256_SIZE];
} asy_sha256;

typedef struct asy_hasher asy_hasher;

asy_hasher *asy_hasher_new(void);
void asy_hasher_add(asy_hasher *hasher, asy_span bytes);
/* Ends the hash and frees the hasher. */
asy_sha256 asy_hasher_finish(asy_hasher *hasher);

asy_sha256 asy_sha256_of(asy_span bytes);
bool asy_sha256_eq(const asy_sha256 *a, const asy_sha256 *b);
/* Writes 64 hex digits and a NUL. */
void asy_sha256_hex(const asy_sha256 *hash, char out[ASY_SHA256_HEX + 1]);

#endif
