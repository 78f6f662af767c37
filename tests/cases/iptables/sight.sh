for each in 'iptables filter' 'iptables nat' 'iptables mangle' 'ip6tables filter'; do
  "${each% *}" -t "${each#* }" -S | grep -Ev '^-P .* ACCEPT$' | sed "s/^/$each /"
done
