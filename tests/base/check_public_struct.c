/* Structs of the public interface between callers and libraries of different releases, and counts
 * of references. */
#include <stdint.h>
#include <string.h>

#include "base/public_struct.h"
#include "base/reference_count.h"
#include "support/assertions.h"
#include "support/check_main.h"

/* The same struct in three releases. */
typedef struct first_release {
    size_t struct_size;
    int32_t count;
    int32_t kind;
} first_release;

typedef struct this_release {
    size_t struct_size;
    int32_t count;
    int32_t kind;
    const char *name;
    double scale;
} this_release;

typedef struct next_release {
    size_t struct_size;
    int32_t count;
    int32_t kind;
    const char *name;
    double scale;
    int64_t limit;
} next_release;

enum { LEAST = SSCAM_END_OF(this_release, kind) };

static sscam_status read(const void *from, this_release *copy)
{
    memset(copy, 0x55, sizeof *copy);
    return sscam_public_struct_read(from, copy, sizeof *copy, LEAST, "a_struct");
}

/* --- layout ----------------------------------------------------------------------------------- */

/* A field that grew into padding would not be told by struct_size. */
#define ENDS_WITH(type, field) ck_assert_uint_eq(SSCAM_END_OF(type, field), sizeof(type))

START_TEST(no_public_struct_ends_in_padding)
{
    ENDS_WITH(sscam_array, element_type);
    ENDS_WITH(sscam_cuda_array, stream);
    ENDS_WITH(sscam_activations, layer);
    ENDS_WITH(sscam_engine, release);
    ENDS_WITH(sscam_engine_request, output_weight_count);
    ENDS_WITH(sscam_evaluation_case, maps);
    ENDS_WITH(sscam_metric_total, undefined_count);
    ENDS_WITH(sscam_pixels, second_stride);
    ENDS_WITH(sscam_canvas, reserved);
    ENDS_WITH(sscam_read_options, significant_bits);
    ENDS_WITH(sscam_draw_options, alpha);
}
END_TEST

/* --- structs that the library reads ----------------------------------------------------------- */

START_TEST(a_struct_of_this_release_is_copied)
{
    const this_release given = {sizeof given, 3, 4, "five", 6.0};
    this_release copy;
    ck_assert_int_eq(read(&given, &copy), SSCAM_OK);
    ck_assert_mem_eq(&copy, &given, sizeof copy);
}
END_TEST

START_TEST(fields_that_an_older_caller_lacks_are_zero)
{
    struct {
        first_release given;
        unsigned char beyond[64]; /* not to be read */
    } memory = {.given = {sizeof(first_release), 3, 4}};
    memset(memory.beyond, 0xff, sizeof memory.beyond);
    this_release copy;
    ck_assert_int_eq(read(&memory.given, &copy), SSCAM_OK);
    ck_assert(copy.count == 3 && copy.kind == 4 && !copy.name && copy.scale == 0.0);
}
END_TEST

START_TEST(a_field_that_an_older_caller_has_in_part_is_zero_beyond)
{
    this_release given = {SSCAM_END_OF(this_release, name), 3, 4, "five", 6.0}, copy;
    ck_assert_int_eq(read(&given, &copy), SSCAM_OK);
    ck_assert(copy.name == given.name && copy.scale == 0.0);
}
END_TEST

START_TEST(what_a_newer_caller_sets_is_refused)
{
    next_release given = {.struct_size = sizeof given, .count = 3};
    this_release copy;
    ck_assert_int_eq(read(&given, &copy), SSCAM_OK); /* it sets nothing that this release lacks */
    ck_assert_int_eq(copy.count, 3);
    ((unsigned char *)&given)[sizeof given - 1] = 1;
    ASSERT_FAILS(read(&given, &copy), SSCAM_E_ARGUMENT, "a_struct: byte 39");
    given.limit = 1;
    ASSERT_FAILS(read(&given, &copy), SSCAM_E_ARGUMENT, "a later release is needed");
}
END_TEST

START_TEST(a_size_that_was_not_set_is_refused)
{
    static const size_t sizes[] = {0, 1, LEAST - 1, LEAST + 4097, SIZE_MAX / 2, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        this_release given = {.struct_size = sizes[i]}, copy;
        ASSERT_FAILS(read(&given, &copy), SSCAM_E_ARGUMENT, "a_struct: struct_size is");
        ASSERT_FAILS(sscam_public_struct_check(&given, LEAST, "a_struct"), SSCAM_E_ARGUMENT,
                     "struct_size");
    }
    this_release copy;
    ASSERT_FAILS(read(NULL, &copy), SSCAM_E_ARGUMENT, "a_struct is NULL");
}
END_TEST

/* --- structs that the library writes ---------------------------------------------------------- */

START_TEST(an_older_caller_gets_the_fields_that_it_has)
{
    const this_release result = {0, 3, 4, "five", 6.0};
    struct {
        first_release to;
        unsigned char beyond[64];
    } memory = {.to = {sizeof(first_release), 9, 9}};
    memset(memory.beyond, 0x77, sizeof memory.beyond);
    ck_assert_int_eq(sscam_public_struct_check(&memory.to, LEAST, "a_struct"), SSCAM_OK);
    sscam_public_struct_write(&memory.to, &result, sizeof result);
    ck_assert(memory.to.struct_size == sizeof(first_release));
    ck_assert(memory.to.count == 3 && memory.to.kind == 4);
    for (size_t i = 0; i < sizeof memory.beyond; i++)
        ck_assert_int_eq(memory.beyond[i], 0x77);
}
END_TEST

START_TEST(a_newer_caller_gets_zeros_in_its_new_fields)
{
    const this_release result = {0, 3, 4, "five", 6.0};
    next_release to = {.struct_size = sizeof to, .limit = 9};
    ck_assert_int_eq(sscam_public_struct_check(&to, LEAST, "a_struct"), SSCAM_OK);
    sscam_public_struct_write(&to, &result, sizeof result);
    ck_assert(to.struct_size == sizeof to && to.count == 3 && to.scale == 6.0 && to.limit == 0);
    ck_assert_str_eq(to.name, "five");
}
END_TEST

/* --- references ------------------------------------------------------------------------------- */

START_TEST(the_last_reference_is_told)
{
    sscam_reference_count count;
    memset(&count, 0, sizeof count); /* as calloc() makes a handle */
    sscam_reference_add(&count);
    sscam_reference_add(&count);
    ck_assert(!sscam_reference_drop(&count));
    sscam_reference_add(&count);
    ck_assert(!sscam_reference_drop(&count));
    ck_assert(!sscam_reference_drop(&count));
    ck_assert(sscam_reference_drop(&count));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("public_struct");
    TCase *structs = add_tcase(suite, "structs", NULL, NULL);
    tcase_add_test(structs, no_public_struct_ends_in_padding);
    tcase_add_test(structs, a_struct_of_this_release_is_copied);
    tcase_add_test(structs, fields_that_an_older_caller_lacks_are_zero);
    tcase_add_test(structs, a_field_that_an_older_caller_has_in_part_is_zero_beyond);
    tcase_add_test(structs, what_a_newer_caller_sets_is_refused);
    tcase_add_test(structs, a_size_that_was_not_set_is_refused);
    tcase_add_test(structs, an_older_caller_gets_the_fields_that_it_has);
    tcase_add_test(structs, a_newer_caller_gets_zeros_in_its_new_fields);
    TCase *references = add_tcase(suite, "references", NULL, NULL);
    tcase_add_test(references, the_last_reference_is_told);
    return run_suite(suite);
}
