diff /run/fstab /etc/fstab | sed -n 's/^[<>]/fstab &/p'
awk '$2 ~ "^/srv" { print "mount", $1, $2, $3, ($4 ~ /^ro/) ? "ro" : "rw", ($4 ~ /noexec/) ? "noexec" : "exec" }' /proc/mounts
