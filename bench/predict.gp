# predict.gp - predicted beside measured seconds, as bench/predict.sh has them.
#
#	gnuplot -e "input = 'predict.csv'; output = 'predict.png'" predict.gp

set terminal pngcairo noenhanced size 800,560 font 'Sans,11' background '#ffffff'
set output output
set datafile separator ','
set title 'Seconds of work: measured, and predicted from one thread'
set logscale xy 2
set xlabel 'threads'
set ylabel 'seconds'
set grid lc rgb '#dddddd'
set key top right
plot input skip 1 using 1:2 with linespoints lw 2 pt 7 lc rgb '#1f5fa8' title 'measured', \
	input skip 1 using 1:3 with linespoints lw 2 pt 4 lc rgb '#d1662f' title 'predicted'
