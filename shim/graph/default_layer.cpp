#include "graph/default_layer.hpp"

#include <algorithm>
#include <tuple>

#include "common/text.hpp"
#include "graph/score_history.hpp"
#include "graph/token_layout.hpp"
#include "model/activation_layout.h"

namespace sscam {

namespace {

// A network's layers in the order of a run, with the shape of the input.
class Candidates {
public:
    Candidates(const std::vector<ListedLayer> &listed, c10::IntArrayRef input_shape)
        : listed_(listed), input_(shape_of_input(input_shape))
    {
    }

    // Where the scores' history is known.
    const ListedLayer *choose(const ScoreHistory &history, const HasInfluence &has_influence) const;
    // Where it is not: the last image that some weights follow in time.
    const ListedLayer *guess() const;

    const ListedLayer *outermost_name_of(const ListedLayer *chosen) const;

    bool is_map_before_weights(const ScoreHistory &history, const ListedLayer &entry) const;

    // The last layer, after `chosen`, that convolutions made of several rows; NULL: there is none.
    const ListedLayer *find_views_after(const ScoreHistory &history,
                                        const ListedLayer *chosen) const;

private:
    // The layout of a map of the input's rank; NULL: it has none, or no positions.
    bool find_layout(const ListedLayer &entry, sscam_activation_layout &layout) const;
    bool has_all_sides(const sscam_activation_layout &layout) const;
    bool is_feature_map(const ListedLayer &entry) const;
    bool are_tokens(const ListedLayer &entry) const;

    const ListedLayer *find_last_image(const ScoreHistory &history, const ListedLayer *end) const;
    const ListedLayer *find_first_tokens() const;
    const ListedLayer *find_last_tokens(const ScoreHistory &history,
                                        const ListedLayer *image) const;
    const ListedLayer *source_of_image(const ListedLayer *chosen) const;
    const ListedLayer *feature_map_at(FlowValue value) const;
    template <class Wanted>
    const ListedLayer *find_last(const ScoreHistory &history, const Wanted &wanted) const;

