#include "program/output_tree.hpp"

#include <set>

#include "common/guard.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

class OutputBuilder {
public:
    OutputBuilder(jit::Graph &graph, const std::vector<jit::Value *> &leaves)
        : graph_(graph), leaves_(leaves)
    {
    }

    jit::Value *build(const pt2::OutputTree &tree)
    {
        if (tree.is_leaf) {
            if (next_ == leaves_.size())
                fail();
            return leaves_[next_++];
        }
        std::vector<jit::Value *> elements;
        for (const pt2::OutputTree &child : tree.children)
            elements.push_back(build(child));
        return graph_.insertNode(graph_.createTuple(elements, named_type(tree, elements)))
            ->output();
    }

    void check_all_used() const
    {
        if (next_ != leaves_.size())
            fail();
    }

private:
    [[noreturn]] static void fail()
    {
        throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: the structure of its outputs does not fit "
                                    "their number");
    }

    // nullptr where the elements have positions alone.
    static c10::TupleTypePtr named_type(const pt2::OutputTree &tree,
                                        const std::vector<jit::Value *> &elements)
    {
        const std::set<std::string> names(tree.keys.begin(), tree.keys.end());
        if (tree.keys.empty() || names.size() != tree.keys.size())
            return nullptr;
        std::vector<c10::TypePtr> types;
        for (const jit::Value *element : elements)
            types.push_back(element->type());
        return c10::TupleType::createNamed(c10::QualifiedName("__torch__.Output"), tree.keys,
                                           types);
    }

    jit::Graph &graph_;
    const std::vector<jit::Value *> &leaves_;
    size_t next_ = 0;
};

} // namespace

jit::Value *build_output(jit::Graph &graph, const pt2::OutputTree &tree,
                         const std::vector<jit::Value *> &leaves)
{
    OutputBuilder builder(graph, leaves);
    jit::Value *output = builder.build(tree);
    builder.check_all_used();
    return output;
}

} // namespace sscam
