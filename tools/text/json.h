/* Writes JSON, with its commas and escapes; texts may hold any bytes. */
#ifndef SSCAM_TOOLS_TEXT_JSON_H
#define SSCAM_TOOLS_TEXT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    bool after_value; /* a comma comes before the next value */
};

/* The key is that of the member within an object; NULL within an array and at the top. */
void json_open_object(struct json *json, const char *key);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *key);
void json_close_array(struct json *json);

/* NULL becomes null; bytes that are not UTF-8 become U+FFFD. */
void json_text(struct json *json, const char *key, const char *text);

/* NaN and infinities become null. */
void json_real(struct json *json, const char *key, double number);
void json_integer(struct json *json, const char *key, int64_t number);
void json_boolean(struct json *json, const char *key, bool truth);

/* A number given as text; written as a string when it is not a number of JSON. */
void json_number_text(struct json *json, const char *key, const char *number);

/* A value that is JSON already. */
void json_member(struct json *json, const char *key, const char *value);

/* Ends the line, and with it the document. */
void json_end_line(struct json *json);

#endif
