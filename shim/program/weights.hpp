// The parameters, buffers and constants of a program of torch.export.
#ifndef SSCAM_SHIM_PROGRAM_WEIGHTS_HPP
#define SSCAM_SHIM_PROGRAM_WEIGHTS_HPP

#include <memory>
#include <string>
#include <vector>

#include "program/program_archive.hpp"
#include "program/stored_tensors.hpp"

namespace sscam {

// Tensors are read when they are asked for.
class ProgramWeights {
public:
    // The archive and the conversion must outlive it.
    ProgramWeights(const ProgramArchive &archive, const Conversion &conversion);
    ~ProgramWeights();

    // On the conversion's device. Throws an Error if there is none of that name.
    at::Tensor weight(const std::string &name) { return find(*weights_, name); }
    at::Tensor constant(const std::string &name) { return find(*constants_, name); }

private:
    struct Source;

    static std::unique_ptr<Source> source(const ProgramArchive &archive,
                                          const Conversion &conversion, const std::string &folder,
                                          const std::string &configuration,
                                          const std::string &pickled);
    static at::Tensor find(Source &source, const std::string &name);

    std::unique_ptr<Source> weights_, constants_;
};

} // namespace sscam

#endif
