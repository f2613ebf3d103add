# tests: NAME.c gives the program NAME.
#
# UNIT_TESTS    cmocka programs, run by tests/run
# TEST_PROGS    programs that shell tests use (file generators, oracles); not run by themselves
# SHELL_TESTS   scripts that print TAP, run by tests/run: see its head, and tests/lib.sh
UNIT_TESTS += tests/unit/test_kernel tests/unit/test_monoid tests/unit/test_minmax
UNIT_TESTS += tests/unit/test_histogram tests/unit/test_covariance
UNIT_TESTS += tests/unit/test_base tests/unit/test_calendar tests/unit/test_cf tests/unit/test_feed tests/unit/test_filters
UNIT_TESTS += tests/unit/test_codecs
UNIT_TESTS += tests/unit/test_exact tests/unit/test_moments
UNIT_TESTS += tests/unit/test_child tests/unit/test_hdf5_child
UNIT_TESTS += tests/unit/test_dataset tests/unit/test_describe tests/unit/test_index
UNIT_TESTS += tests/unit/test_options tests/unit/test_select tests/unit/test_cut tests/unit/test_items tests/unit/test_plan
UNIT_TESTS += tests/unit/test_topo tests/unit/test_queue tests/unit/test_result tests/unit/test_comm
UNIT_TESTS += tests/unit/test_engine tests/unit/test_api
TEST_PROGS += tests/corpus/generate tests/corpus/rows tests/pick tests/axes tests/measure tests/ranks
SHELL_TESTS += tests/layers.sh tests/headers.sh tests/symbols.sh
SHELL_TESTS += tests/corpus.sh tests/hostile.sh tests/ranks.sh tests/example.sh
SHELL_TESTS += tests/cli/help.sh tests/cli/options.sh tests/cli/select.sh tests/cli/output.sh tests/cli/errors.sh
SHELL_TESTS += tests/mpi.sh
