# Makefile of quern. Hand-written, not recursive, GNU make 4. `make help` lists the targets.
#
# A fresh clone needs nothing but `make`: it runs autoconf and configure itself. Out of the tree:
# mkdir b && cd b && ../configure && make. Source lists are in the module.mk of each folder.
#
#	CC= CFLAGS= CPPFLAGS= LDFLAGS=	the user's, added to quern's own flags
#	SAN=address,undefined		a build with sanitizers, in its own directory
#	DEBUG=1				a build that checks invariants (base/check.h), in its own directory
#	FUZZ=1				a build for libFuzzer, with CC=clang; what `make fuzz` uses
#	WERROR=1			warnings are errors
#	V=1				shows the commands
#	prefix= DESTDIR=		for install and uninstall
#	pythondir=			for the package for Python

srcdir ?= .
SHELL = /bin/sh
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

all:

# --- Configuration --------------------------------------------------------------------------------

# Goals that work before configure did. `check` and `demo` install what configure misses.
unconfigured_goals = check-long check-matrix clean configure deps distclean format help
installing_goals = check demo
goals := $(or $(MAKECMDGOALS),all)
installing := $(filter $(installing_goals),$(goals))

ifneq ($(filter-out $(unconfigured_goals),$(goals)),)
include config.mk
ifdef config_failed
ifeq ($(installing),)
$(error $(config_failed))
endif
endif
endif

install_deps = $(if $(installing),CC='$(CC)' $(srcdir)/.ci/deps,\
	{ echo "quern: run 'make deps' to install what is missing, then make again" >&2; exit 1; })

# quern.h has the version.
$(srcdir)/configure: $(srcdir)/configure.ac $(srcdir)/src/quern.h
	@command -v autoconf >/dev/null || \
		{ echo "quern: autoconf is missing" >&2; $(install_deps); }
	cd $(srcdir) && autoconf && rm -rf autom4te.cache && touch configure

# Repeats the last configuration where there was one, with its arguments.
config.mk: $(srcdir)/configure $(srcdir)/src/config.mk.in $(srcdir)/src/config.h.in
	@$(if $(cmocka_missing),$(install_deps))
	@run="$(srcdir)/configure -q $(config_args)"; \
	test ! -f config.status || run='./config.status -q --recheck'; \
	$$run || { $(install_deps) && $$run; }
	@./config.status -q
	@touch config.mk
# One that failed stays: it has the reason.
.PRECIOUS: config.mk

# Goals that can install try a failed configuration again, once.
ifeq ($(MAKE_RESTARTS),)
cmocka_missing := $(if $(and $(VERSION),$(filter check,$(goals))),$(if $(CMOCKA_LIBS),,yes))
ifneq ($(config_failed)$(cmocka_missing),)
config.mk: FORCE
endif
endif

# --- Sources --------------------------------------------------------------------------------------

LIB_SRCS :=
LIB_MULTI_ISA_SRCS :=
CLI_SRCS :=
READER_SRCS :=
EXAMPLE_PROGS :=
BENCH_PROGS :=
UNIT_TESTS :=
TEST_PROGS :=
PLUGINS :=
TESTING_SRCS :=
FUZZ_TARGETS :=
SHELL_TESTS :=
MANUAL_PAGES :=
FORTRAN_SRCS :=
PYTHON_FILES :=
include $(srcdir)/src/module.mk
include $(srcdir)/io/module.mk
include $(srcdir)/kernels/module.mk
include $(srcdir)/examples/module.mk
include $(srcdir)/bench/module.mk
include $(srcdir)/tests/module.mk

# What no fuzz target reaches would only take time to build.
ifdef FUZZ
unfuzzed := kernels/% $(addprefix src/,$(addsuffix /%,exact columns cluster plan describe find rolling locate \
	lookup crew run schedule stage verify csv json api insitu elements weighted registry proof formula \
	grouping keys resolve results)) io/formats.c
