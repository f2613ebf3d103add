# text.awk - a file as a string in C: awk -v name=VARIABLE -v header=HEADER -f text.awk FILE

BEGIN {
	printf "#include \"%s\"\n\nconst char %s[] =\n", header, name
}

{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	printf "\t\"%s\\n\"\n", $0
}

END {
	print "\t;"
}
