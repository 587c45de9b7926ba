#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/suggestion.h"
#include "model/backend.h"
#include "sscam/model.h"

int64_t sscam_layers_count(const sscam_layers *layers)
{
    return layers ? (int64_t)layers->count : 0;
}

int64_t sscam_layers_default(const sscam_layers *layers)
{
    return layers ? layers->default_index : -1;
}

static const sscam_layer *layer_at(const sscam_layers *layers, int64_t index)
{
    return layers && index >= 0 && (size_t)index < layers->count ? &layers->layer[index] : NULL;
}

const char *sscam_layers_name(const sscam_layers *layers, int64_t index)
{
    const sscam_layer *layer = layer_at(layers, index);
    return layer ? layer->name : NULL;
}

const char *sscam_layers_kind(const sscam_layers *layers, int64_t index)
{
    const sscam_layer *layer = layer_at(layers, index);
    return layer ? layer->kind : NULL;
}

const int64_t *sscam_layers_shape(const sscam_layers *layers, int64_t index, int32_t *rank)
{
    const sscam_layer *layer = layer_at(layers, index);
    if (rank)
        *rank = layer ? layer->rank : 0;
    return layer ? layer->shape : NULL;
}

int64_t sscam_layers_output_count(const sscam_layers *layers)
{
    return layers ? (int64_t)layers->output_count : 0;
}

int64_t sscam_layers_output_taken(const sscam_layers *layers)
{
    return layers && layers->output_count > 0 ? layers->output_index : -1;
}

static const sscam_layer *output_at(const sscam_layers *layers, int64_t index)
{
    return layers && index >= 0 && (size_t)index < layers->output_count ? &layers->output[index]
                                                                        : NULL;
}

const char *sscam_layers_output_name(const sscam_layers *layers, int64_t index)
{
    const sscam_layer *output = output_at(layers, index);
    return output ? output->name : NULL;
}

const int64_t *sscam_layers_output_shape(const sscam_layers *layers, int64_t index, int32_t *rank)
{
    const sscam_layer *output = output_at(layers, index);
    if (rank)
        *rank = output ? output->rank : 0;
    return output ? output->shape : NULL;
}

static void release_entries(sscam_layer *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(entries[i].name);
        free(entries[i].kind);
    }
    free(entries);
}

void sscam_layers_release(struct sscam_layers *layers)
{
    release_entries(layers->layer, layers->count);
    release_entries(layers->output, layers->output_count);
    memset(layers, 0, sizeof *layers);
}

sscam_layers *sscam_layers_ref(sscam_layers *layers)
{
    if (layers)
        sscam_reference_add(&layers->references);
    return layers;
}

void sscam_layers_unref(sscam_layers *layers)
{
    if (!layers || !sscam_reference_drop(&layers->references))
        return;
    sscam_layers_release(layers);
    free(layers);
}

/* A name that contains the wanted one, or the reverse, is near whatever its length. */
static size_t name_distance(const char *wanted, const char *name)
{
    size_t distance = sscam_edit_distance(wanted, name);
    if (strstr(name, wanted) || strstr(wanted, name))
        distance = distance / 4 + 1;
    return distance;
}

sscam_status sscam_fail_unknown_layer(const char *name, const struct sscam_layers *layers)
{
    enum { NEAREST = 5 };
    const char *nearest[NEAREST];
    size_t distance[NEAREST], found = 0;
    for (size_t i = 0; i < layers->count; i++) {
        size_t here = name_distance(name, layers->layer[i].name), place = found;
        while (place > 0 && here < distance[place - 1])
            place--;
        if (place == NEAREST)
            continue;
        found = found < NEAREST ? found + 1 : NEAREST;
        for (size_t j = found - 1; j > place; j--) {
            nearest[j] = nearest[j - 1];
            distance[j] = distance[j - 1];
        }
        nearest[place] = layers->layer[i].name;
        distance[place] = here;
    }
    char list[512] = "";
    size_t length = 0;
    for (size_t i = 0; i < found && length < sizeof list; i++)
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i > 0 ? ", " : "",
                                   nearest[i]);
    return sscam_fail(SSCAM_E_LAYER, "layer \"%s\": no such layer; near names: %s", name,
                      found > 0 ? list : "none, the network has no layers with a tensor output");
}
