"""Tasks that the controller does itself: no host is asked, nothing there is changed."""
