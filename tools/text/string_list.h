/* A growing list of texts. */
#ifndef SSCAM_TOOLS_TEXT_STRING_LIST_H
#define SSCAM_TOOLS_TEXT_STRING_LIST_H

#include <stddef.h>

struct text_list {
    char **items;
    size_t count;
};

/* Adds a copy of a text. */
void text_list_add(struct text_list *list, const char *text);

/* Adds the fields of a text between commas, without those that the list has already. */
void text_list_add_separated(struct text_list *list, const char *text);

void text_list_free(struct text_list *list);

#endif
