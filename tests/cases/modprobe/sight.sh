for name in /etc/modules-load.d/* /etc/modprobe.d/* /run/said; do
  [ ! -f "$name" ] || { echo "$name"; sed 's/^/  /' "$name"; }
done
