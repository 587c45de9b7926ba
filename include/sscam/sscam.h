/** @file
 * @brief libsscam: class activation maps of classifiers. This header includes all
 * others.
 *
 * @mainpage
 * Load a network, pick a method, explain an image, draw the result:
 * @code
 * sscam_model *model = NULL;
 * sscam_explainer *explainer = NULL;
 * sscam_image *image = NULL, *overlay = NULL;
 * sscam_map *map = NULL;
 *
 * if (sscam_model_load("resnet18.pt", "cpu", &model) ||
 *     sscam_image_read("dog.jpg", NULL, &image) ||
 *     sscam_explainer_create(model, "ss-cam-mean", &explainer) ||
 *     sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map) ||
 *     sscam_map_overlay(map, image, NULL, &overlay) ||
 *     sscam_image_write_png(overlay, "dog-explained.png"))
 *     fprintf(stderr, "%s\n", sscam_last_error());
 *
 * sscam_image_unref(overlay);
 * sscam_map_unref(map);
 * sscam_explainer_unref(explainer);
 * sscam_image_unref(image);
 * sscam_model_unref(model);
 * @endcode
 */
#ifndef SSCAM_SSCAM_H
#define SSCAM_SSCAM_H

#include "activations.h"
#include "array.h"
#include "cuda.h"
#include "detection.h"
#include "engine.h"
#include "evaluation.h"
#include "explainer.h"
#include "export.h"
#include "image.h"
#include "map.h"
#include "memory.h"
#include "method.h"
#include "metric.h"
#include "model.h"
#include "option.h"
#include "runtime.h"
#include "status.h"
#include "version.h"

#endif
