// Convolutions of the library's own in frozen networks: which ones they replace, with what follows;
// that the network computes what it computed; and the form of the network that has them.
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/jit.h>

#include "common/guard.hpp"
#include "convolution/convolution_fusion.hpp"
#include "matrix/network_file.hpp"
#include "score/model_variant.hpp"
#include "sscam/sscam.h"
#include "support/check_main.h"

using namespace sscam;

namespace {

at::Tensor numbers(const std::vector<int64_t> &sizes, double frequency)
{
    const int64_t count = c10::multiply_integers(sizes);
    return at::sin(at::arange(count, at::kFloat) * frequency).view(sizes) * 0.2;
}

// The body reads x, [N, 8, H, W], and the weights.
torch::jit::Module network_of(const std::string &body)
{
    torch::jit::Module network("Network");
    network.register_buffer("w", numbers({8, 8, 3, 3}, 0.7));
    network.register_buffer("v", numbers({8, 8, 3, 3}, 1.3));
    network.register_buffer("narrow", numbers({20, 8, 1, 1}, 0.4));
    network.register_buffer("grouped", numbers({8, 4, 3, 3}, 0.4));
    network.register_buffer("b", numbers({8}, 1.1));
    network.register_buffer("head", numbers({5, 8}, 0.9));
    network.define("def forward(self, x):\n" + body);
    network.eval();
    return network;
}

struct Case {
    const char *body;
    size_t convolutions, with_relu;
    size_t additions, relus; // that are left in the graph
};

#define CONV(x, w) "torch.conv2d(" x ", self." w ", self.b, [1, 1], [1, 1])"

const Case cases[] = {
    {"    return " CONV("x", "w") "\n", 1, 0, 0, 0},
    {"    return torch.relu(" CONV("x", "w") ")\n", 1, 1, 0, 0},
    {"    return torch.relu_(" CONV("x", "w") ")\n", 1, 1, 0, 0},
    {"    return torch.relu(" CONV("x", "w") " + x)\n", 1, 1, 0, 0},
    {"    return torch.relu(x + " CONV("x", "w") ")\n", 1, 1, 0, 0},
    {"    y = " CONV("x", "w") "\n    y += x\n    return torch.relu_(y)\n", 1, 1, 0, 0},
    {"    return " CONV("x", "w") " + x\n", 1, 0, 0, 0},
    // Two convolutions are added: one takes the addition.
    {"    return torch.relu(" CONV("x", "w") " + " CONV("x", "v") ")\n", 2, 1, 0, 0},
    // A chain of them.
    {"    y = torch.relu(" CONV("x", "w") ")\n"
                                          "    y = torch.relu(" CONV(
                                              "y", "v") " + x)\n"
                                                        "    return torch.conv2d(y, self.narrow)\n",
     3, 2, 0, 0},
    // The sum is used twice, or is an output, or added to itself.
    {"    y = " CONV("x", "w") "\n    return torch.relu(y) + y\n", 1, 0, 1, 1},
    {"    y = " CONV("x", "w") "\n    return torch.relu(y), y\n", 1, 0, 0, 1},
    {"    y = " CONV("x", "w") "\n    return torch.relu(y + y)\n", 1, 0, 1, 1},
    {"    y = " CONV("x", "w") " + x\n    return torch.relu(y), y\n", 1, 0, 0, 1},
    // What is read changes in between.
    {"    x = x.clone()\n    y = " CONV("x", "w") "\n    x.mul_(2)\n    return torch.relu(y + x)\n",
     1, 0, 1, 1},
    {"    x = x.clone()\n    y = " CONV("x", "w") "\n    x.relu_()\n    return torch.relu(y) + x\n",
     1, 1, 1, 1},
    {"    x = x.clone()\n    y = " CONV("x", "w") "\n    x += y\n    return torch.relu(x)\n", 1, 0,
     1, 1},
    {"    y = " CONV("x", "w") "\n    z = y[:, :2]\n    y += x\n    return torch.relu(y), z\n", 1,
     0, 1, 1},
    // An addition that is another, of a constant, which freezing adds to the bias, or of other
    // shapes.
    {"    return torch.relu(torch.add(" CONV("x", "w") ", x, alpha=2))\n", 1, 0, 1, 1},
    {"    return torch.relu(" CONV("x", "w") " + 1)\n", 1, 1, 0, 0},
    {"    return torch.relu(" CONV("x", "w") " + torch.mean(x, [2, 3], True))\n", 1, 1, 0, 0},
    {"    return torch.relu(" CONV("x", "w") " + x.double())\n", 1, 1, 0, 0},
    {"    return torch.relu(" CONV("x[:1]", "w") " + x)\n", 1, 1, 0, 0},
    // Other convolutions.
    {"    return torch.conv2d(x, self.w, None, [2, 1], [0, 2])\n", 1, 0, 0, 0},
    {"    return torch.conv2d(x, self.w, None, [1], [1])\n", 1, 0, 0, 0},
    {"    return torch.conv2d(x, self.w, None, [1, 1], [2, 2], [2, 2])\n", 0, 0, 0, 0},
    {"    return torch.conv2d(x, self.grouped, None, [1, 1], [1, 1], [1, 1], 2)\n", 0, 0, 0, 0},
    {"    return torch.conv2d(x, self.w, None, [1, 1], \"same\")\n", 0, 0, 0, 0},
    {"    return torch.conv_transpose2d(x, self.w)\n", 0, 0, 0, 0},
    {"    return torch.conv2d(x, self.w * torch.mean(x))\n", 0, 0, 0, 0},
    {"    return torch.convolution(x, self.w, self.b, [1, 1], [1, 1], [1, 1], False, [0, 0], 1)\n",
     1, 0, 0, 0},
    {"    return torch.convolution(x, self.w, self.b, [1, 1], [1, 1], [1, 1], True, [0, 0], 1)\n",
     0, 0, 0, 0},
    // Within control flow.
    {"    if x.size(2) > 5:\n        y = torch.relu(" CONV(
         "x", "w") ")\n"
                   "    else:\n        y = torch.relu(" CONV("x", "v") " + x)\n"
                                                                       "    return y\n",
     2, 2, 0, 0},
    // An image without the batch's axis.
    {"    return torch.relu(" CONV("x[0]", "w") ")\n", 1, 1, 0, 0},
};
enum { CASES = sizeof cases / sizeof cases[0] };

size_t count_of(const torch::jit::Graph &graph, const char *kind)
{
    size_t count = 0;
    std::vector<const torch::jit::Block *> blocks = {graph.block()};
    for (size_t i = 0; i < blocks.size(); i++)
        for (const torch::jit::Node *node : blocks[i]->nodes()) {
            count += std::string(node->kind().toQualString()) == kind;
            blocks.insert(blocks.end(), node->blocks().begin(), node->blocks().end());
        }
    return count;
}

// Outputs as a list of tensors.
std::vector<at::Tensor> outputs_of(const Program &program, const at::Tensor &input)
{
    const c10::IValue output = program.run(input.clone());
    if (!output.isTuple())
        return {output.toTensor()};
    std::vector<at::Tensor> found;
    for (const c10::IValue &element : output.toTupleRef().elements())
        found.push_back(element.toTensor());
    return found;
}

void assert_equal(const std::vector<at::Tensor> &found, const std::vector<at::Tensor> &wanted)
{
    ck_assert_uint_eq(found.size(), wanted.size());
    for (size_t i = 0; i < found.size(); i++) {
        ck_assert(found[i].sizes() == wanted[i].sizes());
        ck_assert(found[i].scalar_type() == wanted[i].scalar_type());
        ck_assert_double_le((found[i] - wanted[i]).abs().max().item<double>(), 2e-5);
    }
}

std::vector<at::Tensor> inputs()
{
    const at::Tensor batch = numbers({3, 8, 9, 6}, 0.3) * 5;
    return {batch,
            batch.contiguous(at::MemoryFormat::ChannelsLast),
            batch.slice(2, 0, 4),
            batch.transpose(2, 3),
            numbers({1, 8, 5, 5}, 0.3),
            numbers({2, 16, 7, 7}, 0.3).slice(1, 0, 16, 2)};
}

constexpr ConvolutionChoice choices[] = {ConvolutionChoice::libtorch, ConvolutionChoice::direct,
                                         ConvolutionChoice::winograd_2,
                                         ConvolutionChoice::winograd_4};

START_TEST(networks_compute_what_they_computed)
{
    const Case &wanted = cases[_i];
    const torch::jit::Module frozen = torch::jit::freeze(network_of(wanted.body));
    const auto form = default_form(frozen, at::kCPU);
    const Program plain(scoring_graph(frozen), frozen, form);
    const auto graph = scoring_graph(frozen);
    const auto convolutions = fuse_convolutions(graph);
    ck_assert_uint_eq(convolutions.size(), wanted.convolutions);
    ck_assert_uint_eq(count_of(*graph, "sscam::convolution"), wanted.convolutions);
    size_t with_relu = 0;
    for (const auto &convolution : convolutions)
        with_relu += convolution->layer().relu;
    ck_assert_uint_eq(with_relu, wanted.with_relu);
    const Program fused(graph, frozen, form);
    for (ConvolutionChoice choice : choices) {
        for (const auto &convolution : convolutions)
            if (convolution->is_possible(choice))
                convolution->choose(choice);
        for (const at::Tensor &input : inputs())
            assert_equal(outputs_of(fused, input), outputs_of(plain, input));
    }
}
END_TEST

START_TEST(what_is_fused_leaves_the_graph)
{
    const Case &wanted = cases[_i];
    const auto graph = scoring_graph(torch::jit::freeze(network_of(wanted.body)));
    fuse_convolutions(graph);
    graph->lint();
    ck_assert_uint_eq(count_of(*graph, "aten::add") + count_of(*graph, "aten::add_"),
                      wanted.additions);
    ck_assert_uint_eq(count_of(*graph, "aten::relu") + count_of(*graph, "aten::relu_"),
                      wanted.relus);
}
END_TEST

// What libtorch refuses is refused by libtorch.
START_TEST(inputs_of_other_types_and_channels_are_libtorchs)
{
    const torch::jit::Module frozen = torch::jit::freeze(
        network_of("    return torch.relu(" CONV("x", "w") ")\n"));
    const auto graph = scoring_graph(frozen);
    const auto convolutions = fuse_convolutions(graph);
    convolutions.at(0)->choose(ConvolutionChoice::winograd_4);
    const Program fused(graph, frozen, default_form(frozen, at::kCPU));
    for (const at::Tensor &input :
         {at::zeros({1, 7, 9, 9}), at::zeros({8, 9}), at::zeros({1, 8, 9, 9}, at::kDouble)}) {
        bool is_refused = false;
        try {
            fused.run(input);
        } catch (const std::exception &) {
            is_refused = true;
        }
        ck_assert(is_refused);
    }
    const at::Tensor empty = at::zeros({0, 8, 9, 9});
    ck_assert(fused.run(empty).toTensor().sizes() == empty.sizes());
}
END_TEST

START_TEST(outputs_depend_on_neither_threads_nor_batch)
{
    const torch::jit::Module frozen = torch::jit::freeze(
        network_of("    return torch.relu(" CONV("x", "w") " + x)\n"));
    const auto graph = scoring_graph(frozen);
    const auto convolutions = fuse_convolutions(graph);
    const Program fused(graph, frozen, default_form(frozen, at::kCPU));
    const at::Tensor batch = numbers({6, 8, 60, 61}, 0.3);
    const int threads = at::get_num_threads();
    for (ConvolutionChoice choice : choices) {
        if (choice == ConvolutionChoice::libtorch)
            continue;
        convolutions.at(0)->choose(choice);
        at::set_num_threads(1);
        const at::Tensor wanted = fused.run(batch).toTensor();
        at::set_num_threads(3);
        ck_assert(at::equal(fused.run(batch).toTensor(), wanted));
        for (int64_t image = 0; image < batch.size(0); image++)
            ck_assert(at::equal(fused.run(batch.narrow(0, image, 1)).toTensor(),
                                wanted.narrow(0, image, 1)));
    }
    at::set_num_threads(threads);
}
END_TEST

// A choice that is possible, the same for equal layers, once for each layer that runs.
START_TEST(layers_choose_when_they_run_first)
{
    const torch::jit::Module frozen = torch::jit::freeze(network_of("    y = torch.relu(" CONV(
        "x", "w") ")\n"
                  "    y = torch.relu(" CONV(
                      "y", "v") ")\n"
                                "    if x.size(3) > 100:\n        y = " CONV(
                                    "y", "w") "\n"
                                              "    return torch.conv2d(y, self.narrow)\n"));
    const auto graph = scoring_graph(frozen);
    const auto convolutions = fuse_convolutions(graph);
    ck_assert_uint_eq(convolutions.size(), 4);
    ConvolutionTimer timer;
    for (const auto &convolution : convolutions)
        convolution->choose_with(&timer);
    const Program fused(graph, frozen, default_form(frozen, at::kCPU));
    const auto form = default_form(frozen, at::kCPU);
    const Program plain(scoring_graph(frozen), frozen, default_form(frozen, at::kCPU));
    const at::Tensor input = numbers({2, 8, 12, 12}, 0.3);
    assert_equal(outputs_of(fused, input), outputs_of(plain, input));
    ck_assert(convolutions[0]->choice() == convolutions[1]->choice());
    for (const auto &convolution : convolutions)
        ck_assert(convolution->is_possible(convolution->choice()));
    ck_assert(!convolutions[3]->is_possible(ConvolutionChoice::winograd_4));
    ck_assert(convolutions[2]->choice() == ConvolutionChoice::libtorch); // it has not run
}
END_TEST

// --- the form ------------------------------------------------------------------------------------

const int64_t shape[] = {1, 8, 24, 24};

const char two_layers[] = "    a = torch.relu(" CONV(
    "x", "w") ")\n"
              "    a = torch.relu(" CONV(
                  "a", "v") " + x)\n"
                            "    a = torch.relu(torch.conv2d(a, self.narrow))\n"
                            "    return torch.linear(torch.mean(a, [2, 3])[:, :8], self.head)\n";

sscam_explainer *explainer_of(sscam_model *model, const char *calibrate)
{
    sscam_explainer *explainer = nullptr;
    NEED(sscam_explainer_create(model, "score-cam", &explainer));
    NEED(sscam_explainer_set(explainer, "calibrate", calibrate));
    return explainer;
}

sscam_status explain(sscam_explainer *explainer, sscam_map **map)
{
    const at::Tensor values = numbers({1, 8, 24, 24}, 0.37) * 4;
    sscam_array array = SSCAM_ARRAY_INIT;
    array.data = values.data_ptr<float>();
    array.shape = shape;
    array.rank = 4;
    return sscam_explain_array(explainer, &array, nullptr, map);
}

std::string calibration_of(sscam_model *model)
{
    char *text = nullptr;
    NEED(sscam_model_calibration(model, &text));
    const std::string copy = text;
    sscam_free(text);
    return copy;
}

std::string with_form(std::string text, const std::string &form)
{
    const size_t start = text.find(" form "), end = text.find(" run ");
    ck_assert(start != std::string::npos && end != std::string::npos);
    return text.replace(start, end - start, " form \"" + form + "\"");
}

std::string measured_calibration(const std::string &file)
{
    sscam_model *model = load(file);
    sscam_explainer *explainer = explainer_of(model, "on");
    sscam_map *map = nullptr;
    NEED(explain(explainer, &map));
    const std::string text = calibration_of(model);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
    return text;
}

std::vector<float> values_of(const sscam_map *map)
{
    std::vector<float> values(24 * 24);
    const float *data = sscam_map_data(map);
    values.assign(data, data + values.size());
    return values;
}

START_TEST(a_calibration_names_the_choices)
{
    const std::string file = file_of(network_of(two_layers));
    const std::string measured = measured_calibration(file);
    sscam_model *model = load(file);
    sscam_explainer *plain = explainer_of(model, "off"), *fused = explainer_of(model, "on");
    sscam_map *wanted = nullptr;
    NEED(explain(plain, &wanted));
    ck_assert_ptr_nonnull(std::strstr(sscam_map_diagnostics(wanted), "\"form\": \"frozen\""));
    for (const char *named : {"winograd 44d", "winograd 2dt", "winograd ttt", "winograd d4d"}) {
        const std::string text = with_form(measured, named);
        NEED(sscam_model_set_calibration(model, text.c_str()));
        sscam_map *map = nullptr;
        NEED(explain(fused, &map));
        ck_assert_ptr_nonnull(std::strstr(sscam_map_diagnostics(map), "\"form\": \"winograd\""));
        const std::vector<float> found = values_of(map), expected = values_of(wanted);
        for (size_t i = 0; i < found.size(); i++)
            ck_assert_float_le(std::fabs(found[i] - expected[i]), 1e-4f);
        sscam_map_unref(map);
        ck_assert(calibration_of(model) == text);
    }
    sscam_map_unref(wanted);
    sscam_explainer_unref(plain);
    sscam_explainer_unref(fused);
    sscam_model_unref(model);
}
END_TEST

START_TEST(choices_that_do_not_fit_are_refused)
{
    const std::string file = file_of(network_of(two_layers));
    const std::string measured = measured_calibration(file);
    sscam_model *model = load(file);
    sscam_explainer *explainer = explainer_of(model, "on");
    for (const char *named : {"winograd", "winograd ", "winograd 44", "winograd 44dd",
                              "winograd 444", "winograd 4xd", "winograd  44d"}) {
        NEED(sscam_model_set_calibration(model, with_form(measured, named).c_str()));
        sscam_map *map = nullptr;
        ck_assert_int_eq(explain(explainer, &map), SSCAM_E_UNSUPPORTED);
        ck_assert_ptr_nonnull(std::strstr(sscam_last_error(), named));
    }
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

// Known to the process since the first fusion, but for the library's own graphs alone.
START_TEST(files_that_name_the_operator_are_refused)
{
    fuse_convolutions(scoring_graph(torch::jit::freeze(network_of(two_layers))));
    const torch::jit::Module network = network_of(
        "    return torch.linear(torch.mean(torch.relu(x), [2, 3]), self.head)\n");
    const auto graph = network.get_method("forward").graph();
    for (torch::jit::Node *node : graph->nodes()) {
        if (node->kind() != c10::aten::relu)
            continue;
        torch::jit::Node *none = graph->createNone()->insertBefore(node);
        torch::jit::Node *named = graph->create(c10::Symbol::fromQualString("sscam::convolution"),
                                                {node->input(0), none->output()}, 1);
        node->output()->replaceAllUsesWith(named->insertBefore(node)->output());
        break;
    }
    const std::string file = file_of(network);
    sscam_model *model = nullptr;
    const sscam_status status = sscam_model_load_memory(file.data(), file.size(), "cpu", &model);
    ck_assert_int_ne(status, SSCAM_OK);
    ck_assert_ptr_null(model);
}
END_TEST

} // namespace

int main()
{
    Suite *suite = suite_create("fused convolution");
    TCase *graphs = add_tcase(suite, "graphs", nullptr, nullptr),
          *form = add_tcase(suite, "form", nullptr, nullptr);
    tcase_add_loop_test(graphs, networks_compute_what_they_computed, 0, CASES);
    tcase_add_loop_test(graphs, what_is_fused_leaves_the_graph, 0, CASES);
    tcase_add_test(graphs, inputs_of_other_types_and_channels_are_libtorchs);
    tcase_add_test(graphs, outputs_depend_on_neither_threads_nor_batch);
    tcase_add_test(graphs, layers_choose_when_they_run_first);
    tcase_add_test(form, a_calibration_names_the_choices);
    tcase_add_test(form, choices_that_do_not_fit_are_refused);
    tcase_add_test(form, files_that_name_the_operator_are_refused);
    return run_suite(suite);
}
