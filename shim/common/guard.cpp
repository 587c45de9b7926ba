#include "common/guard.hpp"

#include <cctype>
#include <cstring>
#include <new>

#include "base/error.h"
#include "common/text.hpp"

namespace sscam {

namespace {

// The message of the exception being handled, without libtorch's backtrace.
std::string current_message()
{
    try {
        throw;
    } catch (const c10::Error &error) {
        return error.what_without_backtrace();
    } catch (const std::exception &error) {
        return error.what();
    } catch (...) {
        return "unknown C++ exception";
    }
}

std::string trimmed(const std::string &text)
{
    const char *blanks = " \t\r\n";
    size_t first = text.find_first_not_of(blanks);
    if (first == std::string::npos)
        return std::string();
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The interpreter puts two traces through the source in front: of the file's, with levels that end
// in "<--- HERE" and indented lines of source around, and of the code that was exported, which of
// traced networks has neither. The message proper follows, behind the kind of the exception; or the
// last level, not indented.
std::string without_source_trace(const std::string &message)
{
    const size_t traces = message.rfind("Traceback of TorchScript");
    if (traces != std::string::npos)
        for (const char *kind : {"\nRuntimeError: ", "\nbuiltins."}) {
            const size_t proper = message.find(kind, traces);
            if (proper != std::string::npos)
                return message.substr(proper + 1);
        }
    size_t position = message.rfind("<--- HERE");
    if (position == std::string::npos)
        position = message.find("Traceback of TorchScript");
    if (position == std::string::npos)
        return message;
    for (position = message.find('\n', position); position != std::string::npos;
         position = message.find('\n', position)) {
        position++;
        if (position < message.size() &&
            !std::isspace(static_cast<unsigned char>(message[position])))
            return message.substr(position);
    }
    return message;
}

} // namespace

std::string first_line_of(const std::string &torch_message)
{
    const std::string text = trimmed(without_source_trace(torch_message));
    std::string line = trimmed(text.substr(0, text.find('\n')));
    for (const char *prefix : {"RuntimeError: ", "builtins."})
        if (line.rfind(prefix, 0) == 0)
            line.erase(0, std::strlen(prefix));
    return line.empty() ? "libtorch gives no reason" : line;
}

std::string current_reason()
{
    return first_line_of(current_message());
}

bool memory_ran_out()
{
    try {
        throw;
    } catch (const c10::OutOfMemoryError &) {
        return true;
    } catch (const std::bad_alloc &) {
        return true;
    } catch (...) {
        // The interpreter rethrows everything as std::runtime_error: only the text is left.
        std::string message = current_message();
        return contains(message, "DefaultCPUAllocator") || contains(message, "out of memory") ||
               contains(message, "std::bad_alloc") ||
               contains(message, "STATUS_ALLOC_FAILED"); // cuBLAS, cuDNN
    }
}

bool device_failed()
{
    std::string message = current_message();
    return contains(message, "CUDA error") || contains(message, "cuDNN error") ||
           contains(message, "CUDA driver");
}

sscam_status fail_with_current_exception(const char *subject, sscam_status otherwise) noexcept
{
    try {
        throw;
    } catch (const Reported &reported) {
        return reported.status();
    } catch (const Error &error) {
        return sscam_fail(error.status(), "%s: %s", subject, error.what());
    } catch (...) {
        try {
            if (memory_ran_out())
                return sscam_fail(SSCAM_E_MEMORY, "%s: out of memory", subject);
            return sscam_fail(device_failed() ? SSCAM_E_DEVICE : otherwise, "%s: %s", subject,
                              current_reason().c_str());
        } catch (...) { // while the message is written
            return sscam_fail(SSCAM_E_MEMORY, "%s: out of memory", subject);
        }
    }
}

} // namespace sscam
