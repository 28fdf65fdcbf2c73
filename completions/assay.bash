# SPDX-License-Identifier: Apache-2.0
# Completion of assay for bash.

_assay() {
    local word=$2 previous=$3 command=${COMP_WORDS[1]-}
    local build='--root --mirror --mtimes-from --build --output --timeout --memory --disk --processes
        --network --refresh'
    local options
    COMPREPLY=()

    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'diff rebuild verify --help --version' -- "$word")
        return
    fi
    case $previous in
    --accept)
        mapfile -t COMPREPLY < <(compgen -W 'identical equivalent explained' -- "$word")
        return
        ;;
    --report)
        mapfile -t COMPREPLY < <(compgen -W 'text= json=' -- "$word")
        compopt -o nospace
        return
        ;;
    --root)
        mapfile -t COMPREPLY < <(compgen -W 'host debian:bookworm tar: dir:' -- "$word")
        compopt -o nospace
        return
        ;;
    --out | --keep)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        compopt -o filenames
        return
        ;;
    esac
    case $command in
    diff) options='--accept --report --allow-hidden --verbose --help' ;;
    rebuild) options="--out $build --help" ;;
    verify) options="--source --accept --report --keep --allow-hidden $build --help" ;;
    *) return ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames
    fi
}
complete -F _assay assay
