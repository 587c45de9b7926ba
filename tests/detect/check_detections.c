/* Detectors: which layout outputs have, their detections, and the score of one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/detection_anchor.h"
#include "detect/detection_list.h"
#include "detect/detection_target.h"
#include "detect/detector_recognition.h"
#include "sscam/status.h"
#include "support/assertions.h"
#include "support/check_main.h"

enum { SIDE = 64, BOXES = 84, CLASSES = 3, MOST = 16 * 1024 };

static float row[MOST];

/* Small numbers without a pattern. */
static double noise(int64_t i)
{
    return fmod(fabs(sin((double)i * 12.9898) * 43758.5453), 1.0);
}

static void set(int64_t boxes, int64_t parts, int32_t boxes_last, int64_t box, int64_t part,
                double value)
{
    row[boxes_last ? part * boxes + box : box * parts + part] = (float)value;
}

/* Boxes by centre and size in units of `unit` pixels, then scores from `first`. */
static void fill(int64_t boxes, int64_t parts, int32_t boxes_last, double unit)
{
    for (int64_t i = 0; i < boxes; i++) {
        set(boxes, parts, boxes_last, i, 0, (8.0 + 48.0 * noise(i)) / unit);
        set(boxes, parts, boxes_last, i, 1, (8.0 + 48.0 * noise(i + 1000)) / unit);
        set(boxes, parts, boxes_last, i, 2, (4.0 + 8.0 * noise(i + 2000)) / unit);
        set(boxes, parts, boxes_last, i, 3, (4.0 + 8.0 * noise(i + 3000)) / unit);
        for (int64_t part = 4; part < parts; part++)
            set(boxes, parts, boxes_last, i, part, 0.9 * noise(i * 7 + part * 131));
    }
}

static sscam_status find(const sscam_detector_output *outputs, int64_t count,
                         sscam_detector_kind kind, int64_t values, sscam_detector_layout *layout,
                         int32_t *is_detector)
{
    const sscam_detector_outputs given = {outputs, count, "", kind, SIDE, SIDE};
    sscam_status status = sscam_find_detector_row(&given, layout, is_detector);
    return status == SSCAM_OK && *is_detector
               ? sscam_find_detector_layout(&given, row, values, layout, is_detector)
               : status;
}

static sscam_status find_single(int64_t a, int64_t b, sscam_detector_kind kind,
                                sscam_detector_layout *layout, int32_t *is_detector)
{
    const int64_t shape[] = {1, a, b};
    const sscam_detector_output output = {"", 3, shape, 0, SSCAM_LOST_NONE};
    return find(&output, 1, kind, a * b, layout, is_detector);
}

static void assert_kind(int64_t a, int64_t b, sscam_detector_kind kind, int64_t classes)
{
    sscam_detector_layout layout;
    int32_t is_detector = 0;
    ck_assert_int_eq(find_single(a, b, SSCAM_DETECTOR_AUTO, &layout, &is_detector), SSCAM_OK);
    ck_assert_int_eq(is_detector, 1);
    ck_assert_int_eq(layout.kind, kind);
    ck_assert_int_eq(layout.classes, classes);
}

/* --- layouts ---------------------------------------------------------------------------------- */

START_TEST(single_tensors_are_told_by_shape_and_values)
{
    fill(BOXES, 4 + CLASSES, 1, 1.0);
    assert_kind(4 + CLASSES, BOXES, SSCAM_DETECTOR_YOLOV8, CLASSES);
    fill(BOXES, 4 + CLASSES, 1, SIDE);
    assert_kind(4 + CLASSES, BOXES, SSCAM_DETECTOR_RT_DETR_TRANSPOSED, CLASSES);
    fill(50, 4 + CLASSES, 0, SIDE);
    assert_kind(50, 4 + CLASSES, SSCAM_DETECTOR_RT_DETR, CLASSES);
    /* 64 / 8, 64 / 16 and 64 / 32 cells a side, three boxes a cell */
    fill(3 * BOXES, 5 + CLASSES, 0, 1.0);
    assert_kind(3 * BOXES, 5 + CLASSES, SSCAM_DETECTOR_YOLOV5, CLASSES);
    fill(BOXES, 5, 0, 1.0);
    assert_kind(BOXES, 5, SSCAM_DETECTOR_YOLOV8_TRANSPOSED, 1);
}
END_TEST

