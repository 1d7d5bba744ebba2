# What bash reads before a script (BASH_ENV): each command knows its line, also in functions and subshells, and the
# lines that called these functions.
set -T
export CONNLAB_LINE
trap 'if [[ ${BASH_SOURCE[0]-} == "$CONNLAB_SCRIPT" ]]; then CONNLAB_LINE="$LINENO ${BASH_LINENO[*]}"; fi' DEBUG
