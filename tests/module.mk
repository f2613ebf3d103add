# tests: NAME.c gives the program NAME.
#
# UNIT_TESTS    cmocka programs, run by tests/run
# TEST_PROGS    programs that shell tests use (file generators, oracles); not run by themselves
# SHELL_TESTS   scripts that print TAP, run by tests/run: see its head, and tests/lib.sh
UNIT_TESTS += tests/unit/test_kernel
UNIT_TESTS += tests/unit/test_monoid
UNIT_TESTS += tests/unit/test_minmax
UNIT_TESTS += tests/unit/test_histogram
UNIT_TESTS += tests/unit/test_covariance
UNIT_TESTS += tests/unit/test_base
UNIT_TESTS += tests/unit/test_calendar
UNIT_TESTS += tests/unit/test_cf
UNIT_TESTS += tests/unit/test_feed
UNIT_TESTS += tests/unit/test_filters
UNIT_TESTS += tests/unit/test_codecs
UNIT_TESTS += tests/unit/test_sums
UNIT_TESTS += tests/unit/test_verify
UNIT_TESTS += tests/unit/test_exact
UNIT_TESTS += tests/unit/test_moments
UNIT_TESTS += tests/unit/test_child
UNIT_TESTS += tests/unit/test_hdf5_child
UNIT_TESTS += tests/unit/test_dataset
UNIT_TESTS += tests/unit/test_describe
UNIT_TESTS += tests/unit/test_index
UNIT_TESTS += tests/unit/test_options
UNIT_TESTS += tests/unit/test_select
UNIT_TESTS += tests/unit/test_cut
UNIT_TESTS += tests/unit/test_items
UNIT_TESTS += tests/unit/test_plan
UNIT_TESTS += tests/unit/test_topo
UNIT_TESTS += tests/unit/test_queue
UNIT_TESTS += tests/unit/test_result
UNIT_TESTS += tests/unit/test_comm
UNIT_TESTS += tests/unit/test_engine
UNIT_TESTS += tests/unit/test_api
TEST_PROGS += tests/corpus/generate
TEST_PROGS += tests/corpus/rows
TEST_PROGS += tests/pick
TEST_PROGS += tests/axes
TEST_PROGS += tests/measure
TEST_PROGS += tests/ranks
SHELL_TESTS += tests/layers.sh
SHELL_TESTS += tests/headers.sh
SHELL_TESTS += tests/symbols.sh
SHELL_TESTS += tests/corpus.sh
SHELL_TESTS += tests/hostile.sh
SHELL_TESTS += tests/ranks.sh
SHELL_TESTS += tests/example.sh
SHELL_TESTS += tests/cli/help.sh
SHELL_TESTS += tests/cli/options.sh
SHELL_TESTS += tests/cli/select.sh
SHELL_TESTS += tests/cli/output.sh
SHELL_TESTS += tests/cli/errors.sh
SHELL_TESTS += tests/cli/verify.sh
SHELL_TESTS += tests/mpi.sh