START_TEST(lists_with_labels_are_told_by_whole_numbers)
{
    for (int64_t i = 0; i < 20; i++) {
        const float values[] = {
            (float)i, 2.0f, (float)i + 9.0f, 30.0f, 1.0f - (float)i / 40.0f, (float)(i % 7)};
        memcpy(row + 6 * i, values, sizeof values);
    }
    assert_kind(20, 6, SSCAM_DETECTOR_YOLOV10, 0);
}
END_TEST

/* Boxes in [0,1], in descending order of confidence, whose labels could be scores. */
START_TEST(labels_of_two_classes_are_no_scores)
{
    sscam_detector_layout layout;
    int32_t is_detector = 0;
    double confidence = 0.0;
    for (int64_t i = 0; i < 20; i++) {
        const float values[] = {(float)(0.2 + 0.6 * noise(i)),
                                (float)(0.2 + 0.6 * noise(i + 50)),
                                0.1f,
                                0.2f,
                                (float)(0.9 - 0.04 * (double)i),
                                (float)(i % 2)};
        memcpy(row + 6 * i, values, sizeof values);
    }
    ck_assert_int_eq(find_single(20, 6, SSCAM_DETECTOR_AUTO, &layout, &is_detector), SSCAM_OK);
    ck_assert_int_eq(layout.kind, SSCAM_DETECTOR_RT_DETR_LABELS);
    ck_assert_int_eq(sscam_detector_class(&layout, row, 1, &confidence), 1);
    ck_assert_double_eq_tol(confidence, 0.86, 1e-6);
    const sscam_box box = sscam_detector_box(&layout, row, 1);
    ck_assert_double_eq_tol(box.right - box.left, 0.1 * SIDE, 1e-4);
    ck_assert_int_eq(layout.is_final, 1);
}
END_TEST

/* An objectness and a class more cannot be told apart. */
START_TEST(ambiguous_outputs_are_refused)
{
    sscam_detector_layout layout;
    int32_t is_detector = 0;
    fill(BOXES, 5 + CLASSES, 0, 1.0);
    ASSERT_FAILS(find_single(BOXES, 5 + CLASSES, SSCAM_DETECTOR_AUTO, &layout, &is_detector),
                 SSCAM_E_ARGUMENT, "option detector to yolov5 (with an objectness)");
    ck_assert_int_eq(find_single(BOXES, 5 + CLASSES, SSCAM_DETECTOR_YOLOV5, &layout, &is_detector),
                     SSCAM_OK);
    ck_assert_int_eq(layout.classes, CLASSES);
    ck_assert_int_eq(
        find_single(BOXES, 5 + CLASSES, SSCAM_DETECTOR_YOLOV8_TRANSPOSED, &layout, &is_detector),
        SSCAM_OK);
    ck_assert_int_eq(layout.classes, CLASSES + 1);
    for (int64_t i = 0; i < 20 * 20; i++)
        row[i] = (float)(0.2 + 0.5 * noise(i));
    ASSERT_FAILS(find_single(20, 20, SSCAM_DETECTOR_AUTO, &layout, &is_detector), SSCAM_E_ARGUMENT,
                 "option detector");
}
END_TEST

/* Logits of several heads, or features of tokens. */
START_TEST(other_tables_are_no_detectors)
{
    sscam_detector_layout layout;
    int32_t is_detector = 1;
    for (int64_t i = 0; i < 10 * 40; i++)
        row[i] = (float)(10.0 * noise(i) - 5.0);
    ck_assert_int_eq(find_single(10, 40, SSCAM_DETECTOR_AUTO, &layout, &is_detector), SSCAM_OK);
    ck_assert_int_eq(is_detector, 0);
    fill(BOXES, 4 + CLASSES, 1, 1.0);
    ck_assert_int_eq(find_single(4 + CLASSES, BOXES, SSCAM_DETECTOR_OFF, &layout, &is_detector),
                     SSCAM_OK);
    ck_assert_int_eq(is_detector, 0);
    ASSERT_FAILS(find_single(4, 3, SSCAM_DETECTOR_YOLOV8, &layout, &is_detector), SSCAM_E_ARGUMENT,
                 "[N,4+classes,boxes]");
}
END_TEST

