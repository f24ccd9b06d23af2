"""Who is in office: terms of office under an epoch, this node's fitness, and the virtual address that moves."""
