"""Other kernels: guests in containers, whose hosts are network namespaces that take the commands of any host."""
