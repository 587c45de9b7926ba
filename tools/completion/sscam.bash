# Completion of sscam(1) for bash. The program itself gives the words, once a shell.

declare -gA _sscam_answers

# Output of `sscam ARGUMENT...`, remembered.
_sscam_ask() {
    local question="$*"
    [[ -v _sscam_answers[$question] ]] ||
        _sscam_answers[$question]=$(command sscam "$@" 2>/dev/null)
    printf '%s\n' "${_sscam_answers[$question]}"
}

_sscam_names() {
    _sscam_ask "$1" --json | grep -o '"name": *"[^"]*"' | cut -d '"' -f 4
}

_sscam_commands() {
    _sscam_ask --help | sed -n 's/^  \([a-z]\+\) .*/\1/p'
}

_sscam_flags() {
    _sscam_ask "$1" --help | grep -oE -- '--[a-z][a-z-]*' | sort -u
    case $1 in
    explain | classify | compare | eval | study | recommend | sanity)
        _sscam_names options | tr '_' '-' | sed 's/^/--/'
        ;;
    esac
}

# Values of an option that is a choice; its name may be written with hyphens.
_sscam_choices() {
    _sscam_ask options --json | tr '{' '\n' | grep "\"name\": *\"${1//-/_}\"" |
        grep -o '"choices": *\[[^]]*\]' | grep -o '"[^"]*"' | tail -n +2 | tr -d '"'
}

# Completes the last of several names between commas.
_sscam_reply_list() {
    local before=
    [[ $current == *,* ]] && before=${current%,*},
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$1" -- "${current##*,}")
    compopt -o nospace
}

_sscam_reply_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

_sscam_reply_files() {
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames
}

_sscam() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]-} choices

    COMPREPLY=()
    # bash makes three words of NAME=VALUE.
    if [[ $current == = ]]; then
        current='' previous=--$previous
    elif [[ $previous == = ]]; then
        previous=--${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if ((COMP_CWORD == 1)); then
        _sscam_reply_words "$(_sscam_commands) help --help --version"
        return
    fi
    case $previous in
    help) _sscam_reply_words "$(_sscam_commands)"; return ;;
    -m | --method) _sscam_reply_list "all $(_sscam_names methods)"; return ;;
    --device) _sscam_reply_words "cpu cuda auto"; return ;;
    --dimensions) _sscam_reply_words "1 2 3"; return ;;
    --colormap) _sscam_reply_words "turbo jet viridis gray"; return ;;
    --layout) _sscam_reply_words "imagenet voc stanford40 folders csv coco yolo auto"; return ;;
    --boxes) _sscam_reply_words "class any"; return ;;
    --set)
        _sscam_reply_words "$(_sscam_names options | sed 's/$/=/')"
        compopt -o nospace
        return
        ;;
    --*)
        choices=$(_sscam_choices "${previous#--}")
        if [[ $choices ]]; then
            _sscam_reply_words "$choices"
            return
        fi
        ;;
    esac
    if [[ $current == -* ]]; then
        _sscam_reply_words "$(_sscam_flags "$command")"
    else
        _sscam_reply_files
    fi
}

complete -F _sscam sscam
