# SPDX-License-Identifier: Apache-2.0
# groff's macros switch hyphenation on again behind the .nh of scdoc.
/^\.nh$/i .nr HY 0
# Options are copied from the page: each dash is a minus, at which no line breaks.
# (A line of \h moves the mark of a list.)
/^\(\.\|\\h\)/!s/-/\\-/g
