#!/usr/bin/env bash
# `make format` would change nothing. Another version of clang-format than Debian 12 has formats other
# things: this is skipped there.

. "$SRCDIR/tests/lib.sh"
cd "$SRCDIR" || exit 1
version=14

command -v clang-format >/dev/null || skip_all "clang-format is not installed"
found=$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/')
[ "$found" = $version ] || skip_all "this is clang-format $found; the tree is formatted by $version"

# unformatted FOLDER: files that would change.
unformatted()
{
	find "$1" -name '*.[ch]' -exec clang-format --dry-run {} + 2>&1 |
		sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: warning: code should be clang-formatted.*/\1/p' | sort -u
}

for folder in src io kernels examples bench tests; do
	files=$(unformatted $folder)
	if [ -z "$files" ]; then
		pass "$folder is as make format leaves it"
	else
		fail "$folder is as make format leaves it" "$files"
	fi
done
finish
