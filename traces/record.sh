#!/bin/bash
#
# record.sh - make the recordings of this folder again.
#
# usage: record.sh [FOLDER]
#
# Runs six real programs under "valgrind --tool=lackey --trace-mem=yes",
# compresses what valgrind wrote and puts the results into FOLDER (default: the
# folder this script is in):
#
#     sort.lackey.xz  shuf.lackey.gz  mawk.lackey.zst
#     tcc.lackey.zst  sqlite3.lackey.xz  zstd.lackey.xz
#
# Nothing is taken out of the traces: every line valgrind writes is kept, the
# "==pid==" lines too. For each recording one line with the numbers for the tables
# in README.md is printed on standard output; progress goes to standard error.
#
# The input data are made here, from fixed seeds. The programs run with address
# randomisation off (where that is permitted), in a clean environment, with no
# signal ignored, and in a fixed working folder (/tmp/clockhand-record, made and
# removed by this script). A second run on the same machine then differs in the
# process ids and, in some of the recordings, in a few addresses: the
# dynamic loader looks at bytes of the 16 random ones every new process gets.
#
# All of it takes some minutes, most of them in "xz -9e", and needs about
# 130 MB in /tmp.

set -euo pipefail
export LC_ALL=C
umask 022

WORK=/tmp/clockhand-record      # fixed: its name is in the environment (HOME)
LIMIT=1000000                   # a recording should not be larger, in bytes

say() { printf 'record.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

case $# in
0) out=$(dirname -- "${BASH_SOURCE[0]}") ;;
1) out=$1 ;;
*) die "usage: record.sh [FOLDER]" ;;
esac
case $out in
-h | --help) sed -n '3,/^$/s/^# \{0,1\}//p' -- "${BASH_SOURCE[0]}"; exit 0 ;;
-*) die "usage: record.sh [FOLDER]" ;;
esac

# ---- what has to be there ---------------------------------------------------

missing=()
need() {        # need PROGRAM PACKAGE
	PATH=/usr/bin:/bin type -P "$1" >/dev/null || missing+=("$2")
}
need valgrind valgrind
need sort coreutils
need shuf coreutils
need setarch util-linux
need mawk mawk
need tcc tcc
need sqlite3 sqlite3
need zstd zstd
need xz xz-utils
need gzip gzip
if ((${#missing[@]})); then
	die "programs are missing; on Debian: apt-get install" \
		"$(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')"
fi
PATH=/usr/bin:/bin

mkdir -p -- "$out"
out=$(cd -- "$out" && pwd)

# The stack limit moves the stack and what lies below it.
ulimit -S -s 8192 2>/dev/null || say "cannot set the stack limit to 8 MiB"

# Fixed addresses. Containers may forbid this; then each run has its own.
fixed=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
	fixed=(setarch "$(uname -m)" -R)
else
	say "address randomisation cannot be turned off here; recording with it"
fi

mkdir -m 700 "$WORK" 2>/dev/null ||
	die "cannot make $WORK (if an interrupted run left it, remove it)"
partial=
trap 'rm -rf -- "$WORK" ${partial:+"$partial"}' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
cd "$WORK"

# ---- input data -------------------------------------------------------------

# Lehmer's generator: x * 16807 stays exact in awk's floating point numbers.

# random_lines COUNT WIDTH SEED: lines of random hexadecimal digits
random_lines() {
	mawk -v count="$1" -v width="$2" -v x="$3" 'BEGIN {
		for (i = 0; i < count; i++) {
			line = ""
			while (length(line) < width) {
				x = x * 16807 % 2147483647
				line = line sprintf("%07x", x % 268435456)
			}
			print line
		}
	}'
}

# random_text WORDS SEED: lines of twelve words each
random_text() {
	mawk -v count="$1" -v x="$2" 'BEGIN {
		split("page fault frame clock hand dirty write read process memory", word, " ")
		for (i = 1; i <= count; i++) {
			x = x * 16807 % 2147483647
			printf "%s%s", word[x % 10 + 1], i % 12 && i < count ? " " : "\n"
		}
	}'
}

# c_program FUNCTIONS SEED: a C program without #include lines
c_program() {
	mawk -v count="$1" -v x="$2" 'BEGIN {
		print "int printf(const char *format, ...);"
		print "void *memset(void *s, int c, unsigned long n);"
		for (i = 0; i < count; i++) {
			x = x * 16807 % 2147483647
			printf "\nstruct s%d { int a%d; long b%d; char name_%d[%d]; };\n", i, i, i, i, x % 60 + 4
			printf "static long f%d(struct s%d *p, long n)\n{\n", i, i
			printf "\tlong i, sum = %d;\n", x % 1000
			printf "\tfor (i = 0; i < n; i++) {\n"
			printf "\t\tsum += p->a%d * i + p->b%d;\n", i, i
			if (i) {
				printf "\t\tif (sum > %d)\n", x % 5000
				printf "\t\t\tsum = f%d(0, sum & 7) - sum;\n", x % i
			}
			printf "\t}\n\tprintf(\"f%d %%ld\\n\", sum);\n\treturn sum;\n}\n", i
		}
		printf "\nint main(void)\n{\n\tstruct s%d v;\n", count - 1
		printf "\tmemset(&v, 0, sizeof v);\n\treturn f%d(&v, 3) == 0;\n}\n", count - 1
	}'
}