/* Boxes [1,Q,4] first, then scores. */
static sscam_status find_pair(int64_t queries, int64_t columns, sscam_detector_kind kind,
                              sscam_detector_layout *layout, int32_t *is_detector)
{
    const int64_t boxes_shape[] = {1, queries, 4}, scores_shape[] = {1, queries, columns};
    const sscam_detector_output outputs[] = {{"pred_logits", 3, scores_shape, 0, SSCAM_LOST_NONE},
                                             {"pred_boxes", 3, boxes_shape, 0, SSCAM_LOST_NONE}};
    return find(outputs, 2, kind, queries * (4 + columns), layout, is_detector);
}

static void fill_pair(int64_t queries, int64_t columns, double last_logit)
{
    for (int64_t i = 0; i < queries; i++) {
        for (int64_t part = 0; part < 4; part++)
            row[4 * i + part] = (float)(0.2 + 0.4 * noise(4 * i + part));
        for (int64_t j = 0; j < columns; j++)
            row[4 * queries + i * columns + j] =
                (float)(j + 1 < columns ? 4.0 * noise(i + 31 * j) - 4.0 : last_logit);
    }
}

START_TEST(pairs_are_told_by_no_object_or_refused)
{
    sscam_detector_layout layout;
    int32_t is_detector = 0;
    fill_pair(20, CLASSES + 1, 2.0);
    ck_assert_int_eq(find_pair(20, CLASSES + 1, SSCAM_DETECTOR_AUTO, &layout, &is_detector),
                     SSCAM_OK);
    ck_assert_int_eq(layout.kind, SSCAM_DETECTOR_DETR);
    ck_assert_int_eq(layout.classes, CLASSES);
    ck_assert_str_eq(layout.selector, "@1+0");
    fill_pair(20, CLASSES + 1, -9.0);
    ASSERT_FAILS(find_pair(20, CLASSES + 1, SSCAM_DETECTOR_AUTO, &layout, &is_detector),
                 SSCAM_E_ARGUMENT, "deformable-detr");
    ck_assert_int_eq(
        find_pair(20, CLASSES + 1, SSCAM_DETECTOR_DEFORMABLE_DETR, &layout, &is_detector),
        SSCAM_OK);
    ck_assert_int_eq(layout.classes, CLASSES + 1);
}
END_TEST

START_TEST(probabilities_of_a_softmax_are_kept)
{
    sscam_detector_layout layout;
    int32_t is_detector = 0;
    fill_pair(20, CLASSES + 1, 2.0);
    ck_assert_int_eq(find_pair(20, CLASSES + 1, SSCAM_DETECTOR_AUTO, &layout, &is_detector),
                     SSCAM_OK);
    for (int64_t i = 0; i < 20; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j <= CLASSES; j++)
            sum += exp((double)row[80 + 4 * i + j]);
        for (int64_t j = 0; j < CLASSES; j++)
            ck_assert_double_eq_tol(sscam_detector_confidence(&layout, row, i, j),
                                    exp((double)row[80 + 4 * i + j]) / sum, 1e-12);
    }
}
END_TEST

/* --- boxes and detections --------------------------------------------------------------------- */

