# plot.gp - ratios of quern's time to the limits, as bench/run.sh measured them.
#
#	gnuplot -e "input = 'bench.csv'; output = 'bench.png'" plot.gp

set terminal pngcairo noenhanced size 1000,560 font 'Sans,11' background '#ffffff'
set output output
set datafile separator ','
set title 'Time of quern over the time of the limit (1: as fast as the machine allows)'
set style data histograms
set style fill solid 0.9 noborder
set boxwidth 0.8
set yrange [0:*]
set grid y lc rgb '#dddddd'
set border 3
set tics nomirror
set xtics rotate by -35
set bmargin 9
set key top left

# Rows with a limit are ratios; a target is a mark above its bar.
ratio(cores) = sprintf("< awk -F, 'NR > 1 && $2 == %d' '%s'", cores, input)

plot ratio(1) using 7:xtic(1) lc rgb '#1f5fa8' title 'one core', \
	ratio(2) using 7 lc rgb '#d1662f' title 'two cores', \
	ratio(1) using 0:(strcol(8) eq '-' ? NaN : column(8)) with points pt 1 ps 2 lw 2 \
		lc rgb '#222222' title 'target'
