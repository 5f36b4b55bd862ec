/*
 * xml_text.h - XML as programs write it, made such that a parser takes it.
 *
 * Reporters print what tests print: colours, bytes that are no UTF-8, characters that XML does not
 * know, even as numbers (&#27;). Each of these becomes a question mark, in its place and no longer
 * than it was, and the sequences that make colours go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_XML_TEXT_H
#define ARCHIVE_XML_TEXT_H

#include <stddef.h>

/*
 * Clean bytes[0..*len), which may become shorter. Returns the encoding that they are to be read in;
 * NULL: as they say themselves (UTF-16, which is left as it is).
 */
const char *xml_text_clean(unsigned char *bytes, size_t *len);

#endif