START_TEST(overlap_is_intersection_over_union)
{
    const sscam_box a = {0.0, 0.0, 4.0, 2.0}, b = {2.0, 0.0, 6.0, 2.0},
                    apart = {9.0, 9.0, 10.0, 10.0}, reversed = {4.0, 2.0, 0.0, 0.0},
                    line = {1.0, 0.0, 1.0, 2.0}, unknown = {NAN, 0.0, 4.0, 2.0},
                    huge = {-INFINITY, 0.0, INFINITY, 2.0};
    ck_assert_double_eq_tol(sscam_box_iou(&a, &b), 4.0 / 12.0, 1e-15);
    ck_assert_double_eq_tol(sscam_box_iou(&a, &a), 1.0, 1e-15);
    ck_assert_double_eq(sscam_box_iou(&a, &apart), 0.0);
    ck_assert_double_eq(sscam_box_iou(&a, &reversed), 0.0);
    ck_assert_double_eq(sscam_box_iou(&line, &line), 0.0);
    ck_assert_double_eq(sscam_box_iou(&unknown, &a), 0.0);
    ck_assert_double_eq(sscam_box_iou(&huge, &a), 0.0);
}
END_TEST

START_TEST(boxes_are_parsed_or_refused)
{
    static const char *const bad[] = {"",          "1,2,3",     "1,2,1,4", "3,2,1,4",
                                      "1,2,3,nan", "1,2,3,4,5", "a,b,c,d"};
    sscam_box box = {0.0, 0.0, 0.0, 0.0};
    ck_assert_int_eq(sscam_box_parse("1,2,3.5,4", &box), 1);
    ck_assert_double_eq(box.right, 3.5);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!sscam_box_parse(bad[i], &box), "\"%s\" is taken", bad[i]);
}
END_TEST

static sscam_detector_layout yolov8(int64_t boxes, int64_t classes)
{
    const int64_t shape[] = {1, 4 + classes, boxes};
    const sscam_detector_output output = {"", 3, shape, 0, SSCAM_LOST_NONE};
    sscam_detector_layout layout;
    int32_t is_detector = 0;
    ck_assert_int_eq(
        find(&output, 1, SSCAM_DETECTOR_YOLOV8, (4 + classes) * boxes, &layout, &is_detector),
        SSCAM_OK);
    return layout;
}

static void put(int64_t boxes, int64_t box, double x, double y, double size, double first,
                double second)
{
    const double values[] = {x, y, size, size, first, second};
    for (int64_t part = 0; part < 6; part++)
        row[part * boxes + box] = (float)values[part];
}

START_TEST(less_confident_boxes_of_a_class_are_left_out)
{
    const sscam_detector_layout layout = yolov8(6, 2);
    sscam_detection_list list;
    put(6, 0, 20, 20, 10, 0.6, 0.1);
    put(6, 1, 21, 20, 10, 0.9, 0.1); /* suppresses the first */
    put(6, 2, 21, 21, 10, 0.1, 0.5); /* of another class */
    put(6, 3, 50, 50, 10, 0.3, 0.2);
    put(6, 4, 40, 20, -10, 0.9, 0.2); /* has no area */
    put(6, 5, 10, 50, 10, 0.2, 0.1);  /* below the threshold */
    ck_assert_int_eq(sscam_list_detections(&layout, row, 0.25, 0.45, &list), SSCAM_OK);
    ck_assert_int_eq(list.count, 3);
    ck_assert_int_eq(list.detections[0].anchor, 1);
    ck_assert_int_eq(list.detections[1].anchor, 2);
    ck_assert_int_eq(list.detections[1].class_index, 1);
    ck_assert_int_eq(list.detections[2].anchor, 3);
    ck_assert_double_eq_tol(list.detections[0].box.left, 16.0, 1e-6);
    sscam_detection_list_release(&list);
}
END_TEST

START_TEST(no_detections_and_many_are_fine)
{
    enum { MANY = 2000 };
    const sscam_detector_layout layout = yolov8(MANY, 2);
    sscam_detection_list list;
    sscam_found_detection best;
    memset(row, 0, sizeof row);
    ck_assert_int_eq(sscam_list_detections(&layout, row, 0.25, 0.45, &list), SSCAM_OK);
    ck_assert_int_eq(list.count, 0);
    sscam_detection_list_release(&list);
    ck_assert_int_eq(sscam_most_confident_box(&layout, row, -1, &best), 0);
    for (int64_t i = 0; i < MANY; i++)
        put(MANY, i, (double)(i * 10), 20, 4, 0.5, 0.1);
    ck_assert_int_eq(sscam_list_detections(&layout, row, 0.25, 0.45, &list), SSCAM_OK);
    ck_assert_int_eq(list.count, SSCAM_DETECTIONS_LIMIT);
    ck_assert_int_eq(list.detections[SSCAM_DETECTIONS_LIMIT - 1].anchor,
                     SSCAM_DETECTIONS_LIMIT - 1);
    sscam_detection_list_release(&list);
}
END_TEST

