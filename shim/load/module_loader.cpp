#include "load/module_loader.hpp"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/csrc/jit/serialization/import.h>

#include "common/guard.hpp"
#include "common/text.hpp"
#include "load/archive.hpp"
#include "program/exported_program.hpp"

namespace sscam {

namespace {

// Constants in oneDNN's layout are written without their values, and packed weights as objects of
// classes that other builds lack.
bool is_optimised(const std::string &reason)
{
    return contains(reason, "attribute 'value' is undefined") ||
           contains(reason, "torch.classes.xnnpack") || contains(reason, "torch.classes.vulkan") ||
           contains(reason, "torch.classes.metal") || contains(reason, "torch.classes.mkldnn");
}

// Either the file is no TorchScript archive, or its program does not run in this libtorch.
[[noreturn]] void fail_to_load()
{
    std::string reason = current_reason();
    bool is_archive_fault = contains(reason, "PytorchStreamReader") ||
                            contains(reason, "archive") || contains(reason, "npickl") ||
                            contains(reason, "ickle");
    // Messages of libtorch 2, which checks this itself; for earlier versions archive.cpp does.
    if (contains(reason, "require a storage of at least") ||
        contains(reason, "invalid storage offset"))
        throw Error(SSCAM_E_FORMAT, "damaged TorchScript file: " + reason);
    // What the core recognises as another format gets a message of its own. Libtorch 2 adds advice
    // about miniz, which no user can follow.
    if (is_archive_fault)
        throw Error(SSCAM_E_FORMAT, "no TorchScript file, or a damaged one: " +
                                        reason.substr(0, reason.find(". This is an internal")));
    if (is_optimised(reason))
        throw Error(SSCAM_E_FORMAT,
                    "a TorchScript file saved after torch.jit.optimize_for_inference or "
                    "optimize_for_mobile, for one kind of machine; save the network before that: "
                    "torch.export.save(torch.export.export(model.eval(), (torch.rand(1, 3, 224, "
                    "224),)), \"network.pt2\"), or "
                    "torch.jit.script(model.eval()).save(\"network.pt\")");
    const std::string unknown = "Unknown builtin op: ";
    if (const size_t position = reason.find(unknown); position != std::string::npos) {
        const std::string operation = reason.substr(position + unknown.size());
        throw Error(SSCAM_E_MODEL,
                    "its program uses the operator " +
                        operation.substr(0, operation.find_last_not_of(".: \n") + 1) +
                        ", which libtorch lacks; load the library that defines it "
                        "first, as libtorchvision.so does torchvision's: --library FILE, or "
                        "sscam_load_library()");
    }
    throw Error(SSCAM_E_MODEL, "its program cannot be used: " + reason);
}

torch::jit::Module read_module(const sscam_byte_source &source, c10::Device device)
{
    const auto reader = std::make_shared<ArchiveReader>(source);
    try {
        torch::jit::Module module = torch::jit::load(reader, device);
        reader->throw_failure();
        check_tensors(module, *reader);
        return module;
    } catch (const Error &) {
        throw;
    } catch (...) {
        reader->throw_failure();
        if (memory_ran_out())
            throw;
        fail_to_load();
    }
}

// Not Module::eval(), which fails on frozen modules: they have no such attribute.
void set_evaluation_mode(const torch::jit::Module &root)
{
    for (const torch::jit::Module &module : root.modules())
        if (auto slot = module.type()->findAttributeSlot("training"))
            module._ivalue()->setSlot(*slot, false);
}

// No gradients of parameters are needed.
void prepare_tensor(at::Tensor tensor)
{
    tensor.set_requires_grad(false);
}

int64_t parse_device_number(const std::string &text)
{
    if (text.empty() || text.size() > 3 ||
        text.find_first_not_of("0123456789") != std::string::npos)
        return -1;
    return std::stoll(text);
}

} // namespace

// at::hasCUDA() would initialise the driver, and says no where there is a driver but no device.
bool has_cuda_half()
{
    return at::CUDAHooksRegistry()->Has("CUDAHooks");
}

c10::Device device_named(const char *name)
{
    const std::string wanted = !name ? "cpu" : name, subject = "device \"" + wanted + "\": ";
    if (wanted == "cpu") // the driver is not initialised: the host may still fork
        return c10::Device(c10::kCPU);
    int64_t number = wanted == "auto" || wanted == "cuda" ? 0 : -1;
    if (wanted.rfind("cuda:", 0) == 0)
        number = parse_device_number(wanted.substr(5));
    if (number < 0)
        throw Error(SSCAM_E_DEVICE, subject + "not cpu, cuda, cuda:N or auto");
    const int64_t count = has_cuda_half() ? static_cast<int64_t>(at::getNumGPUs()) : 0;
    if (wanted == "auto" && count == 0)
        return c10::Device(c10::kCPU);
    if (!has_cuda_half())
        throw Error(SSCAM_E_DEVICE, subject + "this build of libtorch has no CUDA");
    if (count == 0)
        throw Error(SSCAM_E_DEVICE,
                    subject + "there is no CUDA device, or no driver that serves it");
    if (number >= count)
        throw Error(SSCAM_E_DEVICE,
                    subject + "the last of the CUDA devices is cuda:" + std::to_string(count - 1));
    return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(number));
}

torch::jit::Module load_module(const sscam_byte_source &source, c10::Device device)
{
    torch::jit::Module module = is_exported_program(source) ? load_exported_program(source, device)
                                                            : read_module(source, device);
    set_evaluation_mode(module);
    for (const at::Tensor &parameter : module.parameters())
        prepare_tensor(parameter);
    for (const at::Tensor &buffer : module.buffers())
        prepare_tensor(buffer);
    return module;
}

} // namespace sscam
