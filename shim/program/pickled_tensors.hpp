// Tensors that torch.save wrote into a record of a .pt2 file, as PyTorch before 2.8 does.
#ifndef SSCAM_SHIM_PROGRAM_PICKLED_TENSORS_HPP
#define SSCAM_SHIM_PROGRAM_PICKLED_TENSORS_HPP

#include <map>
#include <string>

#include <ATen/core/Tensor.h>

#include "program/program_archive.hpp"

namespace sscam {

// By their names in the dictionary. Nothing but tensors is built: whatever else the pickled program
// names is refused with an Error.
std::map<std::string, at::Tensor> read_pickled_tensors(const ProgramArchive &archive,
                                                       const ZipDirectory::Record &record);

} // namespace sscam

#endif
