for name in pad padded; do
  update-alternatives --query "$name" 2>/dev/null
  for link in /srv/bin/$name /srv/bin/$name.man /etc/alternatives/$name*; do
    [ ! -h "$link" ] || echo "$link -> $(readlink "$link")"
  done
done
