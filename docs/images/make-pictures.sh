#!/bin/sh
# Makes the images of choosing.md and methods.md from the bundled networks: the first object of a
# bundled scene, explained, and two detections.
#
#   make-pictures.sh PROGRAM        PROGRAM: the sscam to use, such as build/tools/sscam
set -eu
program=$(realpath "$1")
cd "$(dirname "$0")"
demo=../../examples/demo
scene=scene02
class=$(sed -n 's/.*<name>\(.*\)<\/name>.*/\1/p' $demo/scenes/$scene.xml | head -n 1)

explain() {
    "$program" explain $demo/clothes.pt $demo/scenes/$scene.png --labels $demo/labels.txt \
        -c "$class" "$@"
}

explain -m grad-cam -l features -o scene-grad-cam.png
explain -m score-cam -l features.5 --heatmap layer-early.png
explain -m score-cam -l features.11 --heatmap layer-middle.png
explain -m score-cam -l features --heatmap layer-last.png
for sigma in 0.5 1 4; do
    explain -m ss-cam-mean --sigma $sigma --heatmap sigma-$sigma.png
done
for rank in 0 1; do
    "$program" explain $demo/clothes_detector.pt $demo/scenes/scene11.png \
        --labels $demo/labels.txt -m layer-cam --detection $rank --detection-threshold 0.6 \
        -o detection-$rank.png
done
