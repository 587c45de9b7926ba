#!/bin/sh
# Makes the pictures of choosing.md from the bundled network and a bundled scene.
#
#   make-pictures.sh PROGRAM        PROGRAM: the sscam to use, such as build/tools/sscam
set -eu
program=$(realpath "$1")
cd "$(dirname "$0")"
demo=../../examples/demo
scene=$demo/scenes/scene05.png
class=bag

explain() {
    "$program" explain $demo/clothes.pt $scene --labels $demo/labels.txt -c $class "$@"
}

explain -m score-cam -l features.5,features.11,features --heatmap layer.png
explain -m grad-cam -l features -o scene.png
for sigma in 0 0.5 1 4; do
    for seed in 1 2; do
        explain -m ss-cam-mean --sigma $sigma --seed $seed --heatmap sigma-$sigma-seed-$seed.png
    done
done
mv sigma-0-seed-1.png sigma-0.png
rm sigma-0-seed-2.png
