/* The functions that weigh the channels of a map, one for each method, and what they share. */
#ifndef SSCAM_LIB_METHODS_METHODS_H
#define SSCAM_LIB_METHODS_METHODS_H

#include "explain/method_private.h"

sscam_status sscam_weigh_cam(sscam_map_job *job);
sscam_status sscam_weigh_grad_cam(sscam_map_job *job);
sscam_status sscam_weigh_grad_cam_pp(sscam_map_job *job);
sscam_status sscam_weigh_score_cam(sscam_map_job *job);
sscam_status sscam_weigh_ss_cam_mean(sscam_map_job *job);
sscam_status sscam_weigh_ss_cam_max(sscam_map_job *job);
sscam_status sscam_weigh_smooth_grad_cam_pp(sscam_map_job *job);
sscam_status sscam_weigh_xgrad_cam(sscam_map_job *job);
sscam_status sscam_weigh_eigen_cam(sscam_map_job *job);
sscam_status sscam_weigh_eigen_grad_cam(sscam_map_job *job);
sscam_status sscam_weigh_is_cam(sscam_map_job *job);
sscam_status sscam_weigh_ablation_cam(sscam_map_job *job);
sscam_status sscam_weigh_hires_cam(sscam_map_job *job);
sscam_status sscam_weigh_grad_cam_elementwise(sscam_map_job *job);
sscam_status sscam_weigh_layer_cam(sscam_map_job *job);
sscam_status sscam_weigh_random_cam(sscam_map_job *job);
sscam_status sscam_weigh_fem(sscam_map_job *job);
sscam_status sscam_weigh_kpca_cam(sscam_map_job *job);
sscam_status sscam_weigh_shapley_cam(sscam_map_job *job);
sscam_status sscam_weigh_recipro_cam(sscam_map_job *job);
sscam_status sscam_weigh_vit_recipro_cam(sscam_map_job *job);
sscam_status sscam_weigh_group_cam(sscam_map_job *job);
sscam_status sscam_weigh_rise(sscam_map_job *job);
sscam_status sscam_weigh_full_grad(sscam_map_job *job);
sscam_status sscam_weigh_opti_cam(sscam_map_job *job);
sscam_status sscam_weigh_activation_map(sscam_map_job *job);
sscam_status sscam_weigh_seg_eigen_cam(sscam_map_job *job);
sscam_status sscam_weigh_aise(sscam_map_job *job);
sscam_status sscam_weigh_legrad(sscam_map_job *job);

/* w_fc[c,k] into weights; SSCAM_E_UNSUPPORTED where the head is not pooling and one linear
 * layer. */
sscam_status sscam_last_layer_weights(sscam_map_job *job, float *weights);

/* mean_p g_k(p) into weights (Grad-CAM: Naidu & Michael 2020, eq. 4). */
void sscam_mean_gradients(const sscam_capture *capture, float *weights);

/* Computes the job's terms from each activation and its gradient (0 without gradients). Methods
 * that do so have no channel weights. */
sscam_status sscam_compute_terms(sscam_map_job *job,
                                 float (*term)(float activation, float gradient));

/* Gives the job a raw map of zeros, of `sides`, in place of channel weights. */
sscam_status sscam_begin_raw_map(sscam_map_job *job, sscam_sides sides);

/* Values of the map's positions over a divisor; the lowest becomes 0, as negative ones would be
 * lost to the ReLU. */
sscam_status sscam_take_raw_map(sscam_map_job *job, sscam_sides sides, const double *values,
                                double divisor);

float sscam_gradient_times_activation(float activation, float gradient);

#endif
