#include "text/string_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"

static bool contains(const struct text_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i], text))
            return true;
    return false;
}

static void add_owned(struct text_list *list, char *text)
{
    list->items = grow(list->items, list->count, sizeof *list->items);
    list->items[list->count++] = text;
}

void text_list_add(struct text_list *list, const char *text)
{
    add_owned(list, copy_text(text, strlen(text)));
}

void text_list_add_separated(struct text_list *list, const char *text)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        char *field = copy_text(text, length);

        if (contains(list, field))
            free(field);
        else
            add_owned(list, field);
        if (!text[length])
            return;
        text += length + 1;
    }
}

void text_list_free(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct text_list){0};
}
