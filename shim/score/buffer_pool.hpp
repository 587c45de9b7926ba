// Float32 buffers in host memory that are kept between batches: fresh memory costs a page fault for
// each page.
#ifndef SSCAM_SHIM_SCORE_BUFFER_POOL_HPP
#define SSCAM_SHIM_SCORE_BUFFER_POOL_HPP

#include <mutex>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

namespace sscam {

class BufferPool {
public:
    // Pinned buffers are copied to a GPU directly.
    explicit BufferPool(bool pinned) : pinned_(pinned) {}

    // Has at least `size` elements, and is the caller's alone until give_back(). Smaller idle
    // buffers are freed.
    at::Tensor take(int64_t size)
    {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            while (!idle_.empty()) {
                at::Tensor buffer = std::move(idle_.back());
                idle_.pop_back();
                if (buffer.numel() >= size)
                    return buffer;
            }
        }
        return at::empty({size}, at::TensorOptions(at::kFloat).pinned_memory(pinned_));
    }

    void give_back(at::Tensor buffer)
    {
        std::lock_guard<std::mutex> lock(mutex_);
        idle_.push_back(std::move(buffer));
    }

    void free_idle()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        idle_.clear();
    }

private:
    const bool pinned_;
    std::mutex mutex_;
    std::vector<at::Tensor> idle_;
};

} // namespace sscam

#endif