LIB_SRCS := $(filter-out $(unfuzzed),$(LIB_SRCS))
LIB_MULTI_ISA_SRCS := $(filter-out $(unfuzzed),$(LIB_MULTI_ISA_SRCS))
endif

# --- Where things go ------------------------------------------------------------------------------

# B: objects and test programs. P: the command and the libraries, with a slash.
comma := ,
ifdef FUZZ
override SAN := address,undefined
B := .build/fuzz
P := $(B)/
else ifdef SAN
B := .build/san-$(subst $(comma),-,$(SAN))
P := $(B)/
else ifdef DEBUG
B := .build/debug
P := $(B)/
else
B := .build
P :=
endif

ISAS := baseline $(if $(filter yes,$(MULTI_ISA)),avx2 avx512)
lib_objs := $(LIB_SRCS:%.c=$(B)/%.o) \
	$(foreach isa,$(ISAS),$(LIB_MULTI_ISA_SRCS:%.c=$(B)/%.$(isa).o)) $(B)/text/kernel_header.o
template_texts := template_kernel template_makefile template_test
text_objs := $(B)/text/kernel_header.o $(template_texts:%=$(B)/text/%.o)
reader_objs := $(READER_SRCS:%.c=$(B)/%.o)
cli_objs := $(CLI_SRCS:%.c=$(B)/%.o) $(B)/manual/pages.o $(template_texts:%=$(B)/text/%.o)
example_progs := $(EXAMPLE_PROGS:%=$(B)/%)
bench_progs := $(BENCH_PROGS:%=$(B)/%)
unit_tests := $(UNIT_TESTS:%=$(B)/%)
plugins := $(PLUGINS:%=$(B)/%.so)
test_progs := $(TEST_PROGS:%=$(B)/%) $(plugins) $(B)/test/quern
faulty_progs := $(patsubst %,$(B)/%,$(filter tests/mpi/%,$(TEST_PROGS)))
testing_objs := $(TESTING_SRCS:%.c=$(B)/%.o)
fuzz_targets := $(FUZZ_TARGETS:%=$(B)/%)
san_objs := $(if $(SAN),$(B)/tests/tools/forkable.o $(B)/tests/tools/keep_loaded.o)
progs := $(example_progs) $(bench_progs) $(unit_tests) $(TEST_PROGS:%=$(B)/%) $(fuzz_targets)

static_lib := $(P)libquern.a
soname := libquern.so.1
shared_lib := $(P)$(soname)
command := $(P)quern
# What reads metadata for sessions that do not fork; where the library looks for it, beside itself first.
reader := $(P)quern-reader
readerdir = $(libdir)/quern
# Pages of the manual, as sources for man, and what completes command lines; made by the command itself.
man_pages := $(if $(SAN),,$(MANUAL_PAGES:%=$(B)/man/%))
completions := $(if $(SAN),,$(addprefix $(B)/completion/,quern.bash quern.zsh quern.fish))

# Modules for Fortran, where there is a compiler.
fortran_srcs := $(if $(SAN)$(filter no,$(FC)),,$(FORTRAN_SRCS))
fortran_lib := $(if $(fortran_srcs),$(B)/fortran/libquern_fortran.a)

# --- Flags ----------------------------------------------------------------------------------------

