[ ! -f /etc/locale.gen ] || sed 's/^/locale.gen: /' /etc/locale.gen
locale -a
