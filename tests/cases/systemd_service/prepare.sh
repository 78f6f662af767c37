cd /etc/systemd/system
mk() { cat >"$1"; }
mk good.service <<'X'
[Service]
ExecStart=/bin/sleep 100000
ExecReload=/bin/true
[Install]
WantedBy=multi-user.target
X
mk noreload.service <<'X'
[Service]
ExecStart=/bin/sleep 100000
[Install]
WantedBy=multi-user.target
X
mk bad.service <<'X'
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "cannot read /etc/bad.conf: line 3: no such directive" >&2; exit 4'
[Install]
WantedBy=multi-user.target
X
mk fixed.service <<'X'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
X
mk other.service <<'X'
[Service]
ExecStart=/bin/sleep 100000
[Install]
Also=other.socket
X
mk other.socket <<'X'
[Socket]
ListenStream=/run/other.sock
[Install]
WantedBy=sockets.target
X
mk tick.timer <<'X'
[Timer]
OnCalendar=daily
Unit=fixed.service
[Install]
WantedBy=timers.target
X
ln -s /dev/null hidden.service
cat >/etc/init.d/old <<'X'
#!/bin/sh
### BEGIN INIT INFO
# Provides: old
# Required-Start: $remote_fs
# Required-Stop: $remote_fs
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: an old one
### END INIT INFO
case $1 in
  start) start-stop-daemon --start --background --make-pidfile --pidfile /run/old.pid --startas /bin/sleep -- 100000 ;;
  stop) start-stop-daemon --stop --oknodo --pidfile /run/old.pid --remove-pidfile ;;
  restart) "$0" stop; "$0" start ;;
  reload|force-reload) echo reloading ;;
  status) start-stop-daemon --status --pidfile /run/old.pid ;;
  *) echo "Usage: $0 {start|stop|restart|reload|status}" >&2; exit 3 ;;
esac
X
chmod 755 /etc/init.d/old
systemctl daemon-reload 2>/dev/null || :