START_TEST(values_that_are_not_finite_are_refused)
{
    const sscam_detector_layout layout = yolov8(6, 2);
    sscam_detection_list list;
    memset(row, 0, sizeof row);
    row[9] = NAN;
    ASSERT_FAILS(sscam_list_detections(&layout, row, 0.25, 0.45, &list), SSCAM_E_MODEL, "value 9");
    row[9] = INFINITY;
    ASSERT_FAILS(sscam_list_detections(&layout, row, 0.25, 0.45, &list), SSCAM_E_MODEL, "value 9");
    ck_assert_ptr_null(list.detections);
}
END_TEST

/* --- scores ----------------------------------------------------------------------------------- */

START_TEST(similarity_is_the_largest_overlap_times_confidence)
{
    const sscam_detector_layout layout = yolov8(6, 2);
    const sscam_detection_target target = {
        &layout, {15.0, 15.0, 25.0, 25.0}, 0, SSCAM_DETECTION_SCORE_CLASS, NULL};
    memset(row, 0, sizeof row);
    put(6, 0, 20, 20, 10, 0.5, 0.9);
    ck_assert_double_eq_tol(sscam_detection_similarity(&target, row), 0.5, 1e-6);
    put(6, 1, 25, 20, 10, 0.9, 0.0); /* overlap 1/3 */
    ck_assert_double_eq_tol(sscam_detection_similarity(&target, row), 0.5, 1e-6);
    put(6, 0, 20, 20, 10, 0.2, 0.9);
    ck_assert_double_eq_tol(sscam_detection_similarity(&target, row), 0.3, 1e-6);
    row[5] = NAN; /* of a box elsewhere */
    ck_assert(isnan(sscam_detection_similarity(&target, row)));
}
END_TEST

START_TEST(d_rise_takes_the_cosine_of_class_scores)
{
    const sscam_detector_layout layout = yolov8(6, 2);
    const double class_scores[] = {0.6, 0.3};
    const sscam_detection_target target = {
        &layout, {15.0, 15.0, 25.0, 25.0}, 0, SSCAM_DETECTION_SCORE_D_RISE, class_scores};
    memset(row, 0, sizeof row);
    put(6, 0, 20, 20, 10, 0.4, 0.2);
    ck_assert_double_eq_tol(sscam_detection_similarity(&target, row), 1.0, 1e-6);
    put(6, 0, 25, 20, 10, 0.0, 0.2);
    ck_assert_double_eq_tol(sscam_detection_similarity(&target, row),
                            0.3 / sqrt(0.6 * 0.6 + 0.3 * 0.3) / 3.0, 1e-6);
}
END_TEST

START_TEST(a_box_that_overlaps_by_half_matches_before_a_stronger_one)
{
    const sscam_detector_layout layout = yolov8(6, 2);
    const sscam_detection_target target = {
        &layout, {15.0, 15.0, 25.0, 25.0}, 0, SSCAM_DETECTION_SCORE_CLASS, NULL};
    memset(row, 0, sizeof row);
    ck_assert_int_eq(sscam_match_anchor(&target, row), -1);
    put(6, 1, 25, 20, 10, 0.9, 0.0); /* overlap 1/3 */
    ck_assert_int_eq(sscam_match_anchor(&target, row), 1);
    put(6, 3, 21, 20, 10, 0.2, 0.0); /* overlap 9/11 */
    ck_assert_int_eq(sscam_match_anchor(&target, row), 3);
    put(6, 2, 20, 20, 10, 0.3, 0.0);
    ck_assert_int_eq(sscam_match_anchor(&target, row), 2);
}
END_TEST

