#!/bin/sh
# Installs the program honeyhive for the current user. Run it with --help for the options.
#
# The release build fills in the values below. All commands are in functions that the last line calls, so that an
# incomplete download of this script does nothing.

set -eu

version='@VERSION@'
release_url='@URL@'
# The lowest version of glibc with which the glibc archives work.
glibc_minimum='@GLIBC@'
# The SHA-256 sum and the name of each archive.
archives='@ARCHIVES@'

usage() {
    cat <<EOF
Install honeyhive $version for the current user

Usage: honeyhive-install.sh [--help]

The program goes to ~/.local/bin; manual pages and completions for bash and fish go to ~/.local/share.
Root privileges are never needed. Run the script of a newer release to upgrade.

Environment:
  HONEYHIVE_INSTALL_DIR   Directory of the program; manual pages and completions are then not installed
  HONEYHIVE_DOWNLOAD_URL  URL of the directory with the archives [default: $release_url]
  XDG_DATA_HOME           Directory of manual pages and completions [default: ~/.local/share]
  TMPDIR                  Directory of temporary files [default: /tmp]
EOF
}

# Prints a message and an optional hint, and exits.
fail() {
    printf 'error: %s\n' "$1" >&2
    if [ $# -gt 1 ]; then
        printf '  hint: %s\n' "$2" >&2
    fi
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Prints the SHA-256 sum of an archive, or nothing if the release does not have the archive.
expected_sum() {
    printf '%s\n' "$archives" | while read -r sum archive; do
        if [ "$archive" = "$1" ]; then
            printf '%s\n' "$sum"
        fi
    done
}

# Prints the version of glibc, or nothing on a system without glibc.
glibc_version() {
    # The first line is `glibc 2.36` for getconf and `ldd (Debian GLIBC 2.36-9) 2.36` for ldd.
    { getconf GNU_LIBC_VERSION || ldd --version; } 2>/dev/null |
        sed -n -e '/musl/d' -e '1s/.*[^0-9.]\([0-9][0-9]*\.[0-9][0-9]*\)[0-9.]*$/\1/p'
}

# Returns whether the glibc of this system is new enough for the glibc archives.
has_glibc() {
    # NixOS has no such file, and a system of 32 bits on a processor of 64 bits has another one.
    if ! [ -e /lib64/ld-linux-x86-64.so.2 ] && ! [ -e /lib/ld-linux-aarch64.so.1 ]; then
        return 1
    fi
    found=$(glibc_version)
    if [ -z "$found" ] || [ -z "$glibc_minimum" ]; then
        return 1
    fi
    if [ "${found%%.*}" -ne "${glibc_minimum%%.*}" ]; then
        [ "${found%%.*}" -gt "${glibc_minimum%%.*}" ]
    else
        [ "${found#*.}" -ge "${glibc_minimum#*.}" ]
    fi
}

# Prints the target triples that work on this system, the preferred one first.
targets() {
    case $(uname -m) in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) return ;;
    esac
    case $(uname -s) in
    Linux)
        if has_glibc; then
            echo "$machine-unknown-linux-gnu"
        fi
        echo "$machine-unknown-linux-musl"
        ;;
    Darwin) echo "$machine-apple-darwin" ;;
    *) ;;
    esac
}

# Prints the name of the archive for this system, without `.tar.gz`.
choose() {
    for target in $(targets); do
        if [ -n "$(expected_sum "honeyhive-$version-$target.tar.gz")" ]; then
            printf '%s\n' "honeyhive-$version-$target"
            return
        fi
    done
    fail "unsupported platform: $(uname -s) $(uname -m)" 'on Windows, use the Windows Subsystem for Linux; on other Unix systems, run cargo install --locked hh-cli'
}

# Downloads a URL to a file.
download() {
    if has curl; then
        case $1 in
        https:*) curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --output "$2" "$1" ;;
        *) curl --fail --silent --show-error --noproxy '*' --output "$2" "$1" ;;
        esac
    else
        # wget cannot refuse a redirection to plain HTTP, but the sum detects a changed archive.
        wget -q -t 2 -O "$2" "$1"
    fi
}

# Prints the SHA-256 sum of a file.
actual_sum() {
    if has sha256sum; then
        sha256sum "$1"
    else
        shasum -a 256 "$1"
    fi | cut -d ' ' -f 1
}

