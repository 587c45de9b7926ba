#include "graph/attention_taps.hpp"

#include <mutex>

#include <ATen/ATen.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "graph/graph_walk.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

// A model file may call the operator itself, but cannot make a capsule.
void run_note(jit::Stack &stack)
{
    const c10::IValue tap = jit::pop(stack);
    const int64_t axis = jit::pop(stack).toInt();
    const c10::IValue values = jit::pop(stack);
    if (!tap.isCapsule())
        return;
    if (auto *receiver = dynamic_cast<AttentionNotes *>(tap.toCapsule().get()))
        receiver->note(values.isTensor() ? values.toTensor() : at::Tensor(), axis);
}

void register_note_operator()
{
    static std::once_flag once;
    std::call_once(once, [] {
        jit::registerOperator(jit::Operator("sscam::note_attention(Tensor(a) attention, Tensor? "
                                            "values, int axis, Any tap) -> Tensor(a)",
                                            jit::Operation(run_note),
                                            c10::AliasAnalysisKind::FROM_SCHEMA));
    });
}

void insert_note(jit::Node *node, jit::Value *values, jit::Value *axis, jit::Value *tap)
{
    static const auto operation = c10::Symbol::fromQualString("sscam::note_attention");
    jit::Value *attention = node->outputs()[0];
    jit::Node *note = node->owningGraph()->create(operation, {attention, values, axis, tap}, 1);
    note->output()->setType(attention->type());
    note->insertAfter(node);
    attention->replaceAllUsesAfterNodeWith(note, note->output());
}

} // namespace

void insert_attention_notes(jit::Graph &graph, jit::Value *tap)
{
    register_note_operator();
    for_each_node(graph.block(), [&](jit::Node *node) {
        const std::string operation = node->kind().toQualString();
        const bool is_fused = is_fused_attention(operation) && node->inputs().size() > 2;
        const bool is_matrix = is_softmax(operation) && node->inputs().size() > 1 &&
                               node->input(1)->type()->kind() == c10::TypeKind::IntType;
        if (!is_fused && !is_matrix)
            return;
        const jit::WithInsertPoint before(node);
        jit::Value *none = graph.insertConstant(c10::IValue()),
                   *last = graph.insertConstant(c10::IValue(int64_t{-1}));
        insert_note(node, is_fused ? node->input(2) : none, is_fused ? last : node->input(1), tap);
    });
}

void AttentionTap::note(const at::Tensor &values, int64_t axis)
{
    noted_.values = values;
    noted_.axis = axis;
}

at::Tensor AttentionTap::pass(int64_t mark, const at::Tensor &value)
{
    const MarkedCall now{mark, calls_[mark]++};
    for (size_t i = 0; i < blocks.size(); i++) {
        if (transformer_.blocks[i].attention == now) {
            blocks[i] = noted_;
            blocks[i].attention = value.detach().clone().requires_grad_(true);
            return blocks[i].attention.clone(); // the network may change it in place
        }
        if (transformer_.blocks[i].tokens == now) {
            blocks[i].tokens = value;
            return value.detach().clone();
        }
    }
    return value;
}

at::Tensor TokenTap::pass(int64_t mark, const at::Tensor &value)
{
    if (mark != at_.mark || calls_++ != at_.call)
        return value;
    return token_.expand(value.sizes()).clone();
}

} // namespace sscam
