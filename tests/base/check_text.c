/* Text of the base: printable messages, numbers, paths, suggestions, text files. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkstemp */
#endif

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/number.h"
#include "base/path.h"
#include "base/printable.h"
#include "base/suggestion.h"
#include "support/assertions.h"
#include "support/check_main.h"

/* --- printable text --------------------------------------------------------------------------- */

static void assert_printable(const char *text, size_t size, const char *wanted)
{
    char out[64];
    ck_assert_uint_le(size, sizeof out);
    memset(out, '#', sizeof out);
    sscam_copy_printable(out, size, text);
    ck_assert_str_eq(out, wanted);
}

START_TEST(control_characters_become_blanks)
{
    assert_printable("a\nb\x1b[31m\x7f", 64, "a b [31m ");
    assert_printable("a\xc2\x9b"
                     "31m\xc2\x85",
                     64, "a 31m "); /* CSI and NEL of ISO 6429 */
    assert_printable("\xc2\xa0\xc3\x9f", 64, "\xc2\xa0\xc3\x9f");
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_kept)
{
    assert_printable("\xdc"
                     "bersicht",
                     64,
                     "\xdc"
                     "bersicht");
    assert_printable("\xe7\x8c", 64, "\xe7\x8c");
}
END_TEST

START_TEST(characters_are_not_cut_in_two)
{
    assert_printable("ab\xe7\x8c\xab", 6, "ab\xe7\x8c\xab");
    assert_printable("ab\xe7\x8c\xab", 5, "ab");
    assert_printable("ab\xe7\x8c\xab", 4, "ab");
    assert_printable("ab\xf0\x9f\x90\xb1z", 7, "ab\xf0\x9f\x90\xb1");
    assert_printable("ab", 1, "");
}
END_TEST

/* --- numbers ---------------------------------------------------------------------------------- */

START_TEST(reals_are_written_and_read_back)
{
    static const double values[] = {0.0,    -0.0, 0.1, 1e300, 5e-324, -1.7976931348623157e308,
                                    1234567};
    char text[SSCAM_REAL_SIZE];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        double again = NAN;
        ck_assert(sscam_parse_real(sscam_format_real(values[i], 17, text), &again));
        ck_assert_mem_eq(&again, &values[i], sizeof again);
    }
    ck_assert_str_eq(sscam_format_real(0.1, 9, text), "0.1");
    ck_assert_str_eq(sscam_format_real(1e-7, 3, text), "1e-07");
    ck_assert_str_eq(sscam_format_real(INFINITY, 9, text), "inf");
}
END_TEST

START_TEST(what_is_not_a_number_is_refused)
{
    static const char *const texts[] = {"",    " 1",  "1 ",     "0x10", "nan",
                                        "inf", "1,5", "1e9999", "--1",  "1.5x"};
    double real = 7;
    int64_t whole = 7;
    ck_assert(!sscam_parse_real(texts[_i], &real) && !sscam_parse_int(texts[_i], &whole));
    ck_assert_double_eq(real, 7);
    ck_assert_int_eq(whole, 7);
}
END_TEST

/* --- paths ------------------------------------------------------------------------------------ */

START_TEST(paths_have_folder_name_and_extension)
{
    static const struct {
        const char *path;
        size_t folder;
        const char *name, *extension;
    } all[] = {{"a.png", 0, "a.png", ".png"},
               {"/a/b.c/d", 7, "d", ""},
               {"a/b.tar.gz", 2, "b.tar.gz", ".gz"},
               {"a/.png", 2, ".png", ""},
               {"a/", 2, "", ""},
               {"", 0, "", ""},
               {"a/b.", 2, "b.", "."}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        ck_assert_uint_eq(sscam_folder_length(all[i].path), all[i].folder);
        ck_assert_str_eq(sscam_file_name(all[i].path), all[i].name);
        ck_assert_str_eq(sscam_extension(all[i].path), all[i].extension);
    }
}
END_TEST

/* --- suggestions ------------------------------------------------------------------------------ */

START_TEST(edit_distances)
{
    char longer[400];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    ck_assert_uint_eq(sscam_edit_distance("kitten", "sitting"), 3);
    ck_assert_uint_eq(sscam_edit_distance("", "abc"), 3);
    ck_assert_uint_eq(sscam_edit_distance("abc", ""), 3);
    ck_assert_uint_eq(sscam_edit_distance("same", "same"), 0);
    ck_assert_uint_eq(sscam_edit_distance(longer, "a"), SSCAM_LONGEST_COMPARED);
}
END_TEST

static const char *suggested(const char *wanted)
{
    static sscam_suggestion search;
    static const char *const names[] = {"score-cam", "ss-cam-mean", "grad-cam"};
    search = sscam_suggestion_for(wanted);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        sscam_suggestion_consider(&search, names[i]);
    return sscam_suggestion_text(&search);
}

START_TEST(the_nearest_name_is_suggested)
{
    ck_assert_str_eq(suggested("gradcam"), "; did you mean 'grad-cam'?");
    ck_assert_str_eq(suggested("scorecam"), "; did you mean 'score-cam'?");
    ck_assert_str_eq(suggested("x"), "");
    ck_assert_str_eq(suggested(""), "");
}
END_TEST

/* --- text files ------------------------------------------------------------------------------- */

static sscam_status read_text_of(const char *bytes, size_t size, size_t limit, char **text,
                                 size_t *length)
{
    char path[] = "/tmp/sscam-check-text-XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_eq(write(descriptor, bytes, size), (ssize_t)size);
    close(descriptor);
    sscam_status status = sscam_file_read_text(path, limit, text, length);
    unlink(path);
    return status;
}

