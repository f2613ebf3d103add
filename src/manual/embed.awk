# embed.awk - the texts of the manual as C, for the command: awk -f embed.awk NEWS.md PAGE.md...
# A page quern-TOPIC.N is found by TOPIC, and those that have other names by what stands here. The date is that of the first release in NEWS: "## 0.5.0 (2026-11-29)".

BEGIN {
	topics["quern.3"] = "library"
	topics["quern.7"] = "concepts"
	print "#include \"manual/manual.h\"\n"
	print "const struct qn_page qn_manual_pages[] = {"
}

FILENAME ~ /NEWS\.md$/ {
	if (date == "" && match($0, /[0-9]+-[0-9]+-[0-9]+/))
		date = substr($0, RSTART, RLENGTH)
	next
}

FNR == 1 {
	if (page != "")
		print "\t},"
	page = FILENAME
	sub(/.*\//, "", page)
	sub(/\.md$/, "", page)
	topic = page
	sub(/^quern-/, "", topic)
	sub(/\..$/, "", topic)
	printf "\t{ \"%s\", \"%s\",\n", page, page in topics ? topics[page] : topic
}

{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	printf "\t  \"%s\\n\"\n", $0
}

END {
	print "\t},\n\t{ NULL, NULL, NULL },\n};\n"
	printf "const char qn_manual_date[] = \"%s\";\n", date
}
