#include "strategy.h"

#include <stdio.h>
#include <string.h>

#include "failure.h"

static const sscam_method table[] = {
    {"cam", "CAM", "a_k = w_fc[c,k], the last layer's weights",
     "Zhou, Khosla, Lapedriza, Oliva & Torralba: Learning Deep Features for Discriminative Localization. "
     "CVPR 2016 (arXiv:1512.04150)",
     SSCAM_NEEDS_GRADIENTS | SSCAM_NEEDS_POOLED_LINEAR, sscam_weigh_cam},
    {"grad-cam", "Grad-CAM", "a_k = mean over places of dY/dA_k",
     "Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra: Grad-CAM: Visual Explanations from Deep Networks via "
     "Gradient-based Localization. ICCV 2017 (arXiv:1610.02391)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_grad_cam},
    {"grad-cam++", "Grad-CAM++", "a_k = sum over places of alpha_k ReLU(dY/dA_k)",
     "Chattopadhyay, Sarkar, Howlader & Balasubramanian: Grad-CAM++: Generalized Gradient-based Visual "
     "Explanations for Deep Convolutional Networks. WACV 2018 (arXiv:1710.11063)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_grad_cam_pp},
    {"score-cam", "Score-CAM", "a_k = softmax of the scores of the input masked by each activation",
     "Wang, Wang, Du, Yang, Zhang, Ding, Mardziel & Hu: Score-CAM: Score-Weighted Visual Explanations for "
     "Convolutional Neural Networks. CVPR Workshops 2020 (arXiv:1910.01279)",
     SSCAM_NEEDS_SCORING, sscam_weigh_score_cam},
    {"ss-cam-mean", "SS-CAM (mean)", "Score-CAM with each score the mean over noisy masks",
     "Naidu & Michael: SS-CAM: Smoothed Score-CAM for Sharper Visual Feature Localization, approach 1. 2020 "
     "(arXiv:2006.14255)",
     SSCAM_NEEDS_SCORING, sscam_weigh_ss_cam_mean},
    {"ss-cam-max", "SS-CAM (max)", "Score-CAM with each score the maximum over noisy masks",
     "Naidu & Michael: SS-CAM: Smoothed Score-CAM for Sharper Visual Feature Localization, approach 2. 2020 "
     "(arXiv:2006.14255)",
     SSCAM_NEEDS_SCORING, sscam_weigh_ss_cam_max},
};

enum { TABLE_SIZE = sizeof table / sizeof table[0] };

size_t sscam_method_count(void)
{
    return TABLE_SIZE;
}

const sscam_method *sscam_method_info(size_t index)
{
    return index < TABLE_SIZE ? &table[index] : NULL;
}

const char *sscam_method_name(const sscam_method *method)
{
    return method ? method->name : NULL;
}

const char *sscam_method_title(const sscam_method *method)
{
    return method ? method->title : NULL;
}

const char *sscam_method_summary(const sscam_method *method)
{
    return method ? method->summary : NULL;
}

const char *sscam_method_citation(const sscam_method *method)
{
    return method ? method->citation : NULL;
}

int32_t sscam_method_needs(const sscam_method *method)
{
    return method ? method->needs : 0;
}

const sscam_method *sscam_method_find(const char *name)
{
    char names[256] = "";
    size_t length = 0;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
        if (length < sizeof names)
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "", table[i].name);
    }
    sscam_fail(SSCAM_E_ARGUMENT, "method \"%s\": no such method; there are %s", name, names);
    return NULL;
}

int32_t sscam_needs_gradients(const sscam_method *method, const sscam_settings *settings)
{
    if (method->needs & SSCAM_NEEDS_GRADIENTS)
        return 1;
    return (method->needs & SSCAM_NEEDS_SCORING) &&
           settings->value[SSCAM_OPTION_MASK_WEIGHTS].integer != SSCAM_MASK_WEIGHTS_NONE;
}

sscam_score_kind sscam_probability_kind(const sscam_settings *settings)
{
    return settings->value[SSCAM_OPTION_PROBABILITY].integer == SSCAM_SWITCH_FIRST ? SSCAM_SCORE_SOFTMAX
                                                                                    : SSCAM_SCORE_SIGMOID;
}

sscam_score_kind sscam_score_kind_of(const sscam_settings *settings)
{
    return settings->value[SSCAM_OPTION_SCORE].integer == SSCAM_SCORE_CHOICE_LOGIT ? SSCAM_SCORE_LOGIT
                                                                                    : sscam_probability_kind(settings);
}