ifneq ($(filter -ffast-math -Ofast -funsafe-math-optimizations,$(CFLAGS)),)
$(error CFLAGS: quern's sums are exact only without -ffast-math and -Ofast)
endif

# Headers of other packages are not ours to warn about.
deps_cflags = $(patsubst -I%,-isystem %,$(sort $(MPI_CFLAGS) $(HDF5_CFLAGS) $(HWLOC_CFLAGS) \
	$(OPENBLAS_CFLAGS) $(LIBDEFLATE_CFLAGS) $(JANSSON_CFLAGS) $(GMP_CFLAGS) $(CODEC_CFLAGS)))
deps_libs = $(HDF5_LIBS) $(HWLOC_LIBS) $(LIBDEFLATE_LIBS) $(JANSSON_LIBS) \
	$(GMP_LIBS) $(CODEC_LIBS) $(MPI_LIBS) $(LIBS) -ldl -lm

# FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION is libFuzzer's word for what it could not get past.
san_flags := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
	$(if $(FUZZ),-fsanitize=fuzzer-no-link -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
# What is checked at each step.
debug_flags := $(if $(DEBUG)$(SAN),-DQN_DEBUG) $(if $(DEBUG),-Og -g)
warnings := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wmissing-prototypes \
	$(if $(WERROR),-Werror)
all_cppflags = -include ./config.h -D_GNU_SOURCE -I$(srcdir)/src -I$(srcdir) $(CPPFLAGS) $(deps_cflags)
# What exact sums rest on comes after the user's flags, so that it holds.
all_cflags = -std=gnu11 $(warnings) $(CFLAGS) -pthread -fPIC -fno-semantic-interposition \
	-fno-math-errno -ffp-contract=off $(debug_flags) $(san_flags)
# What kernels that are loaded later call, a program without libquern.so has in itself.
export_flags = -Wl,--dynamic-list=$(srcdir)/src/quern.list
# OpenBLAS is loaded later (kernels/blas.c), from where its flags have it.
all_ldflags = -pthread -Wl,--as-needed $(LDFLAGS) $(filter -Wl$(comma)-rpath%,$(OPENBLAS_LIBS)) $(san_flags)

isa_flags_baseline :=
isa_flags_avx2 := -mavx2 -mfma -mbmi -mbmi2 -mf16c -mlzcnt
isa_flags_avx512 := $(isa_flags_avx2) -mavx512f -mavx512dq -mavx512bw -mavx512vl

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')

# Objects depend on this file, which changes when the flags do.
$(B)/flags: export flags = $(CC) $(all_cppflags) $(all_cflags) / $(all_ldflags) $(deps_libs)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$flags" | cmp -s - $@ || printf '%s\n' "$$flags" >$@

# --- Rules ----------------------------------------------------------------------------------------

$(B)/%.o: $(srcdir)/%.c $(B)/flags config.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(all_cppflags) $(all_cflags) -MMD -MP -c -o $@ $<

define isa_rule
$(B)/%.$(1).o: $(srcdir)/%.c $(B)/flags config.mk
	@mkdir -p $$(@D)
	$$(call say,CC,$$< ($(1)))
	$$(Q)$$(CC) $$(all_cppflags) -DQN_ISA_SUFFIX=$(1) $$(all_cflags) $$(isa_flags_$(1)) \
		-MMD -MP -c -o $$@ $$<
endef
$(foreach isa,$(ISAS),$(eval $(call isa_rule,$(isa))))

$(static_lib): $(lib_objs)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) qcs $@ $(lib_objs)

$(shared_lib): $(lib_objs) $(srcdir)/src/quern.map
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) -shared -Wl,-soname,$(soname) $(if $(SAN),,-Wl$(comma)-z$(comma)defs) \
		-Wl,--version-script=$(srcdir)/src/quern.map -o $@ $(lib_objs) $(deps_libs)

$(B)/src/base/forkserver.o: private CPPFLAGS += -DQN_READER='"$(readerdir)/quern-reader"'

$(reader): $(reader_objs) $(san_objs) $(static_lib)
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $(reader_objs) $(san_objs) $(static_lib) $(deps_libs)

$(command): $(cli_objs) $(san_objs) $(static_lib)
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) $(export_flags) -o $@ $(cli_objs) $(san_objs) $(static_lib) $(deps_libs)

# The texts of the manual, in the command.
manual_texts := $(srcdir)/src/manual/NEWS.md $(MANUAL_PAGES:%=$(srcdir)/src/manual/%.md)
$(B)/manual/pages.c: $(srcdir)/src/manual/embed.awk $(manual_texts)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)awk -f $(srcdir)/src/manual/embed.awk $(manual_texts) >$@

