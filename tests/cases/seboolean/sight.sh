for name in /var/lib/selinux/tiny/active/booleans.local; do
  [ ! -f "$name" ] || sed -n "s|^[a-z]|$name: &|p" "$name"
done
