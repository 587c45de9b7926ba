// Scoring plans as text, to be used again by another process.
#ifndef SSCAM_SHIM_SCORE_CALIBRATION_HPP
#define SSCAM_SHIM_SCORE_CALIBRATION_HPP

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace sscam {

class Network;

// Input shape, output and number of workers asked for (0: to be chosen).
using PlanKey = std::tuple<std::vector<int64_t>, std::string, int64_t>;

// A scoring plan whose form is only named.
struct CalibratedPlan {
    PlanKey key;
    std::string form;
    int64_t run_workers, batch;
    int64_t largest_batch; // INT64_MAX: any
};

// The plans of all precisions that a network's scorers have measured.
std::string calibration_text(Network &network);

// Sets the plans of a text. Throws an Error, and changes nothing, where the text cannot be used for
// this network in this process.
void set_calibration(Network &network, const std::string &text);

// Forgets what was set and what was measured.
void reset_calibration(Network &network);

} // namespace sscam

#endif