# The header of kernels, in the library, for those that it compiles; and what new ones begin with, in the command.
make_text = $(Q)awk -v name=qn_$(basename $(@F)) -v header=$(1) -f $^ >$@

$(B)/text/kernel_header.c: $(srcdir)/src/text.awk $(srcdir)/src/quern_kernel.h
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(call make_text,registry/compile.h)

$(template_texts:%=$(B)/text/%.c): $(B)/text/template_%.c: $(srcdir)/src/text.awk $(srcdir)/src/authoring/template/%.txt
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(call make_text,authoring/kernels.h)

$(B)/manual/pages.o $(text_objs): $(B)/%.o: $(B)/%.c $(B)/flags config.mk
	$(call say,CC,$<)
	$(Q)$(CC) $(all_cppflags) $(all_cflags) -MMD -MP -c -o $@ $<

$(man_pages): $(B)/man/%: $(command)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)./$(command) help --roff $* >$@

$(completions): $(B)/completion/quern.%: $(command)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)./$(command) help --completion $* >$@

testing_ldflags = $(patsubst %,-Wl$(comma)--wrap=qn_%,malloc calloc realloc strdup strndup asprintf \
	vasprintf open_memstream alloc_aligned alloc_pages grow grow_by_one)

# What is first in the order of linking takes the place of the library's own.
$(B)/test/quern: $(cli_objs) $(san_objs) $(testing_objs) $(static_lib)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(all_ldflags) $(export_flags) -o $@ $(cli_objs) $(san_objs) $(testing_objs) $(static_lib) \
		$(testing_ldflags) $(deps_libs)

$(unit_tests): private deps_libs += $(CMOCKA_LIBS)
$(unit_tests:=.o): private CPPFLAGS += $(CMOCKA_CFLAGS)
# Compared with BLAS as it is.
$(B)/bench/covariance: private deps_libs += $(OPENBLAS_LIBS)
# It counts what quern itself has allocated.
$(B)/tests/unit/test_feed: private deps_libs += \
	$(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc aligned_alloc free)
$(fuzz_targets): private san_flags += $(if $(FUZZ),-fsanitize=fuzzer)
$(fuzz_targets:=.o): private CPPFLAGS += $(if $(FUZZ),-DQN_LIBFUZZER)
# Not those that start the command: the variables are for that one.
$(unit_tests) $(faulty_progs): $(testing_objs)
$(unit_tests) $(faulty_progs): private deps_libs += $(testing_ldflags)
$(progs): $(B)/%: $(B)/%.o $(san_objs) $(static_lib)
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) $(export_flags) -o $@ $< $(filter $(testing_objs),$^) $(san_objs) $(static_lib) \
		$(deps_libs)

# Loaded by processes with and without sanitizers, so they have none.
$(plugins) $(plugins:.so=.o): private san_flags :=
$(plugins): %.so: %.o
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) -shared -o $@ $<

# Together, as the second module uses the first. Compilers write .mod files where they are started.
$(fortran_lib): $(fortran_srcs:%=$(srcdir)/%) config.mk
	@mkdir -p $(@D)
	$(call say,FC,$@)
	$(Q)cd $(@D) && rm -f *.o *.mod $(@F) && $(FC) $(FCFLAGS) -fPIC $(MPI_FCFLAGS) -c $(abspath $(filter %.f90,$^)) && \
		$(AR) qcs $(@F) *.o

# Programs find the shared library where it was installed, with no LD_LIBRARY_PATH, also where the
# system does not look for it.
rpath = $(if $(filter /usr/lib% /lib%,$(libdir)),,-Wl$(comma)-rpath$(comma)$${libdir})

