/* YAML read by libyaml into a tree of text/document.h. All its scalars are texts. */
#ifndef SSCAM_TOOLS_TEXT_YAML_READER_H
#define SSCAM_TOOLS_TEXT_YAML_READER_H

#include <stddef.h>

#include "text/document.h"

/* Reads a text of one document, a list or a map, without aliases, equal keys, or more than 32
 * levels. NULL, with the reason in `why`, where it is none. The caller frees both. */
struct json_t *document_from_yaml(const char *text, size_t length, char **why);

#endif
