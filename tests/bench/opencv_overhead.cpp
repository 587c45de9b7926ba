// The cost of explanations in OpenCV's DNN module over that of the network's own runs.
//
// opencv_overhead MODEL.onnx IMAGE [ROUNDS]
//
// Each round explains the image, and then makes the same calls of OpenCV again, with as many inputs
// each, without the library. Prints the medians, and the medians of the rounds' ratios.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "engines/opencv_engine.hpp"

namespace {

void check(sscam_status status)
{
    if (status != SSCAM_OK)
        throw std::runtime_error(sscam_last_error());
}

// Seconds on the clock, and of the processor in all threads: these depend less on other load.
struct Cost {
    double elapsed, processor;
};

Cost cost_of(const std::function<void()> &work)
{
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t ticks = std::clock();
    work();
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
            static_cast<double>(std::clock() - ticks) / CLOCKS_PER_SEC};
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// One run of the network.
struct Call {
    std::vector<int> shape;
    std::string layer; // empty: none
};

// Passes calls on to the engine and notes them.
struct Recorder {
    sscam_engine inner;
    std::vector<Call> calls;
};

sscam_status record_run(void *user, const sscam_engine_request *request, sscam_engine_reply *reply)
{
    Recorder &recorder = *static_cast<Recorder *>(user);
    recorder.calls.push_back({std::vector<int>(request->shape, request->shape + request->rank),
                              request->layer ? request->layer : ""});
    return recorder.inner.run(recorder.inner.user, request, reply);
}

sscam_status pass_description(void *user, const sscam_engine_request *request,
                              sscam_engine_reply *reply)
{
    const sscam_engine &inner = static_cast<Recorder *>(user)->inner;
    return inner.describe(inner.user, request, reply);
}

void repeat(OpencvEngine &engine, const std::vector<Call> &calls)
{
    static std::vector<float> inputs;
    for (const Call &call : calls) {
        size_t size = 1;
        for (int side : call.shape)
            size *= static_cast<size_t>(side);
        if (inputs.size() < size)
            inputs.resize(size, 0.5f);
        engine.forward(inputs.data(), call.shape,
                       call.layer.empty() ? nullptr : call.layer.c_str());
    }
}

void explain(sscam_explainer *explainer, const sscam_image *image)
{
    sscam_map *map = nullptr;
    check(sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map));
    sscam_map_unref(map);
}

void measure(OpencvEngine &engine, const char *method, const char *samples,
             const sscam_image *image, int rounds)
{
    Recorder recorder{engine.callbacks(), {}};
    sscam_engine recording = recorder.inner;
    sscam_model *model = nullptr;
    sscam_explainer *explainer = nullptr;
    recording.user = &recorder;
    recording.run = record_run;
    recording.describe = pass_description;
    check(sscam_model_create_from_engine(&recording, &model));
    check(sscam_explainer_create(model, method, &explainer));
    check(sscam_explainer_set(explainer, "samples", samples));
    explain(explainer, image); // what is done once is not measured
    std::vector<double> explanations, floors, ratios, processor_ratios;
    for (int round = 0; round < rounds; round++) {
        recorder.calls.clear();
        const Cost whole = cost_of([&] { explain(explainer, image); });
        const Cost alone = cost_of([&] { repeat(engine, recorder.calls); });
        explanations.push_back(whole.elapsed);
        floors.push_back(alone.elapsed);
        ratios.push_back(whole.elapsed / alone.elapsed);
        processor_ratios.push_back(whole.processor / alone.processor);
    }
    int inputs = 0;
    for (const Call &call : recorder.calls)
        inputs += call.shape[0];
    std::printf("%-12s %5d inputs in %4zu runs: %.3f s, alone %.3f s, overhead %.1f %%, of "
                "processor time %.1f %%\n",
                method, inputs, recorder.calls.size(), median(explanations), median(floors),
                100.0 * (median(ratios) - 1.0), 100.0 * (median(processor_ratios) - 1.0));
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        std::cerr << "usage: opencv_overhead MODEL.onnx IMAGE [ROUNDS]\n";
        return 2;
    }
    try {
        OpencvEngine engine(argv[1]);
        sscam_image *image = nullptr;
        const int rounds = argc > 3 ? std::stoi(argv[3]) : 9;
        check(sscam_image_read(argv[2], nullptr, &image));
        measure(engine, "score-cam", "1", image, rounds);
        measure(engine, "ss-cam-mean", "2", image, rounds);
        sscam_image_unref(image);
    } catch (const std::exception &error) {
        std::cerr << "opencv_overhead: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
