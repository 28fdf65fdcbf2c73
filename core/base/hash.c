/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

asy_hasher *asy_hasher_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ASY_ASSERT(context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    return (asy_hasher *)context;
}

void asy_hasher_add(asy_hasher *hasher, asy_span bytes)
{
    ASY_ASSERT(EVP_DigestUpdate((EVP_MD_CTX *)hasher, bytes.ptr, bytes.len) == 1);
}

asy_sha256 asy_hasher_finish(asy_hasher *hasher)
{
    asy_sha256 hash;
    ASY_ASSERT(EVP_DigestFinal_ex((EVP_MD_CTX *)hasher, hash.bytes, NULL) == 1);
    EVP_MD_CTX_free((EVP_MD_CTX *)hasher);
    return hash;
}

asy_sha256 asy_sha256_of(asy_span bytes)
{
    asy_hasher *hasher = asy_hasher_new();
    asy_hasher_add(hasher, bytes);
    return asy_hasher_finish(hasher);
}

bool asy_sha256_eq(const asy_sha256 *a, const asy_sha256 *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void asy_sha256_hex(const asy_sha256 *hash, char out[ASY_SHA256_HEX + 1])
{
    for (size_t i = 0; i < ASY_SHA256_SIZE; i++)
        snprintf(out + 2 * i, 3, "%02x", hash->bytes[i]);
}
