// The cases of the hostile host. Each runs in a process of its own and throws when it fails.
#ifndef SSCAM_TESTS_HOST_CASES_HPP
#define SSCAM_TESTS_HOST_CASES_HPP

#include <functional>
#include <string>
#include <vector>

#include "explanations.hpp"

struct Case {
    std::string name;
    std::function<void(const Files &)> run;
};

std::vector<Case> setting_cases();
std::vector<Case> callback_cases();
std::vector<Case> thread_cases();
std::vector<Case> fork_cases();

// Two explanations, for cases that look at more than their numbers.
void explain_twice_and_compare(sscam_model *model, const sscam_image *image, const Maps &reference);

#endif
