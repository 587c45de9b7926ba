// Tensors that torch.save wrote into a record of a .pt2 file, as PyTorch before 2.8 does.
#ifndef SSCAM_SHIM_PROGRAM_PICKLED_TENSORS_HPP
#define SSCAM_SHIM_PROGRAM_PICKLED_TENSORS_HPP

#include <vector>

#include "program/stored_tensors.hpp"

namespace sscam {

// Those of a pickled dictionary, by their keys. Descriptions of tensors are all that comes of it:
// whatever else the pickled program names is refused with an Error.
StoredTensors read_pickled_tensors(const std::vector<unsigned char> &pickle);

} // namespace sscam

#endif
