# io/reader: the program that reads metadata for the library.
READER_SRCS += io/reader/main.c
