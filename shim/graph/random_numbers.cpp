#include "graph/random_numbers.hpp"

#include <ATen/ATen.h>

#include "common/guard.hpp"
#include "engine/network.hpp"
#include "graph/evaluation_form.hpp"

namespace sscam {

namespace {

// Puts one number in place of all that are drawn.
class Replacement : public Tap {
public:
    explicit Replacement(double number) : number_(number) {}

    at::Tensor pass(int64_t, const at::Tensor &value) override
    {
        return at::full_like(value, number_);
    }

private:
    double number_;
};

} // namespace

// Draws may agree by chance, as those of a single coin do: besides two runs as they are, numbers
// that common distributions give rarely or never are put in place of the drawn ones.
bool depends_on_random_numbers(const MarkedGraph &graph, const at::Tensor &input,
                               const std::string &output)
{
    const auto plain = graph.program([](int64_t) { return false; });
    const at::Tensor drawn = run_for_logits(*plain, input.clone(), {}, 0, output);
    if (!at::equal(drawn, run_for_logits(*plain, input.clone(), {}, 0, output)))
        return true;
    const auto replaced = graph.program(
        [&](int64_t mark) { return is_random(graph.marks()[mark].kind); });
    for (const double number : {0.0, 1.0, 8.0, -8.0}) {
        try {
            const auto tap = c10::make_intrusive<Replacement>(number);
            if (!at::equal(drawn, run_for_logits(*replaced, input.clone(), tap, 0, output)))
                return true;
        } catch (const Error &) { // the number decides whether the network fails
            return true;
        }
    }
    return false;
}

} // namespace sscam
