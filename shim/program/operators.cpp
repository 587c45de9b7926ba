#include "program/operators.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/api/include/torch/version.h>

#include "common/guard.hpp"
#include "common/text.hpp"

namespace sscam {

namespace {

const std::string operator_prefix = "torch.ops.";

[[noreturn]] void refuse_operator(const pt2::Node &node, const std::string &reason)
{
    throw Error(SSCAM_E_UNSUPPORTED,
                "the operator " + node.target + " of the node \"" + node.name + "\" " + reason);
}

// "aten::conv2d" and "" of "torch.ops.aten.conv2d.default".
c10::OperatorName operator_name(const pt2::Node &node)
{
    if (!starts_with(node.target, operator_prefix))
        refuse_operator(node, "is no operator of libtorch but a function of Python");
    const std::string name = node.target.substr(operator_prefix.size());
    const size_t first = name.find('.'), last = name.rfind('.');
    if (first == std::string::npos || first == last || first == 0)
        refuse_operator(node, "has no overload");
    const std::string overload = name.substr(last + 1);
    return {name.substr(0, first) + "::" + name.substr(first + 1, last - first - 1),
            overload == "default" ? "" : overload};
}

bool takes_file_name(const c10::FunctionSchema &schema)
{
    for (const c10::Argument &argument : schema.arguments())
        if (argument.type()->kind() == c10::TypeKind::StringType &&
            argument.name().find("file") != std::string::npos)
            return true;
    return false;
}

// Without a result and a change of an argument, it is there for what it does elsewhere, such as
// printing.
bool has_no_result(const c10::FunctionSchema &schema)
{
    return schema.returns().empty() &&
           std::none_of(schema.arguments().begin(), schema.arguments().end(),
                        [](const c10::Argument &argument) {
                            return argument.alias_info() && argument.alias_info()->isWrite();
                        });
}

// A file from elsewhere must not reach files, other processes or what belongs to the host: of the
// operators in the registry, some do (aten::from_file makes and changes files).
void check_only_computes(const pt2::Node &node, const c10::FunctionSchema &schema)
{
    static const auto *const namespaces = new std::set<std::string>{
        "_c10d_functional",
        "_c10d_functional_autograd",
        "_test",
        "c10d",
        "dist_autograd",
        "image",
        "inductor",
        "profiler",
        "rpc",
        "sscam",
        "static_runtime",
        "symm_mem",
    };
    const std::string &name = schema.name();
    if (takes_file_name(schema) || has_no_result(schema) ||
        namespaces->count(name.substr(0, name.find(':'))) != 0)
        refuse_operator(node, "does more than compute, and is not run");
}

} // namespace

c10::FunctionSchema schema_of(const pt2::Node &node)
{
    const c10::OperatorName name = operator_name(node);
    const auto found = c10::Dispatcher::singleton().findSchema(name);
    if (found) {
        check_only_computes(node, found->schema());
        return found->schema();
    }
    if (starts_with(name.name, "aten::"))
        refuse_operator(node, "is not in this libtorch, " TORCH_VERSION
                              ", which is older than the program");
    refuse_operator(node, "is not one of libtorch's own");
}

bool find_symbolic_operation(const std::string &target, c10::Symbol *operation)
{
    static const auto *const names = new std::map<std::string, const char *>{
        {"_operator.add", "aten::add"},
        {"_operator.sub", "aten::sub"},
        {"_operator.mul", "aten::mul"},
        {"_operator.truediv", "aten::div"},
        {"_operator.pow", "aten::pow"},
        {"_operator.neg", "aten::neg"},
        {"_operator.eq", "aten::eq"},
        {"_operator.ne", "aten::ne"},
        {"_operator.lt", "aten::lt"},
        {"_operator.le", "aten::le"},
        {"_operator.gt", "aten::gt"},
        {"_operator.ge", "aten::ge"},
        {"_operator.and_", "aten::__and__"},
        {"_operator.or_", "aten::__or__"},
        {"_operator.lshift", "aten::__lshift__"},
        {"_operator.rshift", "aten::__rshift__"},
        {"math.trunc", "aten::Int"},
        {"math.floor", "aten::floor"},
        {"math.ceil", "aten::ceil"},
        {"math.sqrt", "aten::sqrt"},
        {"torch.sym_int", "aten::Int"},
        {"torch.sym_float", "aten::Float"},
        {"torch.sym_not", "aten::__not__"},
        {"torch.sym_max", "prim::max"},
        {"torch.sym_min", "prim::min"},
        {"torch.sym_sqrt", "aten::sqrt"},
        {"torch._sym_sqrt", "aten::sqrt"},
        {"torch.ops.aten.sym_size.int", "aten::size"},
        {"torch.ops.aten.sym_stride.int", "aten::stride"},
        {"torch.ops.aten.sym_numel.default", "aten::numel"},
        {"torch.ops.aten.sym_storage_offset.default", "aten::storage_offset"},
    };
    const auto found = names->find(target);
    if (found == names->end())
        return false;
    *operation = c10::Symbol::fromQualString(found->second);
    return true;
}

} // namespace sscam