START_TEST(text_files_end_in_a_zero_byte)
{
    static const struct {
        const char *content, *text;
    } all[] = {{"", ""},
               {"a\nb", "a\nb"},
               {"\xef\xbb\xbf"
                "a",
                "a"},
               {"\xef\xbb\xbf", ""}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char *text;
        size_t length;
        ck_assert_int_eq(read_text_of(all[i].content, strlen(all[i].content), 4, &text, &length),
                         SSCAM_OK);
        ck_assert_str_eq(text, all[i].text);
        ck_assert_uint_eq(length, strlen(all[i].text));
        free(text);
    }
}
END_TEST

START_TEST(utf16_becomes_utf8)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *text; /* NULL: refused */
    } all[] = {
        {"\xff\xfe"
         "a\0\n\0",
         6, "a\n"},
        {"\xfe\xff\0a\0\xe9", 6, "a\xc3\xa9"},
        {"\xff\xfe\xac\x20\x3d\xd8\x00\xde", 8, "\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xff\xfe", 2, ""},
        {"\xff\xfe"
         "a",
         3, NULL},
        {"\xff\xfe\0\0", 4, NULL},
        {"\xff\xfe\x3d\xd8", 4, NULL},
        {"\xff\xfe\x3d\xd8"
         "a\0",
         6, NULL},
        {"\xff\xfe\x00\xde"
         "a\0",
         6, NULL},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char *text;
        size_t length;
        sscam_status status = read_text_of(all[i].bytes, all[i].size, 100, &text, &length);
        ck_assert_int_eq(status, all[i].text ? SSCAM_OK : SSCAM_E_FORMAT);
        if (all[i].text) {
            ck_assert_str_eq(text, all[i].text);
            ck_assert_uint_eq(length, strlen(all[i].text));
        } else {
            ck_assert_ptr_null(text);
        }
        free(text);
    }
}
END_TEST

START_TEST(what_is_not_a_text_file_is_refused)
{
    char *text;
    size_t length;
    ck_assert_int_eq(read_text_of("a\0b", 3, 10, &text, &length), SSCAM_E_FORMAT);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(read_text_of("abcde", 5, 4, &text, &length), SSCAM_E_FORMAT);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(sscam_file_read_text("/tmp", 4, &text, &length), SSCAM_E_IO);
    ck_assert_ptr_null(text);
}
END_TEST

/* --- locales ---------------------------------------------------------------------------------- */

/* Compiles a locale, since few systems have one whose encoding or decimal sign is another; false
 * where it cannot be had. */
static int use_locale(const char *source, const char *encoding)
{
    static char folder[] = "/tmp/sscam-locale-XXXXXX";
    char command[256];
    if (folder[strlen(folder) - 1] == 'X' && !mkdtemp(folder))
        return 0;
    snprintf(command, sizeof command, "localedef -c -i %s -f %s %s/%s >/dev/null 2>&1", source,
             encoding, folder, source);
    int made = system(command);
    setenv("LOCPATH", folder, 1);
    int is_set = setlocale(LC_ALL, source) != NULL;
    snprintf(command, sizeof command, "rm -r %s", folder);
    int removed = system(command);
    (void)made;
    (void)removed;
    return is_set;
}

START_TEST(messages_do_not_depend_on_the_locale)
{
    if (!use_locale("de_DE", "ISO-8859-1"))
        return;
    sscam_fail(SSCAM_E_IO, "%s", "Übersicht/猫.pt"); /* bytes from 0x80 to 0x9f among others */
    ck_assert_str_eq(sscam_error_message(), "Übersicht/猫.pt");
}
END_TEST

START_TEST(numbers_do_not_depend_on_the_locale)
{
    char text[SSCAM_REAL_SIZE], there[8];
    double value = 0;
    if (!use_locale("ps_AF", "UTF-8"))
        return;
    snprintf(there, sizeof there, "%.1f", 0.5);
    ck_assert_str_ne(there, "0.5");
    ck_assert_str_eq(sscam_format_real(0.5, 9, text), "0.5");
    ck_assert(sscam_parse_real("0.5", &value));
    ck_assert_double_eq(value, 0.5);
    char again[8];
    snprintf(again, sizeof again, "%.1f", 0.5);
    ck_assert_str_eq(again, there); /* the host's locale is as before */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, control_characters_become_blanks);
    tcase_add_test(tests, bytes_that_are_not_utf8_are_kept);
    tcase_add_test(tests, characters_are_not_cut_in_two);
    tcase_add_test(tests, reals_are_written_and_read_back);
    tcase_add_loop_test(tests, what_is_not_a_number_is_refused, 0, 10);
    tcase_add_test(tests, paths_have_folder_name_and_extension);
    tcase_add_test(tests, edit_distances);
    tcase_add_test(tests, the_nearest_name_is_suggested);
    tcase_add_test(tests, text_files_end_in_a_zero_byte);
    tcase_add_test(tests, utf16_becomes_utf8);
    tcase_add_test(tests, what_is_not_a_text_file_is_refused);
    tcase_add_test(tests, utf16_becomes_utf8);
    suite_add_tcase(suite, tests);
    TCase *locales = tcase_create("locales"); /* in processes of their own, unless CK_FORK=no */
    tcase_add_test(locales, messages_do_not_depend_on_the_locale);
    tcase_add_test(locales, numbers_do_not_depend_on_the_locale);
    suite_add_tcase(suite, locales);
    return run_suite(suite);
}