# ---- recording --------------------------------------------------------------

# record INPUT PROGRAM ARGUMENT...
# Leaves the whole trace in the file "trace" and the program's output in "output".
record() {
	local input=$1
	shift
	say "$1: recording"
	rm -f trace output
	env -i --default-signal PATH=/usr/bin:/bin LC_ALL=C HOME="$WORK" ${fixed[@]+"${fixed[@]}"} \
		valgrind --tool=lackey --trace-mem=yes --log-file=trace \
		"$@" <"$input" >output || die "$1 failed under valgrind"
	grep -q '^==[0-9]*== Exit code: *0$' trace || die "$1: the trace is not complete"
}

# keep NAME SUFFIX COMPRESSOR...: compress "trace" into the folder asked for
keep() {
	local name=$1 suffix=$2 size
	local file=$name.lackey.$suffix
	shift 2
	say "$name: compressing with $*"
	partial=$(mktemp -- "$out/.$file.XXXXXX")
	"$@" <trace >"$partial"
	chmod 644 -- "$partial"
	mv -f -- "$partial" "$out/$file"
	partial=
	size=$(stat -c %s -- "$out/$file")
	((size <= LIMIT)) || say "$file is larger than $LIMIT bytes: $size"
	printf '%s | %s | %s | %s | %s\n' "$file" "$(count <trace)" \
		"$(stat -c %s trace)" "$size" "$(sha256sum <"$out/$file" | cut -d' ' -f1)"
}

# count: references (all, I, L, S, M) and distinct 4 KiB pages of a trace. As in
# README.md, an access over a page boundary counts once for each of the two pages.
count() {
	mawk '
	function hex(s,  v, i) {
		for (i = 1; i <= length(s); i++)
			v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
		return v + 0
	}
	/^(I | [LSM]) / {
		n[$1]++
		comma = index($2, ",")
		top = substr($2, 1, comma - 4)          # without the last 3 digits
		if (!(top in page))
			seen[page[top] = hex(top)]
		low = substr($2, comma - 3, 3)
		if (!(low in offset))
			offset[low] = hex(low)
		if (offset[low] + substr($2, comma + 1) > 4096) {
			n[$1]++
			seen[page[top] + 1]
		}
	}
	END {
		for (p in seen)
			pages++
		printf "%d | %d | %d | %d | %d | %d",
			n["I"] + n["L"] + n["S"] + n["M"], n["I"], n["L"], n["S"], n["M"], pages
	}'
}

echo 'file | all | fetch | load | store | modify | pages | bytes uncompressed | bytes compressed | sha256'

# GNU sort: reads 1.6 MB into one buffer, then jumps about in it comparing
# lines, then writes the lines out in their new order.
random_lines 2300 700 20240607 >lines.txt
record /dev/null sort --parallel=1 -S 4M lines.txt
sort -c output || die "sort: wrong output"
keep sort xz xz -9e

# GNU shuf: reads 0.7 MB and writes the lines in random order. The small one.
random_lines 1000 700 20240608 >lines.txt
random_lines 100 700 20240609 >random.txt
record /dev/null shuf --random-source=random.txt lines.txt
cmp -s <(sort lines.txt) <(sort output) || die "shuf: wrong output"
keep shuf gz gzip -9n

# mawk: an interpreter that fills an array with lines, then walks through it
# in two other orders, counting pairs of characters.
random_lines 1601 700 20240610 >lines.txt
cat >count.awk <<'END'
{ line[NR] = $0 }
END {
	for (pass = 1; pass <= 2; pass++)
		for (i = 1; i <= NR; i++)
			count[substr(line[i * 389 * pass % NR + 1], pass, 2)]++
	for (pair in count)
		sum += count[pair]
	print NR, sum
}
END
record /dev/null mawk -f count.awk lines.txt
[[ $(<output) == "1601 3202" ]] || die "mawk: wrong output"
keep mawk zst zstd -q -19

# tcc: compiles a generated program of 70 functions to an object file.
c_program 70 99 >program.c
record /dev/null tcc -c -o program.o program.c
[[ -s program.o ]] || die "tcc: no output"
keep tcc zst zstd -q -19

# sqlite3: fills a table in memory and scans it twice.
cat >photo.sql <<'END'
PRAGMA page_size=2048;
CREATE TABLE photo(id INTEGER PRIMARY KEY, data);
INSERT INTO photo SELECT value, zeroblob(1900) FROM generate_series(1, 300);
SELECT max(data) > 'x' FROM photo;
SELECT max(data) > 'x' FROM photo;
END
record photo.sql sqlite3 -batch -init /dev/null :memory:
[[ $(<output) == $'1\n1' ]] || die "sqlite3: wrong output"
keep sqlite3 xz xz -9e

# zstd: compresses 54 kB of text; its tables are much larger than that. Without
# --no-asyncio it would start threads, and no two runs would be alike.
random_text 9000 5 >words.txt
record words.txt zstd -q --single-thread --no-asyncio -3 -c
zstd -qdc <output | cmp -s - words.txt || die "zstd: wrong output"
keep zstd xz xz -9e

say "all recordings are in $out"
