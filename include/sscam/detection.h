/** @file
 * @brief Detections of a detector: boxes with a class and a confidence.
 *
 * A network is a detector where its outputs are boxes and scores, in one of the layouts of the
 * option `detector`. Then a map explains one detection instead of a class of the whole input: the
 * most confident one of the class that is given, or of all for SSCAM_CLASS_TOP;
 * SSCAM_CLASS_RANKED(k) is the kth most confident detection. The options `detection` and `box`
 * choose others.
 */
#ifndef SSCAM_DETECTION_H
#define SSCAM_DETECTION_H

#include <stdint.h>

#include "array.h"
#include "explainer.h"
#include "export.h"
#include "image.h"
#include "map.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A detection. It has no room to grow: arrays of it are passed. @since 1.0 */
typedef struct sscam_detection {
    /** Left edge of the box, in pixels of what was given: of the image, or of the input where that
     * was an array. The first pixel reaches from 0 to 1. A box may reach beyond the edges. */
    double left;
    /** Top edge, likewise. */
    double top;
    /** Right edge, likewise. */
    double right;
    /** Bottom edge, likewise. */
    double bottom;
    /** Index of the class; of networks that give labels, the label. */
    int64_t class_index;
    /** Confidence in [0,1]: the score of the class, times the objectness where there is one. */
    double score;
} sscam_detection;

/**
 * Finds what a detector detects on an image: the boxes with a confidence above the option
 * `detection_threshold`, each for its most confident class, without those of the same class whose
 * intersection over union with a more confident one exceeds `detection_overlap`. Networks that
 * leave out overlapping boxes themselves keep all that they give.
 *
 * @param explainer An explainer; the options `detector`, `output` and those of the preprocessing
 *                  apply, too.
 * @param image     An image; preprocessed as sscam_explainer_preprocess() does.
 * @param[out] detections Room for capacity detections; receives the most confident ones, by
 *                  descending confidence. May be NULL when capacity is 0.
 * @param capacity  At least 0.
 * @param[out] count Number of detections found, 0 to 300 (of networks that list their detections to
 *                  1024): as many as capacity are written, or all where there are fewer.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, a negative capacity, an explainer in use, an unusable
 *         image, outputs that may have several layouts: the message says which option settles it);
 *         SSCAM_E_UNSUPPORTED (the network is no detector, or one in an engine of the host);
 *         SSCAM_E_MODEL (the network failed, or gave NaN or infinity); SSCAM_E_CANCELLED;
 *         SSCAM_E_MEMORY; SSCAM_E_DEVICE. On failure count is 0. Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_detect(sscam_explainer *explainer, const sscam_image *image,
                                              sscam_detection *detections, int64_t capacity,
                                              int64_t *count);

/**
 * The same on a ready-made input.
 *
 * @param explainer  An explainer.
 * @param input      [1,C,H,W], as for sscam_explain_array().
 * @param detections As for sscam_explainer_detect().
 * @param capacity   As for sscam_explainer_detect().
 * @param count      As for sscam_explainer_detect().
 * @return As sscam_explainer_detect(); SSCAM_E_ARGUMENT also for more inputs than one, another rank
 *         and values that are not finite.
 * Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_detect_array(sscam_explainer *explainer,
                                                    const sscam_array *input,
                                                    sscam_detection *detections, int64_t capacity,
                                                    int64_t *count);

/**
 * The detection that a map explains.
 *
 * @param map            A map.
 * @param[out] detection Its box, in pixels of the image that was explained, or of the input where
 *                       that was an array; its class; and its score, which is the similarity of the
 *                       input's own detections to it: of one that the network found its confidence,
 *                       unless others overlap it.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, or the map explains no detection).
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_detection(const sscam_map *map, sscam_detection *detection);

#ifdef __cplusplus
}
#endif

#endif
