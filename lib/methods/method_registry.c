#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "methods/methods.h"

static const sscam_method table[] = {
    {"cam", "CAM", "a_k = w_fc[c,k], the last layer's weights",
     "Zhou, Khosla, Lapedriza, Oliva & Torralba: Learning Deep Features for Discriminative "
     "Localization. CVPR 2016 (arXiv:1512.04150)",
     SSCAM_NEEDS_GRADIENTS | SSCAM_NEEDS_POOLED_LINEAR, sscam_weigh_cam, 0},
    {"grad-cam", "Grad-CAM", "a_k = mean over positions of dY/dA_k",
     "Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra: Grad-CAM: Visual Explanations from Deep "
     "Networks via Gradient-based Localization. ICCV 2017 (arXiv:1610.02391)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_grad_cam, 0},
    {"grad-cam++", "Grad-CAM++", "a_k = sum over positions of alpha_k ReLU(dY/dA_k)",
     "Chattopadhyay, Sarkar, Howlader & Balasubramanian: Grad-CAM++: Generalized Gradient-based "
     "Visual Explanations for Deep Convolutional Networks. WACV 2018 (arXiv:1710.11063)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_grad_cam_pp, 0},
    {"smooth-grad-cam++", "Smooth Grad-CAM++",
     "Grad-CAM++ of derivatives averaged over noisy inputs",
     "Omeiza, Speakman, Cintas & Weldermariam: Smooth Grad-CAM++: An Enhanced Inference Level "
     "Visualization Technique for Deep Convolutional Neural Network Models. 2019 "
     "(arXiv:1908.01224)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_smooth_grad_cam_pp, 1},
    {"score-cam", "Score-CAM", "a_k = softmax of the scores of the input masked by each activation",
     "Wang, Wang, Du, Yang, Zhang, Ding, Mardziel & Hu: Score-CAM: Score-Weighted Visual "
     "Explanations for Convolutional Neural Networks. CVPR Workshops 2020 (arXiv:1910.01279)",
     SSCAM_NEEDS_SCORING, sscam_weigh_score_cam, 0},
    {"ablation-cam", "Ablation-CAM", "a_k = share of the score that is lost without channel k",
     "Desai & Ramaswamy: Ablation-CAM: Visual Explanations for Deep Convolutional Network via "
     "Gradient-free Localization. WACV 2020 (doi:10.1109/WACV45572.2020.9093360)",
     SSCAM_NEEDS_ABLATION, sscam_weigh_ablation_cam, 0},
    {"ss-cam-mean", "SS-CAM (mean)", "Score-CAM with each score the mean over noisy masks",
     "Naidu & Michael: SS-CAM: Smoothed Score-CAM for Sharper Visual Feature Localization, "
     "approach 1. 2020 (arXiv:2006.14255)",
     SSCAM_NEEDS_SCORING, sscam_weigh_ss_cam_mean, 0},
    {"ss-cam-max", "SS-CAM (max)", "Score-CAM with each score the maximum over noisy masks",
     "Naidu & Michael: SS-CAM: Smoothed Score-CAM for Sharper Visual Feature Localization, "
     "approach 2. 2020 (arXiv:2006.14255)",
     SSCAM_NEEDS_SCORING, sscam_weigh_ss_cam_max, 0},
    {"eigen-cam", "Eigen-CAM",
     "projection of A on its first principal component, whatever the class",
     "Muhammad & Yeasin: Eigen-CAM: Class Activation Map using Principal Components. IJCNN 2020 "
     "(arXiv:2008.00299)",
     0, sscam_weigh_eigen_cam, 0},
    {"xgrad-cam", "XGrad-CAM", "a_k = mean of dY/dA_k, weighted by A_k",
     "Fu, Hu, Dong, Guo, Gao & Li: Axiom-based Grad-CAM: Towards Accurate Visualization and "
     "Explanation of CNNs. BMVC 2020 (arXiv:2008.02312)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_xgrad_cam, 0},
    {"is-cam", "IS-CAM", "Score-CAM with each score the mean while the mask fades in",
     "Naidu, Ghosh, Maurya, Nayak K & Kundu: IS-CAM: Integrated Score-CAM for axiomatic-based "
     "explanations. 2020 (arXiv:2010.03023)",
     SSCAM_NEEDS_SCORING, sscam_weigh_is_cam, 0},
    {"hires-cam", "HiResCAM", "sum over channels of dY/dA_k A_k, at each position",
     "Draelos & Carin: Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional "
     "neural networks. 2020 (arXiv:2011.08891)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_hires_cam, 0},
    {"layer-cam", "LayerCAM", "sum over channels of ReLU(dY/dA_k) A_k, at each position",
     "Jiang, Zhang, Hou, Cheng & Wei: LayerCAM: Exploring Hierarchical Class Activation Maps for "
     "Localization. IEEE Transactions on Image Processing 30, 2021 (doi:10.1109/TIP.2021.3089943)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_layer_cam, 0},
    {"eigen-grad-cam", "Eigen-Grad-CAM", "projection of dY/dA A on its first principal component",
     "Gildenblat and contributors: PyTorch library for CAM methods, EigenGradCAM. 2021 "
     "(https://github.com/jacobgil/pytorch-grad-cam)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_eigen_grad_cam, 0},
    {"grad-cam-elementwise", "Grad-CAM (elementwise)",
     "sum over channels of ReLU(dY/dA_k A_k), at each position",
     "Gildenblat and contributors: PyTorch library for CAM methods, GradCAMElementWise. 2022 "
     "(https://github.com/jacobgil/pytorch-grad-cam)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_grad_cam_elementwise, 0},
    {"random-cam", "Random weights", "a_k = uniform random numbers between -1 and 1: the baseline",
     "Gildenblat and contributors: PyTorch library for CAM methods, RandomCAM. 2021 "
     "(https://github.com/jacobgil/pytorch-grad-cam)",
     0, sscam_weigh_random_cam, 0},
    {"fem", "FEM", "sum over channels of mu_k where A_k > mu_k + 2 sigma_k, whatever the class",
     "Fuad, Martin, Giot, Bourqui, Benois-Pineau & Zemmari: Features Understanding in 3D CNNs for "
     "Actions Recognition in Video. IPTA 2020 (doi:10.1109/IPTA50016.2020.9286629)",
     0, sscam_weigh_fem, 0},
    {"kpca-cam", "KPCA-CAM",
     "projection of A on its first kernel principal component, whatever the class",
     "Karmani, Sivakaran, Prasad, Ali, Yang & Tang: KPCA-CAM: Visual Explainability of Deep "
     "Computer Vision Models Using Kernel PCA. 2024 (arXiv:2410.00267)",
     0, sscam_weigh_kpca_cam, 0},
    {"shapley-cam", "ShapleyCAM", "a_k = mean over positions of dY/dA_k minus half of H A",
     "Cai: CAMs as Shapley Value-based Explainers. 2025 (arXiv:2501.06261)",
     SSCAM_NEEDS_GRADIENTS | SSCAM_NEEDS_CURVATURE, sscam_weigh_shapley_cam, 0},
    {"recipro-cam", "Recipro-CAM", "score of each position of A alone",
     "Byun & Lee: Recipro-CAM: Fast Gradient-free Visual Explanations for Convolutional Neural "
     "Networks. 2022 (arXiv:2209.14074)",
     SSCAM_NEEDS_POSITIONS, sscam_weigh_recipro_cam, 0},
    {"vit-recipro-cam", "ViT-ReciproCAM", "score of each position of A with its neighbours",
     "Byun & Lee: ViT-ReciproCAM: Gradient and Attention-Free Visual Explanations for Vision "
     "Transformer. 2023 (arXiv:2310.02588)",
     SSCAM_NEEDS_POSITIONS, sscam_weigh_vit_recipro_cam, 0},
    {"group-cam", "Group-CAM", "sum of masks of groups of channels, weighted by their scores",
     "Zhang, Rao & Yang: Group-CAM: Group Score-Weighted Visual Explanations for Deep "
     "Convolutional Networks. 2021 (arXiv:2103.13859)",
     SSCAM_NEEDS_GRADIENTS | SSCAM_NEEDS_SCORING, sscam_weigh_group_cam, 0},
    {"rise", "RISE", "mean of random masks, weighted by the scores of the input that they mask",
     "Petsiuk, Das & Saenko: RISE: Randomized Input Sampling for Explanation of Black-box Models. "
     "BMVC 2018 (arXiv:1806.07421)",
     SSCAM_NEEDS_SCORING | SSCAM_NEEDS_NO_LAYER, sscam_weigh_rise, 0},
    {"full-grad", "FullGrad",
     "magnitudes of the input times its gradient and of all biases times theirs",
     "Srinivas & Fleuret: Full-Gradient Representation for Neural Network Visualization. NeurIPS "
     "2019 (arXiv:1905.00780)",
     SSCAM_NEEDS_BACKPROPAGATION | SSCAM_NEEDS_NO_LAYER, sscam_weigh_full_grad, 1},
    {"opti-cam", "Opti-CAM", "a_k that maximise the score of the input that the map masks",
     "Zhang, Torres, Sicre, Avrithis & Ayache: Opti-CAM: Optimizing saliency maps for "
     "interpretability. 2023 (arXiv:2301.07002)",
     SSCAM_NEEDS_BACKPROPAGATION, sscam_weigh_opti_cam, 1},
    {"activation-map", "Activation map", "mean of A over its channels, whatever the class",
     "OpenVINO Explainable AI Toolkit, ActivationMap. 2024 "
     "(https://github.com/openvinotoolkit/openvino_xai)",
     0, sscam_weigh_activation_map, 0},
    {"seg-eigen-cam", "Seg-Eigen-CAM",
     "projection of |dY/dA| A on its first principal component, its peak positive",
     "Chung & Ying: Seg-Eigen-CAM: Eigen-Value-Based Visual Explanations for Semantic Segmentation "
     "Models. Applied Sciences 15(13), 2025 (doi:10.3390/app15137562)",
     SSCAM_NEEDS_GRADIENTS, sscam_weigh_seg_eigen_cam, 0},
    {"aise", "AISE",
     "sum of masks, weighted by their scores, whose places are searched by the scores before",
     "OpenVINO Explainable AI Toolkit, AISE: Adaptive Input Sampling for Explanation of Black-box "
     "Models. 2024 (https://github.com/openvinotoolkit/openvino_xai)",
     SSCAM_NEEDS_SCORING | SSCAM_NEEDS_NO_LAYER, sscam_weigh_aise, 0},
    {"legrad", "LeGrad", "positive gradients by the attention of a transformer's blocks",
     "Bousselham, Boggust, Chaybouti, Strobelt & Kuehne: LeGrad: An Explainability Method for "
     "Vision Transformers via Feature Formation Sensitivity. ICCV 2025 (arXiv:2404.03214)",
     SSCAM_NEEDS_BACKPROPAGATION | SSCAM_NEEDS_NO_LAYER | SSCAM_NEEDS_ATTENTION, sscam_weigh_legrad,
     1},
};

enum { TABLE_SIZE = sizeof table / sizeof table[0] };

int64_t sscam_method_count(void)
{
    return TABLE_SIZE;
}

const sscam_method *sscam_method_info(int64_t index)
{
    return index >= 0 && index < TABLE_SIZE ? &table[index] : NULL;
}

const sscam_method *sscam_method_find(const char *name)
{
    for (size_t i = 0; name && i < TABLE_SIZE; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
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

const sscam_method *sscam_method_require(const char *name)
{
    char names[512] = "";
    size_t length = 0;
    const sscam_method *method = sscam_method_find(name);
    if (method)
        return method;
    for (size_t i = 0; i < TABLE_SIZE && length < sizeof names; i++)
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "",
                                   table[i].name);
    sscam_fail(SSCAM_E_ARGUMENT, "method \"%s\": no such method; there are %s", name, names);
    return NULL;
}
