// The kernel itself; what goes before it is in cuda_program.cpp. A grid has less than 65536 blocks in its second
// direction: of more rows, a block writes several.
extern "C" __global__ void sscam_write_masked_inputs(const sscam_mask_kernel kernel)
{
    const int64_t quad = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (quad < sscam_quad_count(&kernel))
        for (int64_t row = blockIdx.y; row < kernel.rows; row += gridDim.y)
            sscam_write_masked_quad(&kernel, row, quad);
}
