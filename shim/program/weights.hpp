// The parameters, buffers and constants of a program of torch.export.
#ifndef SSCAM_SHIM_PROGRAM_WEIGHTS_HPP
#define SSCAM_SHIM_PROGRAM_WEIGHTS_HPP

#include <map>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>

#include "program/literals.hpp"
#include "program/program_archive.hpp"
#include "program/program_schema.hpp"

namespace sscam {

// Reads tensors when they are asked for. Those of one record share their memory.
class Weights {
public:
    // Reads pickled weights at once, by a reader that builds tensors and nothing else.
    Weights(const ProgramArchive &archive, const Conversion &conversion);

    // On the conversion's device. Throws an Error if there is none of that name.
    at::Tensor weight(const std::string &name) { return find(weights_, name); }
    at::Tensor constant(const std::string &name) { return find(constants_, name); }

private:
    struct Source {
        std::string folder;
        pt2::Payloads payloads;
        std::map<std::string, at::Tensor> pickled;
    };

    Source source(const std::string &folder, const std::string &configuration,
                  const std::string &pickled) const;
    at::Tensor find(const Source &source, const std::string &name);
    at::Tensor elements(const std::string &record, c10::ScalarType type);

    const ProgramArchive &archive_;
    const Conversion &conversion_;
    Source weights_, constants_;
    // All elements of a record as one type.
    std::map<std::pair<std::string, c10::ScalarType>, at::Tensor> read_;
};

} // namespace sscam

#endif
