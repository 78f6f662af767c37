"""What the host's shell does to read a log on.

It is given the path ``_f``, the expression ``_e``, whether it has looked before ``_b``, and where
that look ended: inode ``_i``, offset ``_o``, and the last bytes ``_k`` before it. Its first line
says where this look ended, a second one whether there was such a line.

The size is taken once, before anything is read: what comes meanwhile is for the next look, and so
is a last line without its newline. The very first look reads only to find where that begins, in the
last 64 KiB: a line that is being written counts as the whole line that it will be. ``ls -din`` is
the one portable way to an inode and a size.
"""

from __future__ import annotations

SCRIPT = r"""
grep -E -e "$_e" </dev/null; [ $? -lt 2 ] || { echo regex; exit 0; }
seen() { set -f; set -- $(ls -dinL "$1" 2>/dev/null); echo "$1 $6"; set +f; }
part() { tail -c +$(($2 + 1)) <"$1" | head -c $(($3 - $2)); }
mark() {
  _n=$2; [ "$_n" -le 128 ] || _n=128
  echo "m$(part "$1" $(($2 - _n)) "$2" | od -An -v -tx1 | tr -d ' \n')"
}
goes_on() { [ "$2" -ge "$_o" ] && [ "$(mark "$1" "$_o")" = "$_k" ]; }
look() {
  _end=$3
  [ "$(part "$1" "$2" "$3" | tail -c 1 | wc -l)" -eq 1 ] ||
    _end=$(($3 - $(part "$1" "$2" "$3" | tail -n 1 | wc -c)))
  part "$1" "$2" "$_end" | grep -E -q -e "$_e" && _found=found
}
_found=
[ ! -d "$_f" ] || { echo a directory; exit 0; }
set -- $(seen "$_f"); _inode=${1-} _size=${2-}
[ -n "$_size" ] || { echo absent; exit 0; }
[ -f "$_f" ] || { echo no file; exit 0; }
[ -r "$_f" ] || { echo not readable; exit 0; }
_from=0 _end=$_size
if [ -z "$_b" ]; then
  _from=$((_size - 65536)); [ "$_from" -ge 0 ] || _from=0
elif [ "$_inode" = "$_i" ] && goes_on "$_f" "$_size"; then _from=$_o
elif [ -n "$_i" ]; then
  for _g in "$_f".* "$_f"-*; do
    set -- $(seen "$_g")
    if [ "${1-}" = "$_i" ] && goes_on "$_g" "$2"; then look "$_g" "$_o" "$2"; fi
  done
fi
look "$_f" "$_from" "$_size"
[ -n "$_b" ] || _found=
echo "at $_inode $_end $(mark "$_f" "$_end")"
echo "$_found"
exit 0
"""