# PACKAGE.pc.in as PACKAGE.pc on standard output.
write_pc = sed -e 's|@prefix@|$(prefix)|' -e 's|@exec_prefix@|$(exec_prefix)|' \
	-e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' -e 's|@VERSION@|$(VERSION)|' \
	-e 's|@MPI_CFLAGS@|$(MPI_CFLAGS)|' -e 's|@RPATH@ *|$(rpath) |' -e 's|@MPI_LIBS@|$(MPI_LIBS)|' \
	-e 's|@PRIVATE_LIBS@|$(strip $(deps_libs)) -lpthread|'

$(P)quern.pc: $(srcdir)/src/quern.pc.in $(B)/flags config.mk
	$(call say,GEN,$@)
	$(Q)$(write_pc) $< >$@

-include $(lib_objs:.o=.d) $(cli_objs:.o=.d) $(reader_objs:.o=.d) $(san_objs:.o=.d) $(progs:=.d) \
	$(plugins:.so=.d) $(testing_objs:.o=.d)

all: $(static_lib) $(shared_lib) $(reader) $(if $(CLI_SRCS),$(command)) $(P)quern.pc $(example_progs) \
	$(man_pages) $(completions) $(fortran_lib)

# --- Tests and measurements -----------------------------------------------------------------------

# What scripts of tests, examples and bench find in their environment (tests/run explains it).
script_env = SRCDIR='$(abspath $(srcdir))' BUILDDIR='$(abspath $(B))' QUERN='$(abspath $(command))' READER='$(abspath $(reader))' \
	TEST_QUERN='$(abspath $(B)/test/quern)' \
	LIBDIR='$(abspath $(or $(P),.))' MPIRUN='$(MPIRUN)' MAKE='$(MAKE)' CC='$(CC)' SAN='$(SAN)' \
	FC='$(FC)' MPIFC='$(MPIFC)' \
	TEST_CPPFLAGS='-include $(abspath config.h) -D_GNU_SOURCE $(CPPFLAGS) $(deps_cflags)' \
	TEST_LIBS='$(all_ldflags) $(deps_libs)'

# `make check TESTS="tests/unit/test_error tests/rules/layers.sh"` runs only these.
TESTS ?= $(SHELL_TESTS) $(UNIT_TESTS)

check: cmocka all $(unit_tests) $(test_progs) $(fuzz_targets) $(bench_progs)
	@$(script_env) bash $(srcdir)/tests/run $(TESTS)

# Builds what `check` runs.
check-programs: all $(unit_tests) $(test_progs) $(fuzz_targets) $(bench_progs)

# 100,000 damages to small files; `check` does a few thousand of them. FLIPS=N SEED=N
flips: all $(test_progs)
	@FLIPS=$${FLIPS:-100000} TEST_TIMEOUT=$${TEST_TIMEOUT:-86400} $(script_env) \
		bash $(srcdir)/tests/run tests/damage/flips.sh

# Runs with a journal are killed, lose their power and meet errors for so many SECONDS.
torture: all $(test_progs)
	@SECONDS_OF_TORTURE='$(or $(SECONDS),600)' TEST_TIMEOUT=$${TEST_TIMEOUT:-86400} $(script_env) \
		bash $(srcdir)/tests/run tests/damage/torture.sh

# What takes too long for .ci/run: see .ci/long.
check-long:
	@$(srcdir)/.ci/long

# Builds the fuzz targets with clang and libFuzzer, and runs each for FUZZ_SECONDS.
fuzz: $(test_progs)
	+@$(script_env) FUZZ_TARGETS='$(FUZZ_TARGETS)' bash $(srcdir)/tests/damage/fuzz/run

fuzz-programs: $(fuzz_targets)

cmocka:
	@test -n '$(CMOCKA_LIBS)' || { echo 'quern: the tests need cmocka' >&2; exit 1; }

check-slurm: all $(test_progs)
	@$(script_env) bash $(srcdir)/tests/machines/slurm.sh

