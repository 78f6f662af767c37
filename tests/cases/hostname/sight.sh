for name in /etc/hostname /etc/HOSTNAME /etc/sysconfig/network /etc/conf.d/hostname /proc/sys/kernel/hostname; do
  [ ! -f "$name" ] || sed "s|^|$name: |" "$name"
done
