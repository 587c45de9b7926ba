// The kernel itself; what goes before it is in cuda_program.cpp.
extern "C" __global__ void sscam_write_masked_inputs(const sscam_mask_kernel kernel)
{
    const int64_t place = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (place < kernel.height * kernel.width)
        sscam_write_masked_place(&kernel, blockIdx.y, place);
}
