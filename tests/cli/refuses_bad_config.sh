#!/bin/sh
# Whatever is wrong with a configuration or a command line is told in one message, with the line and
# what was expected; nothing is written.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

line_of() { grep -n "$1" "$tmp/c.yaml" | head -1 | cut -d: -f1; }
bad()
{
    refuse "$1" "$2" "$MOTLEY" train "$tmp/c.yaml" --out "$tmp/written"
    expect "$1: nothing is written" [ ! -e "$tmp/written" ]
    rm -rf "$tmp/written"
}

config 's/  batch: 64/  bacth: 64/'
bad "misspelt key" "c.yaml:$(line_of bacth):?.*bacth.*batch"
config 's/^train:/trian:/'
bad "misspelt block" "c.yaml:$(line_of trian).*train"
config 's/epochs: 4/epochs: many/'
bad "wrong type" "c.yaml:$(line_of many).*(number|integer|whole).*many|many.*(number|integer|whole)"
config 's/epochs: 4/epochs: 4.5/'
bad "not a whole number" "c.yaml:$(line_of 4.5)"
config 's/batch: 64/batch: 0/'
bad "out of range" "c.yaml:$(line_of 'batch: 0').*(at least|between|positive|> 0|1)"
config 's/batch: 64/batch: -3/'
bad "negative" "c.yaml:$(line_of 'batch: -3')"
config 's/name: sgd/name: sdg/'
bad "unknown optimizer" "sdg.*sgd"
config 's/- relu/- rleu/'
bad "unknown layer" "c.yaml:$(line_of rleu).*rleu.*relu"
config 's/dropout: 0.2/dropout: 1.5/'
bad "dropout out of range" "c.yaml:$(line_of 1.5)"
config 's/set: drawn-digits/set: drawn-digit/'
bad "unknown data set" "drawn-digit.*drawn-digits"
config 's/  - linear: 10/  - linear: 7/'
bad "fewer outputs than classes" "7.*10|10.*7"
config 's/^    - relu/   - relu/'
bad "broken indentation" "c.yaml:[0-9]+"
config 's/set: drawn-digits/set: [drawn-digits/'
bad "broken YAML" "c.yaml:[0-9]+"
printf '' >"$tmp/c.yaml"
bad "empty file" "c.yaml.*(empty|model|data|missing)|(empty|model|data|missing).*c.yaml"
head -c 4096 /dev/urandom >"$tmp/c.yaml"
bad "noise" "c.yaml"
printf 'a: &a [*a, *a]\n' >"$tmp/c.yaml"
bad "an alias of itself" "c.yaml"
printf '%s: 1\n' "$(printf '%0100000d' 0)" >"$tmp/c.yaml"
bad "a very long key" "c.yaml"
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "["; }' >"$tmp/c.yaml"
bad "very deep" "c.yaml"

refuse "more weights than memory" 'not one sample fits in memory: .* needs [0-9.]+ MiB.* may use [0-9.]+' "$MOTLEY" train "$digits" \
    --set 'model.layers=[flatten, {linear: 16777216}, {linear: 16777216}, {linear: 10}]'
refuse "escape sequences in a name" 'no command .\?\[31m' "$MOTLEY" "$(printf '\033[31m')"
refuse "no such file" 'nowhere.yaml.*No such file' "$MOTLEY" train "$tmp/nowhere.yaml"
refuse "a folder" "$tmp" "$MOTLEY" train "$tmp"
refuse "unknown key by --set" 'optimizer.l_r.*train.optimizer.lr' "$MOTLEY" train "$digits" --set train.optimizer.l_r=1
refuse "wrong type by --set" 'train.optimizer.lr' "$MOTLEY" train "$digits" --set train.optimizer.lr=fast
refuse "--set without =" '=' "$MOTLEY" train "$digits" --set train.optimizer.lr
refuse "no configuration" 'config' "$MOTLEY" train
refuse "unknown option" 'deviecs.*devices' "$MOTLEY" train "$digits" --deviecs all
refuse "unknown command" 'trian.*train' "$MOTLEY" trian "$digits"
refuse "--epochs without a number" 'epochs' "$MOTLEY" train "$digits" --epochs ten
refuse "--seed negative" 'seed' "$MOTLEY" train "$digits" --seed=-1
finish