# Checks the requirements before anything is downloaded.
check_requirements() {
    case $url in
    https://* | http://127.0.0.1[:/]* | http://localhost[:/]* | 'http://[::1]'[:/]*) ;;
    *) fail "invalid HONEYHIVE_DOWNLOAD_URL: $url does not begin with https://" ;;
    esac
    has curl || has wget || fail 'cannot download: neither curl nor wget is installed' 'install curl'
    has sha256sum || has shasum ||
        fail 'cannot verify the download: neither sha256sum nor shasum is installed' 'install coreutils'
    has tar || fail 'cannot extract the archive: tar is not installed' 'install tar'
    if [ -d "$directory/honeyhive" ]; then
        fail "cannot install: $directory/honeyhive is a directory"
    fi
    if [ -e "$directory" ] && ! { [ -d "$directory" ] && [ -w "$directory" ]; }; then
        fail "cannot write to $directory" 'set HONEYHIVE_INSTALL_DIR to a directory that you can write to'
    fi
}

cleanup() {
    if [ -n "$temporary" ]; then
        rm -rf "$temporary"
    fi
    if [ -n "$new" ]; then
        rm -f "$new"
    fi
}

# Downloads the archive, verifies it and extracts it to the temporary directory.
fetch() {
    file=$temporary/$name.tar.gz
    download "$url/$name.tar.gz" "$file" >"$temporary/log" 2>&1 ||
        fail "cannot download $url/$name.tar.gz$(sed -n '$s/^/: /p' "$temporary/log")"
    expected=$(expected_sum "$name.tar.gz")
    actual=$(actual_sum "$file")
    if [ "$actual" != "$expected" ]; then
        fail "wrong SHA-256 sum of $name.tar.gz: expected $expected, found $actual" \
            'download again; if the error persists, do not use the archive and report it'
    fi
    tar -xzf "$file" -C "$temporary" 2>/dev/null && [ -f "$temporary/$name/honeyhive" ] ||
        fail "damaged archive: cannot extract $name.tar.gz"
    "$temporary/$name/honeyhive" --version >/dev/null 2>&1 ||
        fail "the program does not run on this system: $name" \
            "if programs cannot be run in ${TMPDIR:-/tmp}, set TMPDIR to another directory"
}

# Replaces the program. A running program keeps its old file.
install_program() {
    new=$directory/.honeyhive-new.$$
    { mkdir -p "$directory" && cp "$temporary/$name/honeyhive" "$new" && chmod 755 "$new" &&
        mv -f "$new" "$directory/honeyhive"; } 2>/dev/null ||
        fail "cannot write to $directory" 'set HONEYHIVE_INSTALL_DIR to a directory that you can write to'
    new=
}

# Installs manual pages and completions where man, bash and fish find them.
install_data() {
    man=$data/man/man1
    bash=$data/bash-completion/completions
    fish=$data/fish/vendor_completions.d
    # Pages of commands that the new version does not have would remain otherwise.
    { mkdir -p "$man" "$bash" "$fish" && rm -f "$man/honeyhive.1" "$man"/honeyhive-*.1 &&
        cp "$temporary/$name"/man/man1/* "$man/" &&
        cp "$temporary/$name/completions/bash/honeyhive" "$bash/" &&
        cp "$temporary/$name/completions/fish/honeyhive.fish" "$fish/"; } 2>/dev/null ||
        printf 'warning: cannot install manual pages and completions in %s\n' "$data" >&2
}

main() {
    case ${1:-} in
    '') ;;
    --help | -h)
        usage
        return
        ;;
    *) fail "unexpected argument: $1" 'run the script with --help' ;;
    esac
    url=${HONEYHIVE_DOWNLOAD_URL:-$release_url}
    url=${url%/}
    directory=${HONEYHIVE_INSTALL_DIR:-}
    data=
    if [ -z "$directory" ]; then
        if [ -z "${HOME:-}" ]; then
            fail 'cannot determine the install directory: HOME is not set' 'set HONEYHIVE_INSTALL_DIR'
        fi
        directory=$HOME/.local/bin
        data=${XDG_DATA_HOME:-$HOME/.local/share}
    fi
    case $directory in
    /*) ;;
    *) directory=$PWD/$directory ;;
    esac
    name=$(choose) || exit 1
    check_requirements

    temporary=
    new=
    trap cleanup EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    temporary=$(mktemp -d "${TMPDIR:-/tmp}/honeyhive-install.XXXXXX" 2>/dev/null) ||
        fail 'cannot create a temporary directory' 'set TMPDIR to a directory that you can write to'
    fetch
    install_program
    if [ -n "$data" ]; then
        install_data
    fi

    printf 'Installed honeyhive %s to %s\n' "$version" "$directory/honeyhive"
    case :${PATH:-}: in
    *:"$directory":*) ;;
    *)
        printf 'warning: %s is not on PATH\n' "$directory" >&2
        printf "  hint: add this line to the profile of your shell: export PATH=\"%s:\$PATH\"\n" "$directory" >&2
        ;;
    esac
}

main "$@"
