// The kernel itself; what goes before it is in cuda_program.cpp. Blocks are
// of 256 threads, of which a multiprocessor is to hold three times as many at once: the loads take
// long.
extern "C" __global__ void __launch_bounds__(256, 3)
    sscam_write_masked_inputs(const sscam_mask_kernel kernel)
{
    const int64_t quad = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (quad < sscam_quad_count(&kernel))
        sscam_write_quad_of_rows(&kernel, quad, blockIdx.y, gridDim.y);
}
