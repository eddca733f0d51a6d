#!/bin/sh
# Print the path of a Python that can run this package, or say what was searched and leave with 1.
#
# Candidates are run, not trusted by name: a version manager may put a `python3.13` on PATH that
# only explains how to select it. The versions that the lock is tested with come first.
set -u

accepts='
import sys
if sys.version_info < (3, 12):
    raise SystemExit(1)
if "need_ensurepip" in sys.argv:
    import ensurepip, venv
print(sys.executable)
'
command -v uv >/dev/null 2>&1 && need="" || need="need_ensurepip"

try() { # try <program>: print its real path and stop the search when it is suitable
    found=$("$1" -c "$accepts" $need 2>/dev/null) && [ -n "$found" ] || return 1
    printf '%s\n' "$found"
    exit 0
}

if [ -n "${PYTHON:-}" ]; then
    try "$PYTHON"
    seen=$("$PYTHON" --version 2>&1 | head -n 1)
    cat >&2 <<END
PYTHON=$PYTHON cannot be used: it answers "$seen".
Needed: Python 3.12 or newer, with its venv and ensurepip modules (or uv on PATH).
END
    exit 1
fi

on_path() { # every <name> on PATH, not only the first
    rest=${PATH:-}:
    while [ -n "$rest" ]; do
        folder=${rest%%:*}
        rest=${rest#*:}
        [ -n "$folder" ] && [ -x "$folder/$1" ] && try "$folder/$1"
    done
}

in_pyenv() { # every pyenv version <prefix>*, newest first
    for root in "${PYENV_ROOT:-}" "${HOME:-}/.pyenv"; do
        [ -d "$root/versions" ] || continue
        for name in $(ls "$root/versions" | grep -E "^$1[0-9.]+\$" | sort -t. -k1,1nr -k2,2nr -k3,3nr); do
            [ -x "$root/versions/$name/bin/python3" ] && try "$root/versions/$name/bin/python3"
        done
    done
}

for minor in 13 12; do
    on_path "python3.$minor"
    in_pyenv "3\\.$minor\\."
done
on_path python3
on_path python
in_pyenv "3\\."
if [ -z "$need" ]; then
    managed=$(uv python find --no-python-downloads '>=3.12' 2>/dev/null) && try "$managed"
fi

cat >&2 <<END
No suitable Python was found. Needed: Python 3.12 or newer, with its venv and ensurepip modules.
Searched: python3.13, python3.12, python3 and python on PATH;
          ${PYENV_ROOT:-${HOME:-}/.pyenv}/versions/*/bin/python3; versions managed by uv.
Install one of them:
  Debian or Ubuntu   sudo apt-get install python3.13 python3.13-venv   (or python3.12)
  macOS              brew install python@3.13
  pyenv              pyenv install 3.13
  uv                 uv python install 3.13
or name one that lies elsewhere:  make env PYTHON=/path/to/python3
END
exit 1
