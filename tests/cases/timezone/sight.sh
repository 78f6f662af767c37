for name in /etc/timezone /etc/sysconfig/clock /etc/default/rcS /etc/adjtime; do
  [ ! -f "$name" ] || sed "s|^|$name: |" "$name"
done
readlink /etc/localtime
TZ=:/etc/localtime date -d @0 '+%H %Z'
