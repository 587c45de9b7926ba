// A network that runs in OpenCV's DNN module, as a model of libsscam.
#ifndef SSCAM_EXAMPLES_OPENCV_ENGINE_HPP
#define SSCAM_EXAMPLES_OPENCV_ENGINE_HPP

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>

#include <sscam/sscam.h>

// A network of OpenCV. It serves `describe` and `run`; OpenCV gives no gradients.
class OpencvEngine {
public:
    explicit OpencvEngine(const std::string &path) : path_(path), net_(cv::dnn::readNet(path))
    {
        for (const std::string &name : net_.getUnconnectedOutLayersNames())
            if (shape_of(name, {1, 3, 224, 224}).size() == 2)
                logits_ = name;
        if (logits_.empty())
            throw std::runtime_error(path + ": no output is [N,classes]");
    }

    // A model that owns the engine.
    static sscam_model *make_model(std::unique_ptr<OpencvEngine> owned)
    {
        sscam_engine engine = owned->callbacks();
        sscam_model *model = nullptr;
        engine.release = [](void *user) { delete static_cast<OpencvEngine *>(user); };
        if (sscam_model_create_from_engine(&engine, &model) != SSCAM_OK)
            throw std::runtime_error(sscam_last_error());
        owned.release(); // the model's from here on
        return model;
    }

    // An engine that uses this object, which has to outlive the model.
    sscam_engine callbacks()
    {
        sscam_engine engine = SSCAM_ENGINE_INIT;
        engine.user = this;
        engine.name = path_.c_str();
        engine.input_rank = 4;
        engine.input_shape[1] = 3;
        engine.describe = [](void *user, const sscam_engine_request *request,
                             sscam_engine_reply *reply) {
            return guarded(reply, [&] { of(user).describe(*request, reply); });
        };
        engine.run = [](void *user, const sscam_engine_request *request,
                        sscam_engine_reply *reply) {
            return guarded(reply, [&] { of(user).run(*request, reply); });
        };
        return engine;
    }

    // The logits, and the activations of a layer unless it is NULL.
    std::vector<cv::Mat> forward(const float *input, const std::vector<int> &shape,
                                 const char *layer)
    {
        std::vector<cv::Mat> outputs;
        std::vector<cv::String> names{logits_};
        if (layer)
            names.push_back(layer);
        // A view of the inputs; OpenCV has no matrix of constant data.
        net_.setInput(cv::Mat(shape, CV_32F, const_cast<float *>(input)));
        net_.forward(outputs, names);
        return outputs;
    }

private:
    static OpencvEngine &of(void *user) { return *static_cast<OpencvEngine *>(user); }

    // No exception may pass the library: its text becomes part of the message.
    template <typename Work>
    static sscam_status guarded(sscam_engine_reply *reply, const Work &work)
    {
        try {
            work();
            return SSCAM_OK;
        } catch (const std::bad_alloc &) {
            return SSCAM_E_MEMORY;
        } catch (const std::exception &error) {
            return sscam_engine_reply_set_error(reply, error.what());
        }
    }

    // OpenCV counts in int.
    static std::vector<int> sizes(const int64_t *shape, int32_t rank)
    {
        return std::vector<int>(shape, shape + rank);
    }

    std::vector<int> shape_of(const std::string &layer, const std::vector<int> &input)
    {
        std::vector<cv::dnn::MatShape> inputs, outputs;
        net_.getLayerShapes(input, net_.getLayerId(layer), inputs, outputs);
        return outputs.at(0);
    }

    void describe(const sscam_engine_request &request, sscam_engine_reply *reply)
    {
        std::string last;
        for (const std::string &name : net_.getLayerNames()) {
            const std::vector<int> found = shape_of(name, sizes(request.shape, request.rank));
            const std::vector<int64_t> shape(found.begin(), found.end());
            sscam_engine_reply_add_layer(reply, name.c_str(),
                                         net_.getLayer(net_.getLayerId(name))->type.c_str(),
                                         shape.data(), static_cast<int32_t>(shape.size()));
            if (shape.size() == 4 && shape[2] * shape[3] > 1)
                last = name;
        }
        if (!last.empty())
            sscam_engine_reply_set_default_layer(reply, last.c_str());
    }

    void run(const sscam_engine_request &request, sscam_engine_reply *reply)
    {
        const std::vector<cv::Mat> outputs = forward(
            request.input, sizes(request.shape, request.rank), request.layer);
        give(sscam_engine_reply_set_outputs, outputs[0], reply);
        if (request.layer)
            give(sscam_engine_reply_set_activations, outputs[1], reply);
    }

    template <typename Set>
    static void give(Set set, const cv::Mat &values, sscam_engine_reply *reply)
    {
        const cv::Mat packed = values.isContinuous() ? values : values.clone();
        const std::vector<int64_t> shape(packed.size.p, packed.size.p + packed.dims);
        set(reply, packed.ptr<float>(), shape.data(), packed.dims);
    }

    std::string path_;
    cv::dnn::Net net_;
    std::string logits_;
};

#endif