START_TEST(boxes_that_are_numbered_anew_are_matched_again)
{
    sscam_detector_layout layout = yolov8(6, 2);
    const sscam_detection_target target = {
        &layout, {15.0, 15.0, 25.0, 25.0}, 0, SSCAM_DETECTION_SCORE_CLASS, NULL};
    memset(row, 0, sizeof row);
    put(6, 0, 20, 20, 10, 0.0, 0.9); /* of the other class alone */
    put(6, 1, 50, 50, 10, 0.9, 0.0);
    put(6, 2, 21, 20, 10, 0.2, 0.0); /* overlap 9/11 */
    ck_assert_int_eq(sscam_detection_anchor(&target, row, 1), 1);
    layout.is_final = 1;
    ck_assert_int_eq(sscam_detection_anchor(&target, row, 0), 2);
    ck_assert_int_eq(sscam_detection_anchor(&target, row, 1), 2);
    put(6, 3, 20, 20, 10, 0.1, 0.0); /* the box itself, which matches less */
    ck_assert_int_eq(sscam_detection_anchor(&target, row, 3), 3);
    ck_assert_int_eq(sscam_detection_anchor(&target, row, 1), 2);
    put(6, 2, 50, 20, 10, 0.2, 0.0);
    put(6, 3, 20, 50, 10, 0.1, 0.0);
    ck_assert_int_eq(sscam_detection_anchor(&target, row, 3), -1);
}
END_TEST

START_TEST(logits_of_similarities_are_finite)
{
    ck_assert_double_eq_tol(sscam_similarity_logit(0.25), log(0.25 / 0.75), 1e-12);
    ck_assert_double_eq_tol(sscam_similarity_logit(0.0), log(1e-6 / (1.0 - 1e-6)), 1e-9);
    ck_assert(isfinite(sscam_similarity_logit(1.0)));
    ck_assert(isnan(sscam_similarity_logit(NAN)));
}
END_TEST

START_TEST(mirror_images_are_mirrored_back)
{
    const sscam_box box = {3.0, 4.0, 10.0, 12.0}, there = sscam_box_mirrored(&box, SIDE),
                    back = sscam_box_mirrored(&there, SIDE);
    ck_assert_double_eq(there.left, SIDE - 10.0);
    ck_assert_double_eq(there.right, SIDE - 3.0);
    ck_assert_mem_eq(&back, &box, sizeof box);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("detections");
    TCase *layouts = add_tcase(suite, "layouts", NULL, NULL);
    tcase_add_test(layouts, single_tensors_are_told_by_shape_and_values);
    tcase_add_test(layouts, lists_with_labels_are_told_by_whole_numbers);
    tcase_add_test(layouts, labels_of_two_classes_are_no_scores);
    tcase_add_test(layouts, ambiguous_outputs_are_refused);
    tcase_add_test(layouts, other_tables_are_no_detectors);
    tcase_add_test(layouts, pairs_are_told_by_no_object_or_refused);
    tcase_add_test(layouts, probabilities_of_a_softmax_are_kept);
    TCase *boxes = add_tcase(suite, "boxes", NULL, NULL);
    tcase_add_test(boxes, overlap_is_intersection_over_union);
    tcase_add_test(boxes, boxes_are_parsed_or_refused);
    tcase_add_test(boxes, less_confident_boxes_of_a_class_are_left_out);
    tcase_add_test(boxes, no_detections_and_many_are_fine);
    tcase_add_test(boxes, values_that_are_not_finite_are_refused);
    TCase *scores = add_tcase(suite, "scores", NULL, NULL);
    tcase_add_test(scores, similarity_is_the_largest_overlap_times_confidence);
    tcase_add_test(scores, d_rise_takes_the_cosine_of_class_scores);
    tcase_add_test(scores, a_box_that_overlaps_by_half_matches_before_a_stronger_one);
    tcase_add_test(scores, boxes_that_are_numbered_anew_are_matched_again);
    tcase_add_test(scores, logits_of_similarities_are_finite);
    tcase_add_test(scores, mirror_images_are_mirrored_back);
    return run_suite(suite);
}
