// Whether a card may round the factors of float32 products to TF32.
#ifndef SSCAM_SHIM_CUDA_TF32_GUARD_HPP
#define SSCAM_SHIM_CUDA_TF32_GUARD_HPP

#include <c10/core/Device.h>

namespace sscam {

// libtorch has one switch for the whole process, which it leaves on for convolutions. While one of
// these lives, it says what was asked for; afterwards it is the host program's again. Those of
// other threads that ask for the other wait; one inside of another changes nothing, nor does one
// for the processor.
class Float32Products {
public:
    Float32Products(c10::Device device, bool in_tf32);
    ~Float32Products();
    Float32Products(const Float32Products &) = delete;
    Float32Products &operator=(const Float32Products &) = delete;

private:
    const bool is_needed_;
};

// What the card's kernels go by.
struct ProductsInTf32 {
    bool convolutions, matrices;
};
ProductsInTf32 products_in_tf32();

} // namespace sscam

#endif
