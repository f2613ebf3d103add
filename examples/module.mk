# examples: programs of one file each, against the public headers only; NAME.c gives NAME.
EXAMPLE_PROGS += examples/grind examples/heat examples/mkclimate examples/mkparticles
