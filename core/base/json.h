/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: writes RFC 8259 JSON, indented by two spaces, in the order of the calls, so that the same
 * calls give the same bytes. Keys are ours; values may come from inputs. JSON strings hold Unicode
 * only, so a byte that is not valid UTF-8 is written as the four characters \xNN, and a real
 * backslash as two of them: the text is unambiguous and strict parsers take it. Characters that
 * could deceive a reader are spelled \uNNNN.
 * Reading JSON is jansson's work.
 */
#ifndef ASY_JSON_H
#define ASY_JSON_H

#include "base/buf.h"
#include "base/hash.h"

typedef struct asy_json asy_json;

/* Writes to `out`, which outlives the writer. */
asy_json *asy_json_new(asy_buf *out);
/* Ends the document with a newline; returns NULL. Every object and array must be closed. */
asy_json *asy_json_free(asy_json *json);

/* `key` is NULL inside an array and at the top. */
void asy_json_object(asy_json *json, const char *key);
void asy_json_array(asy_json *json, const char *key);
void asy_json_end(asy_json *json); /* closes the innermost object or array */
void asy_json_str(asy_json *json, const char *key, const char *value); /* NULL writes null */
void asy_json_span(asy_json *json, const char *key, asy_span value);
void asy_json_u64(asy_json *json, const char *key, uint64_t value);
void asy_json_i64(asy_json *json, const char *key, int64_t value);
void asy_json_double(asy_json *json, const char *key, double value); /* three decimals */
void asy_json_bool(asy_json *json, const char *key, bool value);
void asy_json_sha256(asy_json *json, const char *key, const asy_sha256 *hash); /* in hex */
void asy_json_null(asy_json *json, const char *key);
/* A value that is JSON already (one of ours, from another writer). */
void asy_json_raw(asy_json *json, const char *key, asy_span document);

#endif
