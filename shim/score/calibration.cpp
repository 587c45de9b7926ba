#include "score/calibration.hpp"

#include <algorithm>
#include <cstring>
#include <iomanip>
#include <limits>
#include <locale>
#include <map>
#include <optional>
#include <sstream>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/csrc/jit/ir/ir.h>

#include "common/guard.hpp"
#include "common/workers.hpp"
#include "engine/network.hpp"
#include "score/scorer.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

constexpr char title[] = "sscam calibration";
constexpr int64_t version = 1, most_plans = 4096, most_workers = 1024, most_batch = 1 << 20;
constexpr size_t most_text = 1 << 20;

struct PrecisionName {
    sscam_precision precision;
    const char *name;
};
constexpr PrecisionName precisions[] = {{SSCAM_PRECISION_FP32, "fp32"},
                                        {SSCAM_PRECISION_BF16, "bf16"},
                                        {SSCAM_PRECISION_FP16, "fp16"},
                                        {SSCAM_PRECISION_TF32, "tf32"}};

// --- what a network is -------------------------------------------------------------------------

// FNV-1a over words of 64 bits. Not against forgery: it tells networks apart.
class Fingerprint {
public:
    void add(const void *data, size_t size)
    {
        const char *bytes = static_cast<const char *>(data);
        for (; size > 0;) {
            uint64_t word = 0;
            const size_t taken = std::min(size, sizeof word);
            std::memcpy(&word, bytes, taken);
            value_ = (value_ ^ word) * 0x100000001b3u;
            value_ ^= value_ >> 29;
            bytes += taken;
            size -= taken;
        }
    }

    void add(const std::string &text) { add(text.data(), text.size()); }

    void add(const at::Tensor &tensor)
    {
        add(shape_text(tensor.sizes()) + at::toString(tensor.scalar_type()));
        if (tensor.layout() != at::kStrided || tensor.is_quantized() || tensor.numel() == 0)
            return;
        const at::Tensor values = tensor.detach().to(at::kCPU).contiguous();
        add(values.data_ptr(), values.nbytes());
    }

    std::string text() const
    {
        std::ostringstream text;
        text.imbue(std::locale::classic());
        text << std::hex << std::setw(16) << std::setfill('0') << value_;
        return text.str();
    }

private:
    uint64_t value_ = 0xcbf29ce484222325u;
};

// Frozen networks keep their weights in the graph.
void add_constants(const jit::Block *block, Fingerprint &fingerprint)
{
    for (const jit::Node *node : block->nodes()) {
        for (const jit::Block *inner : node->blocks())
            add_constants(inner, fingerprint);
        if (node->kind() == c10::prim::Constant && node->hasAttribute(c10::attr::value) &&
            node->kindOf(c10::attr::value) == jit::AttributeKind::t)
            fingerprint.add(node->t(c10::attr::value));
    }
}

std::string fingerprint_of(const Network &network)
{
    Fingerprint fingerprint;
    const auto graph = network.module().get_method("forward").graph();
    fingerprint.add(graph->toString(false));
    fingerprint.add(network.form()->text());
    add_constants(graph->block(), fingerprint);
    for (const auto &parameter : network.module().named_parameters()) {
        fingerprint.add(parameter.name);
        fingerprint.add(parameter.value);
    }
    for (const auto &buffer : network.module().named_buffers()) {
        fingerprint.add(buffer.name);
        fingerprint.add(buffer.value);
    }
    return fingerprint.text();
}

// The instructions that libtorch uses, which are a line of its description.
std::string processor()
{
    const std::string config = at::show_config(), label = "CPU capability usage: ";
    const size_t start = config.find(label);
    if (start == std::string::npos)
        return "unknown";
    const size_t value = start + label.size();
    return config.substr(value, config.find('\n', value) - value);
}

// What plans and rounding depend on.
struct Circumstance {
    const char *key, *what; // in the text; in messages
    std::string value;
};

// In the order in which the text has them.
std::vector<Circumstance> circumstances(const Network &network)
{
    return {{"network", "network", fingerprint_of(network)},
            {"device", "device", network.device_name()},
            {"libtorch", "release of libtorch", TORCH_VERSION},
            {"processor", "kind of processor", processor()},
            {"threads", "number of threads of an operation", std::to_string(at::get_num_threads())},
            {"workers", "number of workers", std::to_string(max_workers())}};
}

// --- reading -----------------------------------------------------------------------------------

[[noreturn]] void fail_format(const std::string &what)
{
    throw Error(SSCAM_E_FORMAT, "a calibration: " + what);
}

class PlanReader {
public:
    explicit PlanReader(const std::string &text) : in_(text) { in_.imbue(std::locale::classic()); }

    bool at_end() { return (in_ >> std::ws).eof(); }

    std::string word(const char *what)
    {
        std::string found;
        if (!(in_ >> found))
            fail_format(std::string(what) + " is missing");
        return found;
    }

