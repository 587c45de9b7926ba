#include "graph/token_layout.hpp"

#include <optional>

#include "graph/score_history.hpp"
#include "model/activation_layout.h"

namespace sscam {

namespace {

constexpr int64_t most_extra_tokens = 8; // class tokens, distillation tokens, registers

struct Map {
    const Step *step;
    sscam_sides sides;
    bool is_one_row; // of the batch
};

// The sides of a map that a convolution made, or that has the input's proportions.
std::optional<Map> map_of(const ListedLayer &entry, const sscam_shape &input)
{
    const std::vector<int64_t> &shape = entry.layer.shape;
    if (!entry.value.is_known() || static_cast<int32_t>(shape.size()) != input.rank)
        return std::nullopt;
    if (comes_from_convolution(entry.value, /*passes_pools=*/true)) {
        const size_t rank = shape.size();
        return Map{entry.value.step,
                   {rank == SSCAM_MOST_RANK ? shape[2] : 1, shape[rank - 2], shape[rank - 1]},
                   shape[0] == 1};
    }
    sscam_activation_layout layout;
    const sscam_layout_hint nothing = {};
    if (!sscam_find_activation_layout(shape.data(), input.rank, &input, &nothing, &layout) ||
        layout.channel_axis == 1 || !sscam_is_in_proportion(&layout, &input))
        return std::nullopt;
    return Map{entry.value.step, layout.sides, true};
}

std::vector<Map> maps_of(const std::vector<ListedLayer> &listed, const sscam_shape &input)
{
    std::vector<Map> maps;
    for (const ListedLayer &entry : listed)
        if (const auto map = map_of(entry, input); map && sscam_position_count(map->sides) > 1)
            maps.push_back(*map);
    return maps;
}

class TokenReader {
public:
    TokenReader(const sscam_shape &input, const std::unordered_map<const Step *, size_t> &ranks,
                const std::vector<ListedLayer> &listed)
        : input_(input), ranks_(ranks), maps_(maps_of(listed, input))
    {
    }

    void describe(ListedLayer &entry) const
    {
        Layer &layer = entry.layer;
        if (layer.shape.size() != 3 || !entry.value.is_known() ||
            (layer.shape[0] != 1 && layer.shape[1] != 1))
            return;
        const std::unordered_set<const Step *> sources = steps_before(entry.value);
        const int64_t first = layer.shape[0] == 1 ? layer.shape[1] : layer.shape[0];
        const Map *map = nullptr;
        for (int64_t extra = 0; extra <= most_extra_tokens && !map; extra++) {
            if ((map = find(first - extra, sources)))
                layer.tokens.channel_axis = SSCAM_CHANNEL_AXIS_LAST;
            else if (extra == 0 && (map = find(layer.shape[2], sources)))
                layer.tokens.channel_axis = SSCAM_CHANNEL_AXIS_FIRST;
        }
        layer.may_be_rearranged = are_rearranged(sources);
        if (!map)
            return;
        layer.tokens.grid_depth = input_.rank == SSCAM_MOST_RANK ? map->sides.depth : 0;
        layer.tokens.grid_height = map->sides.height;
        layer.tokens.grid_width = map->sides.width;
    }

private:
    // The last map of so many positions that the tokens are made of; those of a batch of several
    // rows, as of heads or windows, only where there is no other.
    const Map *find(int64_t positions, const std::unordered_set<const Step *> &sources) const
    {
        for (const bool is_one_row : {true, false})
            for (auto map = maps_.rbegin(); map != maps_.rend(); ++map)
                if (map->is_one_row == is_one_row && sources.count(map->step) != 0 &&
                    sscam_position_count(map->sides) == positions)
                    return &*map;
        return nullptr;
    }

    bool are_rearranged(const std::unordered_set<const Step *> &sources) const
    {
        for (const Step *step : sources) {
            const auto known = ranks_.find(step);
            const size_t rank = known != ranks_.end() ? known->second : 0;
            if (selects_by_index(*step) || rank > static_cast<size_t>(input_.rank) ||
                (rank == static_cast<size_t>(input_.rank) && moves_axes_of_map(*step)))
                return true;
        }
        return false;
    }

    const sscam_shape input_;
    const std::unordered_map<const Step *, size_t> &ranks_;
    const std::vector<Map> maps_;
};

} // namespace

sscam_shape shape_of_input(c10::IntArrayRef input)
{
    const auto side = [&](size_t from_last) {
        return input.size() > from_last + 1 ? input[input.size() - from_last] : 1;
    };
    return {static_cast<int32_t>(input.size()), 1, input[1], {side(3), side(2), side(1)}};
}

void describe_tokens(c10::IntArrayRef input_shape,
                     const std::unordered_map<const Step *, size_t> &ranks,
                     std::vector<ListedLayer> &listed)
{
    const sscam_shape input = shape_of_input(input_shape);
    if (input.rank == SSCAM_LEAST_RANK)
        return;
    const TokenReader reader(input, ranks, listed);
    for (ListedLayer &entry : listed)
        reader.describe(entry);
}

} // namespace sscam