    const std::vector<ListedLayer> &listed_;
    const sscam_shape input_;
};

bool Candidates::find_layout(const ListedLayer &entry, sscam_activation_layout &layout) const
{
    const std::vector<int64_t> &shape = entry.layer.shape;
    return sscam_find_activation_layout(shape.data(), static_cast<int32_t>(shape.size()), &input_,
                                        &entry.layer.tokens, &layout) &&
           sscam_position_count(layout.sides) > 1;
}

// Several positions along the last two sides, unless the input has one there. Of a video one frame
// may be left.
bool Candidates::has_all_sides(const sscam_activation_layout &layout) const
{
    return (layout.sides.width > 1 || input_.sides.width == 1) &&
           (layout.sides.height > 1 || input_.sides.height == 1);
}

// A map of an image, sound or video, and not of heads of attention. Its axes are known where a
// convolution made it, and where it has the input's proportions. Means over one side leave a row of
// positions, as do convolutions of the input's height, which only the latter make a map of.
bool Candidates::is_feature_map(const ListedLayer &entry) const
{
    sscam_activation_layout layout;
    if (static_cast<int32_t>(entry.layer.shape.size()) != input_.rank ||
        !find_layout(entry, layout))
        return false;
    if (!has_all_sides(layout))
        return layout.channel_axis == 1 && entry.value.is_known() &&
               comes_from_convolution(entry.value, /*passes_pools=*/false);
    if (!entry.value.is_known())
        return true;
    return (input_.rank > SSCAM_LEAST_RANK && sscam_is_in_proportion(&layout, &input_)) ||
           (layout.channel_axis == 1 && comes_from_convolution(entry.value, /*passes_pools=*/true));
}

// Of an image or video.
bool Candidates::are_tokens(const ListedLayer &entry) const
{
    sscam_activation_layout layout;
    return input_.rank > SSCAM_LEAST_RANK && entry.layer.shape.size() == 3 &&
           find_layout(entry, layout) && has_all_sides(layout);
}

const ListedLayer *Candidates::feature_map_at(FlowValue value) const
{
    for (const ListedLayer &entry : listed_)
        if (entry.value == value && is_feature_map(entry))
            return &entry;
    return nullptr;
}

// The last layer of which `wanted` is true and that weights follow.
template <class Wanted>
const ListedLayer *Candidates::find_last(const ScoreHistory &history, const Wanted &wanted) const
{
    for (auto entry = listed_.rbegin(); entry != listed_.rend(); ++entry)
        if (history.is_followed_by_weights(entry->value) &&
            !history.is_inside_attention(entry->value) && wanted(*entry))
            return &*entry;
    return nullptr;
}

// The last image before `end`, a layer of the list; nullptr: of all. One that a last attention
// neither reads nor makes is a branch of it, as convolutions of values are.
const ListedLayer *Candidates::find_last_image(const ScoreHistory &history,
                                               const ListedLayer *end) const
{
    return find_last(history, [&](const ListedLayer &entry) {
        return (!end || &entry < end) && is_feature_map(entry) &&
               (!history.has_attention() || ((history.feeds_last_attention(entry.value) ||
                                              history.follows_last_attention(entry.value)) &&
                                             !may_rearrange_tokens(*entry.value.step)));
    });
}

const ListedLayer *Candidates::find_first_tokens() const
{
    const auto found = std::find_if(listed_.begin(), listed_.end(),
                                    [&](const ListedLayer &entry) { return are_tokens(entry); });
    return found == listed_.end() ? nullptr : &*found;
}

// The image before pooling, dropout and the like.
const ListedLayer *Candidates::source_of_image(const ListedLayer *chosen) const
{
    for (const ListedLayer *source = chosen; source != nullptr;) {
        chosen = source;
        const Step *step = chosen->value.step;
        const bool passes_on = keeps_channels(*step) && !step->sources.empty();
        source = passes_on ? feature_map_at(step->sources[0]) : nullptr;
    }
    return chosen;
}

// Of a transformer's tokens those that its last attention reads, since what follows may read the
// class token alone; layer norms first, on which scales of channels are alike. Without attention,
// the last tokens that weights have mixed since they were an image.
const ListedLayer *Candidates::find_last_tokens(const ScoreHistory &history,
                                                const ListedLayer *image) const
{
    const auto is_plain = [](const ListedLayer &entry) {
        const Step &step = *entry.value.step;
        return !is_weighted(step) && !may_rearrange_tokens(step);
    };
    if (!history.has_attention())
        return find_last(history, [&](const ListedLayer &entry) {
            return are_tokens(entry) && is_plain(entry) &&
                   (!image || is_layer_norm(*entry.value.step) ||
                    !is_made_without_weights(entry.value, image->value));
        });
    const auto are_read = [&](const ListedLayer &entry) {
        return are_tokens(entry) && history.feeds_last_attention(entry.value);
    };
    const ListedLayer *found = find_last(history, [&](const ListedLayer &entry) {
        return is_layer_norm(*entry.value.step) && are_read(entry);
    });
    if (found || !history.attends_again())
        return found;
    return find_last(history,
                     [&](const ListedLayer &entry) { return is_plain(entry) && are_read(entry); });
}

// The last image, unless attention or other tokens come after it: then the last tokens. Where an
// attention only gathers an image, that is what it was before it became tokens.
const ListedLayer *Candidates::choose(const ScoreHistory &history,
                                      const HasInfluence &has_influence) const
{
    const ListedLayer *image = find_last_image(history, nullptr);
    if (image && history.follows_last_attention(image->value) && !has_influence(image->layer))
        image = nullptr;
    const ListedLayer *tokens = find_last_tokens(history, image);
    const bool is_attended = image && history.feeds_last_attention(image->value);
    const bool are_tokens_last = !image || is_attended ||
                                 (!history.has_attention() && tokens > image);
    if (tokens && are_tokens_last)
        return tokens;
    if (is_attended)
        image = find_last_image(history, find_first_tokens());
    return image ? source_of_image(image) : nullptr;
}

// (Some attentions take heads for rows of convolutions.)
const ListedLayer *Candidates::find_views_after(const ScoreHistory &history,
                                                const ListedLayer *chosen) const
{
    return find_last(history, [&](const ListedLayer &entry) {
        const std::vector<int64_t> &shape = entry.layer.shape;
        const size_t rank = static_cast<size_t>(input_.rank);
        const bool may_be_map = shape.size() == rank ||
                                (shape.size() == SSCAM_IMAGE_RANK && rank == SSCAM_MOST_RANK);
        return (!chosen || &entry > chosen) && may_be_map && shape[0] > 1 && shape.back() > 1 &&
               !history.feeds_last_attention(entry.value) && !history.feeds_product(entry.value) &&
               comes_from_convolution(entry.value, /*passes_pools=*/true);
    });
}

bool Candidates::is_map_before_weights(const ScoreHistory &history, const ListedLayer &entry) const
{
    return entry.layer.shape[0] == 1 && is_feature_map(entry) &&
           history.is_followed_by_weights(entry.value) && !history.is_inside_attention(entry.value);
}

const ListedLayer *Candidates::guess() const
{
    bool weights_follow = false;
    for (auto entry = listed_.rbegin(); entry != listed_.rend(); ++entry) {
        const std::string &kind = entry->layer.kind;
        if (weights_follow && is_feature_map(*entry) && !contains(kind, "ool") &&
            !contains(kind, "ropout"))
            return &*entry;
        weights_follow = weights_follow || contains(kind, "onv") || contains(kind, "inear") ||
                         contains(kind, "mm");
    }
    return nullptr;
}

// How far out a name is: modules before operations, "layer4" before "layer4.1".
std::tuple<bool, size_t, size_t> depth_of(const ListedLayer &entry)
{
    const std::string &name = entry.layer.name;
    return {!entry.is_module, std::count(name.begin(), name.end(), '.'), name.size()};
}

const ListedLayer *Candidates::outermost_name_of(const ListedLayer *chosen) const
{
    for (const ListedLayer &entry : listed_)
        if (entry.value.is_known() && entry.value == chosen->value &&
            depth_of(entry) < depth_of(*chosen))
            chosen = &entry;
    return chosen;
}

} // namespace

void mark_maps_before_weights(std::vector<ListedLayer> &listed, FlowValue logits,
                              c10::IntArrayRef input_shape)
{
    const Candidates candidates(listed, input_shape);
    if (!logits.is_known())
        return;
    const ScoreHistory history(logits);
    for (ListedLayer &entry : listed)
        if (entry.value.is_known() && candidates.outermost_name_of(&entry) == &entry)
            entry.layer.is_map_before_weights = candidates.is_map_before_weights(history, entry);
}

DefaultLayer find_default_layer(const std::vector<ListedLayer> &listed, FlowValue logits,
                                c10::IntArrayRef input_shape, const HasInfluence &has_influence)
{
    const Candidates candidates(listed, input_shape);
    const ListedLayer *chosen = candidates.guess();
    if (logits.is_known()) {
        const ScoreHistory history(logits);
        chosen = candidates.choose(history, has_influence);
        if (const ListedLayer *batch = candidates.find_views_after(history, chosen))
            return {-1, "the network makes a batch of " + std::to_string(batch->layer.shape[0]) +
                            " of one input, as of views of it, at layer \"" + batch->layer.name +
                            "\": no layer there has one map; export the network without it"};
    }
    if (!chosen)
        return {};
    return {candidates.outermost_name_of(chosen) - listed.data(), {}};
}

} // namespace sscam