    // A word that is quoted where it has blanks.
    std::string quoted(const char *what)
    {
        std::string found;
        if (!(in_ >> std::quoted(found)))
            fail_format(std::string(what) + " is missing");
        return found;
    }

    void expect(const char *wanted)
    {
        const std::string found = word(wanted);
        if (found != wanted)
            fail_format("\"" + found + "\" in place of \"" + wanted + "\"");
    }

    int64_t number(const char *what, int64_t least, int64_t most)
    {
        int64_t found = 0;
        if (!(in_ >> found) || found < least || found > most)
            fail_format(std::string(what) + " is no number from " + std::to_string(least) + " to " +
                        std::to_string(most));
        return found;
    }

    std::vector<int64_t> shape()
    {
        std::vector<int64_t> found(number("the rank", SSCAM_LEAST_RANK, SSCAM_MOST_RANK));
        for (int64_t &side : found)
            side = number("the shape", 1, int64_t(1) << 40);
        return found;
    }

private:
    std::istringstream in_;
};

sscam_precision precision_named(const std::string &name)
{
    for (const PrecisionName &row : precisions)
        if (name == row.name)
            return row.precision;
    fail_format("\"" + name + "\" is no precision");
}

CalibratedPlan read_plan(PlanReader &reader)
{
    CalibratedPlan plan;
    reader.expect("shape");
    std::get<0>(plan.key) = reader.shape();
    reader.expect("output");
    std::get<1>(plan.key) = reader.quoted("the output");
    reader.expect("workers");
    std::get<2>(plan.key) = reader.number("workers", 0, most_workers);
    reader.expect("form");
    plan.form = reader.quoted("the form");
    reader.expect("run");
    plan.run_workers = reader.number("run", 1, most_workers);
    reader.expect("batch");
    plan.batch = reader.number("batch", 1, most_batch);
    reader.expect("largest");
    plan.largest_batch = reader.number("largest", 0, most_batch);
    if (plan.largest_batch == 0)
        plan.largest_batch = std::numeric_limits<int64_t>::max();
    if (plan.batch > plan.largest_batch)
        fail_format("batch is above largest");
    return plan;
}

void check_circumstances(const Network &network, PlanReader &reader)
{
    for (const Circumstance &own : circumstances(network)) {
        reader.expect(own.key);
        const std::string found = reader.quoted(own.key);
        if (found != own.value)
            throw Error(SSCAM_E_UNSUPPORTED, std::string("the calibration is for another ") +
                                                 own.what + ", " + found + "; here it is " +
                                                 own.value);
    }
}

using PlansByPrecision = std::map<sscam_precision, std::vector<CalibratedPlan>>;

PlansByPrecision read_text(const Network &network, const std::string &text)
{
    if (text.size() > most_text)
        fail_format("its text has " + std::to_string(text.size()) + " bytes");
    if (text.compare(0, sizeof title - 1, title) != 0)
        fail_format(std::string("its text does not begin with \"") + title + "\"");
    PlanReader reader(text.substr(sizeof title - 1));
    if (reader.number("the version", 1, std::numeric_limits<int32_t>::max()) > version)
        fail_format("it is of a later release");
    check_circumstances(network, reader);
    PlansByPrecision plans;
    for (int64_t count = 0; !reader.at_end(); count++) {
        if (count == most_plans)
            fail_format("it has too many plans");
        reader.expect("plan");
        const sscam_precision precision = precision_named(reader.word("the precision"));
        plans[precision].push_back(read_plan(reader));
    }
    return plans;
}

// --- writing -----------------------------------------------------------------------------------

void write_plan(const char *precision, const CalibratedPlan &plan, std::ostream &out)
{
    const std::vector<int64_t> &shape = std::get<0>(plan.key);
    const bool is_unlimited = plan.largest_batch == std::numeric_limits<int64_t>::max();
    out << "plan " << precision << " shape " << shape.size();
    for (int64_t side : shape)
        out << ' ' << side;
    out << " output " << std::quoted(std::get<1>(plan.key)) << " workers " << std::get<2>(plan.key)
        << " form " << std::quoted(plan.form) << " run " << plan.run_workers << " batch "
        << plan.batch << " largest " << (is_unlimited ? 0 : plan.largest_batch) << '\n';
}

} // namespace

std::string calibration_text(Network &network)
{
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out << title << ' ' << version << '\n';
    for (const Circumstance &own : circumstances(network))
        out << own.key << ' ' << std::quoted(own.value) << '\n';
    for (const PrecisionName &row : precisions)
        for (const CalibratedPlan &plan : network.scorer(row.precision).calibration())
            write_plan(row.name, plan, out);
    return out.str();
}

void set_calibration(Network &network, const std::string &text)
{
    PlansByPrecision plans = read_text(network, text);
    for (const PrecisionName &row : precisions)
        network.scorer(row.precision).set_calibration(std::move(plans[row.precision]));
}

void reset_calibration(Network &network)
{
    for (const PrecisionName &row : precisions)
        network.scorer(row.precision).set_calibration(std::nullopt);
}

} // namespace sscam
