/* SPDX-License-Identifier: Apache-2.0 */
/* The reports of a verification; a new one is a file, a line here and a line in reporters.c. */
#ifndef ASY_VERIFY_REPORTERS_H
#define ASY_VERIFY_REPORTERS_H

#include "verify/verify.h"

void asy_verify_write_json(const asy_verify_request *request, const asy_verification *verification,
                           asy_buf *out);
void asy_verify_write_text(const asy_verify_request *request, const asy_verification *verification,
                           asy_buf *out);

/* For the text: what differs in one artifact, or why it was not compared. */
void asy_verify_write_differences(const asy_verification *verification, const asy_verify_item *item,
                                  asy_buf *out);

#endif
