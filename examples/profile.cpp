/*
 * profile - how a program in C++ uses quern: handles that free themselves, errors as exceptions, fields as vectors.
 *
 *	c++ -std=c++11 profile.cpp $(pkg-config --cflags --libs quern) -o profile
 *	mpirun -n 4 ./profile climate.nc t2m time,lon
 *
 * Reduces the dimensions that are named, and prints for each cell of the others, lat here, the coordinates, number,
 * mean and standard deviation of its values, with tabulators between them; empty is what there is not.
 */
#include <quern.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

/* Begins MPI, and ends it after all that was made since. */
class Mpi {
public:
	Mpi(int &argc, char **&argv)
	{
		int level;

		MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
	}
	~Mpi() { MPI_Finalize(); }
	Mpi(const Mpi &) = delete;
	Mpi &operator=(const Mpi &) = delete;
	int rank() const
	{
		int r;

		MPI_Comm_rank(MPI_COMM_WORLD, &r);
		return r;
	}
};

struct Free {
	void operator()(quern_session *s) const { quern_session_free(s); }
	void operator()(quern_run *r) const { quern_run_free(r); }
};
typedef std::unique_ptr<quern_session, Free> Session;

/* What failed has failed on all ranks, so that all throw. */
class Run {
public:
	Run(const Session &session, const char *kernel)
		: handle(quern_run_new(session.get(), kernel))
	{
		if (!handle)
			throw std::bad_alloc();
	}
	Run &set(const char *name, const std::string &value)
	{
		quern_run_set(handle.get(), name, value.c_str());
		return *this;
	}
	Run &file(const std::string &name)
	{
		quern_run_add_file(handle.get(), name.c_str());
		return *this;
	}
	void execute()
	{
		if (quern_run_execute(handle.get()) != QUERN_OK)
			throw std::runtime_error(quern_run_message(handle.get()));
	}
	/* NULL on all ranks but the first. */
	const quern_result *result() const { return quern_run_result(handle.get()); }

private:
	std::unique_ptr<quern_run, Free> handle;
};

/* NaN where there is no value. */
static std::vector<double> field(const quern_result *result, const char *name)
{
	quern_field f;

	f.size = sizeof(f);
	if (!quern_result_find(result, name, &f))
		throw std::runtime_error(std::string("no field ") + name);
	std::vector<double> values(f.nvalues);
	quern_result_read_double(result, name, 0, f.nvalues, values.data(), nullptr);
	return values;
}

static std::vector<quern_axis> axes(const quern_result *result)
{
	std::vector<quern_axis> all(quern_result_naxes(result));

	for (size_t i = 0; i < all.size(); i++) {
		all[i].size = sizeof(quern_axis);
		quern_result_axis(result, i, &all[i]);
	}
	return all;
}

/* Cells are in C order over the axes. */
static void print_coordinates(const quern_result *result, const std::vector<quern_axis> &axes,
			      uint64_t cell)
{
	std::vector<std::string> texts(axes.size());
	char text[1024];

	for (size_t i = axes.size(); i-- > 0; cell /= axes[i].extent)
		if (quern_result_coordinate_text(result, i, cell % axes[i].extent, text,
						 sizeof(text)))
			texts[i] = text;
	for (const std::string &t : texts)
		std::printf("%s\t", t.c_str());
}

static void print_number(double x, char end)
{
	if (!std::isnan(x))
		std::printf("%.17g", x);
	std::putchar(end);
}

static void print(const quern_result *result)
{
	const std::vector<quern_axis> along = axes(result);
	const std::vector<double> count = field(result, "count"), mean = field(result, "mean"),
				  stddev = field(result, "stddev");

	for (const quern_axis &a : along)
		std::printf("%s\t", a.name);
	std::puts("count\tmean\tstddev");
	for (size_t i = 0; i < count.size(); i++) {
		print_coordinates(result, along, i);
		print_number(count[i], '\t');
		print_number(mean[i], '\t');
		print_number(stddev[i], '\n');
	}
}

int main(int argc, char **argv)
{
	Mpi mpi(argc, argv);

	if (argc != 4) {
		if (mpi.rank() == 0)
			std::fputs("usage: profile FILE DATASET DIMENSION,...\n", stderr);
		return 2;
	}
	try {
		Session session(quern_session_new(MPI_COMM_WORLD));
		Run run(session, "moments");

		run.set("dataset", argv[2]).set("over", argv[3]).file(argv[1]).execute();
		if (mpi.rank() == 0)
			print(run.result());
	} catch (const std::exception &e) {
		if (mpi.rank() == 0)
			std::fprintf(stderr, "profile: %s\n", e.what());
		return 1;
	}
	return 0;
}
