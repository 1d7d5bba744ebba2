"""Claims about a kernel: each a module, which measures it in a lab of a guest's and judges what it measured."""
