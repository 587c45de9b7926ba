// What the library has for the whole process, with libtorch: the log, the limit of threads,
// libraries of operators; and what it tells of a network and its calibration.
//
// check_process OPERATOR_LIBRARY
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <sscam/sscam.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include "matrix/network_file.hpp"
#include "support/check_main.h"

#if TORCH_VERSION_MAJOR >= 2
namespace torch_warnings = c10::WarningUtils;
#else
namespace torch_warnings = c10::Warning;
#endif

namespace {

const char *operator_library;

const int64_t shape[] = {1, 3, 16, 16};

at::Tensor weights(const std::vector<int64_t> &sizes, double frequency)
{
    const int64_t count = c10::multiply_integers(sizes);
    return at::sin(at::arange(count, at::kFloat) * frequency).view(sizes) * 0.3;
}

// The body reads x and the weights, and returns the classes.
torch::jit::Module network_of(const std::string &body)
{
    torch::jit::Module network("Network");
    network.register_buffer("stem", weights({8, 3, 3, 3}, 0.7));
    network.register_buffer("head", weights({5, 8}, 0.9));
    network.define("def forward(self, x):\n" + body);
    return network;
}

const char plain[] = "    a = torch.relu(torch.conv2d(x, self.stem, None, [1, 1], [1, 1]))\n"
                     "    return torch.linear(torch.mean(a, [2, 3]), self.head)\n";

// An output of another size than the result makes libtorch warn.
const char warning[] =
    "    a = torch.relu(torch.conv2d(x, self.stem, None, [1, 1], [1, 1]))\n"
    "    z = torch.flatten(a)[:3]\n"
    "    y = torch.zeros([2])\n"
    "    torch.mul(z, z, out=y)\n"
    "    return torch.linear(torch.mean(a, [2, 3]), self.head) + torch.sum(y) * 0.0\n";

sscam_explainer *explainer_of(sscam_model *model, const char *method,
                              const std::vector<std::pair<const char *, const char *>> &options)
{
    sscam_explainer *explainer = nullptr;
    NEED(sscam_explainer_create(model, method, &explainer));
    for (const auto &[name, value] : options)
        NEED(sscam_explainer_set(explainer, name, value));
    return explainer;
}

std::vector<float> image()
{
    std::vector<float> values(3 * 16 * 16);
    for (size_t i = 0; i < values.size(); i++)
        values[i] = static_cast<float>(i * 37 % 101) / 101.0f - 0.4f;
    return values;
}

sscam_status explain(sscam_explainer *explainer, sscam_map **map)
{
    const std::vector<float> values = image();
    sscam_array array = SSCAM_ARRAY_INIT;
    array.data = values.data();
    array.shape = shape;
    array.rank = 4;
    return sscam_explain_array(explainer, &array, nullptr, map);
}

std::string diagnostics(sscam_explainer *explainer)
{
    sscam_map *map = nullptr;
    NEED(explain(explainer, &map));
    const std::string text = sscam_map_diagnostics(map);
    sscam_map_unref(map);
    return text;
}

bool contains(const std::string &text, const char *part)
{
    return text.find(part) != std::string::npos;
}

// --- the log -------------------------------------------------------------------------------------

using Messages = std::vector<std::pair<int32_t, std::string>>;

void remember(void *user, int32_t level, const char *text)
{
    static_cast<Messages *>(user)->emplace_back(level, text);
}

bool has(const Messages &messages, int32_t level, const char *part)
{
    for (const auto &[own_level, text] : messages)
        if (own_level == level && contains(text, part))
            return true;
    return false;
}

START_TEST(warnings_of_libtorch_reach_the_log)
{
    const char *const workers[] = {"1", "2"};
    static Messages messages;
    sscam_model *model = load(file_of(network_of(warning)));
    c10::WarningHandler *const before = torch_warnings::get_warning_handler();
    messages.clear();
    NEED(sscam_set_log_callback(remember, &messages));
    sscam_explainer *explainer = explainer_of(
        model, "score-cam", {{"calibrate", "off"}, {"workers", workers[_i]}, {"layer", "relu"}});
    diagnostics(explainer);
    NEED(sscam_set_log_callback(nullptr, nullptr));
    ck_assert(has(messages, SSCAM_LOG_WARNING, "was resized"));
    ck_assert_ptr_eq(torch_warnings::get_warning_handler(), before);
    const size_t count = messages.size();
    diagnostics(explainer);
    ck_assert_uint_eq(messages.size(), count);
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

START_TEST(the_log_says_what_calibration_chose)
{
    static Messages messages;
    sscam_model *model = load(file_of(network_of(plain)));
    messages.clear();
    NEED(sscam_set_log_callback(remember, &messages));
    sscam_explainer *explainer = explainer_of(model, "score-cam", {});
    diagnostics(explainer);
    NEED(sscam_set_log_callback(nullptr, nullptr));
    ck_assert(has(messages, SSCAM_LOG_INFO, "masked inputs of shape [1, 3, 16, 16] are scored by"));
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

// Its outputs are beyond the range of fp16.
START_TEST(the_log_says_why_a_form_was_dropped)
{
    static Messages messages;
    sscam_model *model = load(
        file_of(network_of("    a = torch.relu(torch.conv2d(x, self.stem, None, [1, 1], [1, 1]))\n"
                           "    return torch.linear(torch.mean(a, [2, 3]), self.head) * 1e30\n")));
    messages.clear();
    NEED(sscam_set_log_callback(remember, &messages));
    sscam_explainer *explainer = explainer_of(model, "score-cam", {{"precision", "fp16"}});
    sscam_map *map = nullptr;
    ck_assert_int_eq(explain(explainer, &map), SSCAM_E_UNSUPPORTED);
    NEED(sscam_set_log_callback(nullptr, nullptr));
    ck_assert(has(messages, SSCAM_LOG_INFO, "scoring plan dropped (frozen"));
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

// --- what is known of a network --------------------------------------------------------------

START_TEST(inputs_and_classes_are_known_where_they_are_certain)
{
    const struct {
        const char *body;
        int32_t rank;
        int64_t channels, classes;
    } cases[] = {
        {plain, 4, 3, 5},
        {"    x = x.detach().contiguous()\n"
         "    a = torch.conv2d(x, self.stem, None, [1, 1], [1, 1])\n"
         "    return torch.softmax(torch.linear(torch.mean(a, [2, 3]), self.head), 1)\n",
         4, 3, 5},
        // The input is read by more than the convolution, and the classes by more than the layer.
        {"    a = torch.conv2d(x, self.stem, None, [1, 1], [1, 1]) + torch.mean(x)\n"
         "    return torch.linear(torch.mean(a, [2, 3]), self.head)[:, :2]\n",
         0, 0, 0},
        {"    a = torch.conv2d(torch.cat([x, x, x], 1), self.stem, None, [1, 1], [1, 1])\n"
         "    return torch.linear(torch.mean(a, [2, 3]), self.head), a\n",
         4, 0, 0},
    };
    for (const auto &wanted : cases) {
        sscam_model *model = load(file_of(network_of(wanted.body)));
        int64_t found[SSCAM_INPUT_MAX_RANK] = {-1, -1, -1, -1, -1};
        ck_assert_int_eq(sscam_model_input_shape(model, found), wanted.rank);
        ck_assert_int_eq(found[1], wanted.channels);
        for (int i : {0, 2, 3, 4})
            ck_assert_int_eq(found[i], 0);
        ck_assert_int_eq(sscam_model_input_shape(model, nullptr), wanted.rank);
        ck_assert_int_eq(sscam_model_class_count(model), wanted.classes);
        sscam_model_unref(model);
    }
    ck_assert_int_eq(sscam_model_input_shape(nullptr, nullptr), 0);
    ck_assert_int_eq(sscam_model_class_count(nullptr), 0);
}
END_TEST

// --- preparing and calibration -------------------------------------------------------------------

START_TEST(what_was_prepared_is_not_calibrated_again)
{
    sscam_model *model = load(file_of(network_of(plain)));
    sscam_explainer *explainer = explainer_of(model, "score-cam", {});
    NEED(sscam_explainer_prepare(explainer, shape, 4));
    ck_assert(contains(diagnostics(explainer), "\"calibration_passes\": 0"));
    sscam_model_unref(model);
    sscam_explainer_unref(explainer);

    model = load(file_of(network_of(plain)));
    explainer = explainer_of(model, "score-cam", {});
    ck_assert(!contains(diagnostics(explainer), "\"calibration_passes\": 0"));
    ck_assert(contains(diagnostics(explainer), "\"calibration_passes\": 0"));
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

// In channels-last order, a batch of two or more has no rows of channels to join; a single input
// has.
const char joining_rows[] =
    "    a = torch.conv2d(x, self.stem, None, [1, 1], [1, 1])\n"
    "    rows = torch.relu(a.view([x.size(0), 8, 256]).view([x.size(0) * 8, 256]))\n"
    "    return torch.linear(torch.mean(rows.view([-1, 8, 256]), [2]), self.head)\n";

START_TEST(forms_that_run_no_batches_are_not_chosen)
{
    const std::string file = file_of(network_of(joining_rows));
    for (int i = 0; i < 8; i++) { // what is the fastest differs from time to time
        sscam_model *model = load(file);
        sscam_explainer *explainer = explainer_of(model, "score-cam", {{"batch_size", "6"}});
        sscam_map *map = nullptr;
        NEED(explain(explainer, &map));
        sscam_map_unref(map);
        sscam_explainer_unref(explainer);
        sscam_model_unref(model);
    }
}
END_TEST

std::string calibration_of(sscam_model *model)
{
    char *text = nullptr;
    NEED(sscam_model_calibration(model, &text));
    const std::string copy = text;
    sscam_free(text);
    return copy;
}

// Not what measuring would choose, so that it shows.
std::string altered(std::string text)
{
    const size_t form = text.find(" form "), output = text.find('\n', form);
    return text.replace(form, output - form, " form \"plain\" run 1 batch 3 largest 0");
}

START_TEST(a_calibration_is_followed_and_given_back)
{
    const std::string file = file_of(network_of(plain));
    sscam_model *model = load(file);
    sscam_explainer *explainer = explainer_of(model, "score-cam", {});
    diagnostics(explainer);
    const std::string text = altered(calibration_of(model));
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);

    model = load(file);
    explainer = explainer_of(model, "score-cam", {});
    NEED(sscam_model_set_calibration(model, text.c_str()));
    ck_assert(contains(diagnostics(explainer),
                       "\"form\": \"plain\", \"precision\": \"fp32\", \"workers\": 1, "
                       "\"batch_size\": 3"));
    ck_assert(calibration_of(model) == text);
    NEED(sscam_model_set_calibration(model, nullptr));
    ck_assert(!contains(diagnostics(explainer), "\"plain\""));
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

std::string replaced(std::string text, const std::string &part, const std::string &by)
{
    const size_t at = text.find(part);
    ck_assert(at != std::string::npos);
    return text.replace(at, part.size(), by);
}

START_TEST(calibrations_that_do_not_fit_are_refused)
{
    sscam_model *model = load(file_of(network_of(plain)));
    sscam_explainer *explainer = explainer_of(model, "score-cam", {});
    diagnostics(explainer);
    const std::string text = calibration_of(model);
    sscam_model *other = load(file_of(network_of(warning)));
    ck_assert_int_eq(sscam_model_set_calibration(other, text.c_str()), SSCAM_E_UNSUPPORTED);
    ck_assert(contains(sscam_last_error(), "another network"));
    sscam_model_unref(other);
    const struct {
        std::string text;
        sscam_status status;
        const char *thing;
    } cases[] = {
        {replaced(text, "\"cpu\"", "\"cuda:3\""), SSCAM_E_UNSUPPORTED, "device, cuda:3"},
        {replaced(text, "workers \"", "workers \"9"), SSCAM_E_UNSUPPORTED, "number of workers"},
        {replaced(text, "threads \"", "threads \"9"), SSCAM_E_UNSUPPORTED, "number of threads"},
        {replaced(text, "calibration 1", "calibration 2"), SSCAM_E_FORMAT, "later release"},
        {replaced(text, " batch ", " batch -"), SSCAM_E_FORMAT, "batch"},
        {replaced(text, " run ", " run 99999999999999999999"), SSCAM_E_FORMAT, "run"},
        {replaced(text, " shape 4", " shape 900000000"), SSCAM_E_FORMAT, "rank"},
        {replaced(text, "plan fp32", "plan fp33"), SSCAM_E_FORMAT, "fp33"},
        {text.substr(0, text.size() - 8), SSCAM_E_FORMAT, ""},
        {text + "plan", SSCAM_E_FORMAT, "precision"},
        {"", SSCAM_E_FORMAT, "does not begin"},
        {std::string(2 << 20, 'x'), SSCAM_E_FORMAT, "bytes"},
    };
    for (const auto &wanted : cases) {
        ck_assert_int_eq(sscam_model_set_calibration(model, wanted.text.c_str()), wanted.status);
        ck_assert_msg(contains(sscam_last_error(), wanted.thing), "%s", sscam_last_error());
    }
    ck_assert(contains(diagnostics(explainer), "\"calibration_passes\": 0")); // nothing changed
    NEED(sscam_model_set_calibration(model, text.c_str()));
    NEED(sscam_explainer_set(explainer, "workers", "1"));
    sscam_map *map = nullptr;
    ck_assert_int_eq(explain(explainer, &map), SSCAM_E_UNSUPPORTED);
    ck_assert(contains(sscam_last_error(), "nothing for inputs of shape [1, 3, 16, 16]"));
    NEED(sscam_explainer_set(explainer, "calibrate", "off"));
    diagnostics(explainer);
    NEED(sscam_model_set_calibration(
        model,
        replaced(text,
                 text.substr(text.find(" form ") + 6, text.find(" run ") - text.find(" form ") - 6),
                 "\"no such form\"")
            .c_str()));
    NEED(sscam_explainer_set(explainer, "workers", "0"));
    NEED(sscam_explainer_set(explainer, "calibrate", "on"));
    ck_assert_int_eq(explain(explainer, &map), SSCAM_E_UNSUPPORTED);
    ck_assert(contains(sscam_last_error(), "no such form"));
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

// --- operators and threads -----------------------------------------------------------------------

// Written by another process, since a process that knows the operator needs no library.
void write_file_with_operator(int to)
{
    if (!dlopen(operator_library, RTLD_NOW))
        throw std::runtime_error(dlerror());
    torch::jit::Module network = network_of(plain);
    const auto graph = network.get_method("forward").graph();
    for (torch::jit::Node *node : graph->nodes())
        if (node->kind() == c10::Symbol::fromQualString("aten::relu")) {
            torch::jit::Node *record = graph->create(
                c10::Symbol::fromQualString("sscam_test::record"), {node->output()}, 1);
            record->insertAfter(node);
            node->output()->replaceAllUsesAfterNodeWith(record, record->output());
            break;
        }
    const std::string file = file_of(network);
    if (write(to, file.data(), file.size()) != static_cast<ssize_t>(file.size()))
        throw std::runtime_error("the file was not written");
}

// "" where it failed.
std::string file_with_operator()
{
    int ends[2], status = 0;
    if (pipe(ends) != 0)
        return "";
    const pid_t child = fork();
    if (child == 0) {
        try {
            write_file_with_operator(ends[1]);
            _exit(0);
        } catch (const std::exception &error) {
            std::fprintf(stderr, "%s\n", error.what());
            _exit(1);
        }
    }
    close(ends[1]);
    std::string file;
    char part[4096];
    for (ssize_t size; (size = read(ends[0], part, sizeof part)) > 0;)
        file.append(part, size);
    close(ends[0]);
    waitpid(child, &status, 0);
    return status == 0 ? file : "";
}

std::string operator_file; // made before libtorch is used, since it forks

START_TEST(operators_come_from_libraries)
{
    sscam_model *model = nullptr;
    ck_assert_int_ne(
        sscam_model_load_memory(operator_file.data(), operator_file.size(), "cpu", &model),
        SSCAM_OK);
    ck_assert(contains(sscam_last_error(), "sscam_test::record"));
    ck_assert_int_eq(sscam_load_library("/nowhere/liboperators.so"), SSCAM_E_IO);
    ck_assert(contains(sscam_last_error(), "/nowhere/liboperators.so"));
    ck_assert_int_eq(sscam_load_library("/dev/null"), SSCAM_E_IO);
    NEED(sscam_load_library(operator_library));
    NEED(sscam_load_library(operator_library)); // once more
    model = load(operator_file);
    sscam_explainer *explainer = explainer_of(model, "grad-cam", {});
    diagnostics(explainer);
    sscam_explainer_unref(explainer);

    auto *most_threads = reinterpret_cast<int (*)()>(
        dlsym(dlopen(operator_library, RTLD_NOW), "sscam_test_most_threads"));
    ck_assert_ptr_nonnull(reinterpret_cast<void *>(most_threads));
    at::set_num_threads(3);
    explainer = explainer_of(model, "score-cam", {{"calibrate", "off"}});
    most_threads();
    diagnostics(explainer);
    ck_assert_int_eq(most_threads(), 3);
    for (int64_t limit : {2, 1}) {
        NEED(sscam_set_max_threads(limit));
        diagnostics(explainer);
        ck_assert_int_eq(most_threads(), limit);
        ck_assert_int_eq(at::get_num_threads(), 3); // the host's
        NEED(sscam_explainer_set(explainer, "workers", "8"));
        ck_assert(
            contains(diagnostics(explainer), ("\"workers\": " + std::to_string(limit)).c_str()));
        NEED(sscam_explainer_set(explainer, "workers", "0"));
        most_threads();
    }
    NEED(sscam_set_max_threads(0));
    diagnostics(explainer);
    ck_assert_int_eq(most_threads(), 3);
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

} // namespace

int main(int count, char **arguments)
{
    if (count != 2)
        return 2;
    operator_library = arguments[1];
    operator_file = file_with_operator();
    if (operator_file.empty())
        return 1;
    Suite *suite = suite_create("process");
    TCase *log = add_tcase(suite, "log", nullptr, nullptr),
          *facts = add_tcase(suite, "facts", nullptr, nullptr),
          *calibration = add_tcase(suite, "calibration", nullptr, nullptr),
          *operators = add_tcase(suite, "operators", nullptr, nullptr);
    tcase_add_loop_test(log, warnings_of_libtorch_reach_the_log, 0, 2);
    tcase_add_test(log, the_log_says_what_calibration_chose);
    tcase_add_test(log, the_log_says_why_a_form_was_dropped);
    tcase_add_test(facts, inputs_and_classes_are_known_where_they_are_certain);
    tcase_add_test(calibration, what_was_prepared_is_not_calibrated_again);
    tcase_add_test(calibration, forms_that_run_no_batches_are_not_chosen);
    tcase_add_test(calibration, a_calibration_is_followed_and_given_back);
    tcase_add_test(calibration, calibrations_that_do_not_fit_are_refused);
    tcase_add_test(operators, operators_come_from_libraries);
    return run_suite(suite);
}