# Several hosts: see tests/machines/hosts.sh.
check-hosts: all $(test_progs)
	@$(script_env) bash $(srcdir)/tests/run tests/machines/hosts.sh

# A machine with two NUMA nodes: see tests/machines/numa.sh.
check-numa: all $(test_progs)
	@$(script_env) bash $(srcdir)/tests/run tests/machines/numa.sh

# Fresh Debian systems, other compilers and MPIs: see tests/machines. ROWS='debian13 debian12-clang'
check-matrix:
	@BUILDDIR=$(abspath $(B)) SRCDIR=$(abspath $(srcdir)) bash $(srcdir)/tests/machines/matrix.sh $(ROWS)

demo: all
	@$(script_env) bash $(srcdir)/examples/demo.sh

workloads: all
	@$(script_env) bash $(srcdir)/examples/workloads.sh

bench: all $(bench_progs) $(B)/test/quern
	@$(script_env) bash $(srcdir)/bench/run.sh

# The same work by CDO, NCO, numpy and xarray, as far as they are installed.
bench-peers: all $(bench_progs)
	@$(script_env) bash $(srcdir)/bench/peers.sh

deps:
	@$(srcdir)/.ci/deps
	@if test -f config.mk && grep -q '^config_failed' config.mk; then rm -f config.mk; fi

# --- Installation and distribution ----------------------------------------------------------------

# Where the shells look.
bash_completion = $(datadir)/bash-completion/completions/quern
zsh_completion = $(datadir)/zsh/site-functions/_quern
fish_completion = $(datadir)/fish/vendor_completions.d/quern.fish
# Where Debian's Python looks when prefix is /usr; quern-python(7) says what else there is.
pythondir ?= $(prefix)/lib/python3/dist-packages

