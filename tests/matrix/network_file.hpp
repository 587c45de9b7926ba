// Networks that a test makes, as the bytes of their files, and models of these.
#ifndef SSCAM_TESTS_MATRIX_NETWORK_FILE_HPP
#define SSCAM_TESTS_MATRIX_NETWORK_FILE_HPP

#include <sstream>
#include <string>

#include <sscam/sscam.h>
#include <torch/csrc/jit/api/module.h>

#include <check.h> // last: its macros have names of the standard library's

#define NEED(call) ck_assert_msg((call) == SSCAM_OK, "%s", sscam_last_error())

inline std::string file_of(const torch::jit::Module &network)
{
    std::ostringstream file;
    network.save(file);
    return file.str();
}

inline sscam_model *load(const std::string &file)
{
    sscam_model *model = nullptr;
    NEED(sscam_model_load_memory(file.data(), file.size(), "cpu", &model));
    return model;
}

#endif
