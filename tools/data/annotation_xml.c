#include "data/annotation_xml.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "base/number.h"
#include "common/checked_alloc.h"
#include "text/text_file.h"

#define LARGEST_OBJECT 256 /* bytes; real ones have 100 to 200 */

/* The parser loads neither entities nor other files, and prints nothing. */
#define PARSE_OPTIONS \
    (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS)

static xmlNode *find_child(const xmlNode *parent, const char *name)
{
    for (xmlNode *child = parent ? parent->children : NULL; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && !strcmp((const char *)child->name, name))
            return child;
    return NULL;
}

/* The text of a child without surrounding blanks, or NULL when it is empty or missing. The caller
 * frees it. */
static char *child_text(const xmlNode *parent, const char *name)
{
    xmlNode *child = find_child(parent, name);
    xmlChar *content = child ? xmlNodeGetContent(child) : NULL;
    char *copy = NULL;

    if (child && !content)
        end_without_memory();
    if (content) {
        const char *text = (const char *)content + strspn((const char *)content, " \t\r\n");
        size_t length = strlen(text);
        while (length && strchr(" \t\r\n", text[length - 1]))
            length--;
        if (length)
            copy = copy_text(text, length);
    }
    xmlFree(content);
    return copy;
}

/* Whether a child is a number of reasonable size. */
static int child_number(const xmlNode *parent, const char *name, double *number)
{
    char *text = child_text(parent, name);
    int is_number = text && sscam_parse_real(text, number) && is_coordinate(*number);

    free(text);
    return is_number;
}

/* Reads a box as the file has it. Returns NULL, or why it cannot be used. */
static char *read_box(const xmlNode *object, double box[4])
{
    static const char *const names[] = {"xmin", "ymin", "xmax", "ymax"};
    const xmlNode *node = find_child(object, "bndbox");

    if (!node)
        return format_text("an object has no bndbox");
    for (int i = 0; i < 4; i++)
        if (!child_number(node, names[i], &box[i]))
            return format_text("%s of a box is not a number", names[i]);
    return NULL;
}

static void read_object(const xmlNode *node, struct annotation *annotation)
{
    struct annotated_object object = {.has_box = true, .is_voc = true};
    char *why = read_box(node, object.edges);

    object.name = child_text(node, "name");
    object.action = child_text(node, "action");
    if (!why && !object.name && !object.action)
        why = format_text("an object has no name");
    if (!why) {
        annotation_add(annotation, object);
        return;
    }
    annotation_leave_out(annotation, why);
    free(object.name);
    free(object.action);
}

static char *read_document(xmlDoc *document, int64_t max_objects, struct annotation *annotation)
{
    const xmlNode *root = xmlDocGetRootElement(document);
    const xmlNode *size = find_child(root, "size");
    char *why = NULL;

    if (xmlGetIntSubset(document))
        return format_text("has a document type declaration, which annotations do not need");
    if (!root || strcmp((const char *)root->name, "annotation"))
        return format_text("its root is not <annotation>");
    if (!child_number(size, "width", &annotation->width) ||
        !child_number(size, "height", &annotation->height) || annotation->width < 0 ||
        annotation->height < 0)
        annotation->width = annotation->height = 0;
    for (const xmlNode *node = root->children; node && !why; node = node->next)
        if (node->type == XML_ELEMENT_NODE && !strcmp((const char *)node->name, "object")) {
            if (annotation->count + annotation->unusable == (uint64_t)max_objects)
                why = format_text("has more than %" PRId64 " objects", max_objects);
            else
                read_object(node, annotation);
        }
    if (!why) {
        struct box_range range = {0};
        box_range_extend(&range, annotation);
        annotation_finish(annotation, box_range_is_of_shares(&range));
    }
    return why;
}

static char *parse_failure(xmlParserCtxt *parser)
{
    const xmlError *error = xmlCtxtGetLastError(parser);

    if (error && error->code == XML_ERR_NO_MEMORY)
        end_without_memory();
    const char *message = error && error->message ? error->message : "is not XML";

    return format_text("line %d: %.*s", error ? error->line : 0, (int)strcspn(message, "\r\n"),
                       message);
}

/* What text_file_read() has made of UTF-16 is UTF-8, whatever the file declares. */
static const char *encoding_of(const char *text)
{
    const char *declared = strstr(text, "encoding=");
    const char *end = strstr(text, "?>");

    return declared && end && declared < end &&
                   !strncasecmp(declared + strlen("encoding=") + 1, "utf-16", strlen("utf-16"))
               ? "UTF-8"
               : NULL;
}

/* Bytes that a file may have; the parser takes at most INT_MAX. */
static size_t largest_file(int64_t max_objects)
{
    return max_objects < INT_MAX / LARGEST_OBJECT ? (size_t)max_objects * LARGEST_OBJECT
                                                  : INT_MAX - 1;
}

char *annotation_read(const char *path, int64_t max_objects, struct annotation *annotation)
{
    size_t length;
    char *why, *text = text_file_read(path, largest_file(max_objects), &length, &why);

    *annotation = (struct annotation){0};
    if (!text)
        return why;
    xmlParserCtxt *parser = xmlNewParserCtxt();
    if (!parser)
        end_without_memory();
    xmlDoc *document = xmlCtxtReadMemory(parser, text, (int)length, NULL, encoding_of(text),
                                         PARSE_OPTIONS);
    why = document ? read_document(document, max_objects, annotation) : parse_failure(parser);
    xmlFreeDoc(document);
    xmlFreeParserCtxt(parser);
    free(text);
    if (why)
        annotation_free(annotation);
    return why;
}