# Sources too: .mod files are for one compiler, and another compiles the sources with the program.
define install_fortran
install -d $(DESTDIR)$(includedir)/quern
install -m 644 $(B)/fortran/*.mod $(FORTRAN_SRCS:%=$(srcdir)/%) $(DESTDIR)$(includedir)/quern
install -m 644 $(fortran_lib) $(DESTDIR)$(libdir)
$(write_pc) $(srcdir)/src/fortran/quern-fortran.pc.in >$(DESTDIR)$(libdir)/pkgconfig/quern-fortran.pc
endef

install: all
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(includedir)
	install -m 755 $(command) $(DESTDIR)$(bindir)/quern
	install -D -m 755 $(reader) $(DESTDIR)$(readerdir)/quern-reader
	install -m 644 $(static_lib) $(DESTDIR)$(libdir)/libquern.a
	install -m 755 $(shared_lib) $(DESTDIR)$(libdir)/$(soname)
	ln -sf $(soname) $(DESTDIR)$(libdir)/libquern.so
	install -m 644 $(PUBLIC_HEADERS:%=$(srcdir)/%) $(DESTDIR)$(includedir)
	$(write_pc) $(srcdir)/src/quern.pc.in >$(DESTDIR)$(libdir)/pkgconfig/quern.pc
	for page in $(man_pages); do \
		install -D -m 644 $$page $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/} || exit; \
	done
	install -D -m 644 $(B)/completion/quern.bash $(DESTDIR)$(bash_completion)
	install -D -m 644 $(B)/completion/quern.zsh $(DESTDIR)$(zsh_completion)
	install -D -m 644 $(B)/completion/quern.fish $(DESTDIR)$(fish_completion)
	$(if $(fortran_lib),$(install_fortran))
	install -d $(DESTDIR)$(pythondir)/quern
	install -m 644 $(PYTHON_FILES:%=$(srcdir)/%) $(DESTDIR)$(pythondir)/quern

uninstall:
	rm -f $(DESTDIR)$(bindir)/quern $(DESTDIR)$(libdir)/libquern.a
	rm -f $(DESTDIR)$(libdir)/$(soname) $(DESTDIR)$(libdir)/libquern.so
	rm -f $(addprefix $(DESTDIR)$(includedir)/,$(notdir $(PUBLIC_HEADERS)))
	rm -f $(DESTDIR)$(libdir)/pkgconfig/quern.pc
	for page in $(MANUAL_PAGES); do rm -f $(DESTDIR)$(mandir)/man$${page##*.}/$$page || exit; done
	rm -f $(DESTDIR)$(bash_completion) $(DESTDIR)$(zsh_completion) $(DESTDIR)$(fish_completion)
	rm -rf $(DESTDIR)$(pythondir)/quern $(DESTDIR)$(includedir)/quern $(DESTDIR)$(readerdir)
	rm -f $(DESTDIR)$(libdir)/libquern_fortran.a $(DESTDIR)$(libdir)/pkgconfig/quern-fortran.pc

# The files git knows, as they are in the tree, and configure; the same bytes every time.
distname = quern-$(VERSION)
dist: $(srcdir)/configure
	@git -C $(srcdir) rev-parse --git-dir >/dev/null 2>&1 || \
		{ echo "quern: 'make dist' needs a git checkout" >&2; exit 1; }
	{ git -C $(srcdir) ls-files; echo configure; } | LC_ALL=C sort | \
		tar -C $(srcdir) -c -T - --owner=0 --group=0 --numeric-owner \
		--mtime="@$$(git -C $(srcdir) log -1 --format=%ct)" \
		--transform='s|^|$(distname)/|' | gzip -9n >$(distname).tar.gz

# Builds, tests, installs and removes from the tarball, out of its tree, which is read-only.
distcheck: dist
	+$(srcdir)/.ci/distcheck $(distname)

clean:
	rm -rf .build
	rm -f quern quern-reader libquern.a libquern.so.1 quern.pc

distclean: clean
	rm -f config.mk config.h config.log config.status
	test -e configure.ac || rm -f Makefile
	test ! -e .git || rm -rf configure autom4te.cache

format:
	cd $(srcdir) && git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

help:
	@echo 'make [all]         the command, the libraries, the examples'
	@echo 'make check         tests; ends with N passed, N failed, N skipped'
	@echo 'make check-long    what takes hours: all of it with sanitizers, other seeds, fuzzing'
	@echo 'make flips         100,000 damaged files; FLIPS=N SEED=N'
	@echo 'make fuzz          runs each fuzz target for FUZZ_SECONDS (10); needs clang'
	@echo 'make check-hosts   tests quern on several hosts, which are namespaces of this machine'
	@echo 'make check-numa    tests quern on an emulated machine with two NUMA nodes'
	@echo 'make check-matrix  the tests on fresh Debian systems, with other compilers and MPIs; ROWS='
	@echo 'make check-slurm   tests the Slurm templates on a Slurm of its own'
	@echo 'make demo          the main job on generated data'
	@echo 'make workloads     three known jobs, beside xarray where Python has it (SIZE=4 TIMES=1460)'
	@echo 'make bench         measures, beside the limits of this machine'
	@echo 'make bench-peers   measures, beside CDO, NCO, numpy and xarray'
	@echo 'make torture       runs with a journal through faults, for SECONDS=600'
	@echo 'make deps          installs what is missing, or prints the command'
	@echo 'make install       DESTDIR= prefix=; also uninstall'
	@echo 'make dist          the tarball; distcheck tries it'
	@echo 'make format        clang-format on all sources'
	@echo 'make clean         also distclean'
	@echo 'Variables: CC CFLAGS CPPFLAGS LDFLAGS SAN=address,undefined DEBUG=1 WERROR=1 V=1 TESTS='

FORCE:
.PHONY: all bench bench-peers check check-hosts check-long check-matrix check-numa check-programs check-slurm \
	clean cmocka demo deps dist distcheck distclean flips format fuzz fuzz-programs help install uninstall \
	torture workloads FORCE
