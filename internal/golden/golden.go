// Package golden owns the comparison of what a test makes with a file that is kept: a page made of the code, or what an
// output looked like when somebody last read it. With -update a test writes the file instead; the difference is then to
// be reviewed like code.
package golden

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the files that the tests compare with what they make")

// Updating tells whether files are written and not compared.
func Updating() bool { return *update }

// File fails the test unless the file at path holds got, or writes it.
func File(t testing.TB, path string, got []byte) {
	t.Helper()
	if *update {
		write(t, path, string(got))
		return
	}
	compare(t, path, read(t, path), string(got))
}

// Part is File for the part of a page that stands between the lines <!-- name:begin --> and <!-- name:end -->.
func Part(t testing.TB, path, name, got string) {
	t.Helper()
	if *update {
		WritePart(t, path, name, got)
		return
	}
	part, _ := parted(t, path, name)
	compare(t, path, part, got)
}

// WritePart writes the part of a page in any case: measured figures are recorded, and compared with nothing.
func WritePart(t testing.TB, path, name, text string) {
	t.Helper()
	_, with := parted(t, path, name)
	write(t, path, with(text))
}

// parted returns a part of a page, and what makes the page with another text there.
func parted(t testing.TB, path, name string) (part string, with func(string) string) {
	t.Helper()
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	before, rest, ok := strings.Cut(read(t, path), begin)
	part, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no part %s: it stands between %s and %s", path, name, strings.TrimSpace(begin), end)
	}
	return part, func(text string) string { return before + begin + text + end + after }
}

// compare shows the first line that differs; the rest is seen best after -update, by git.
func compare(t testing.TB, path, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	at := 0
	for at < min(len(wants), len(gots)) && wants[at] == gots[at] {
		at++
	}
	line := func(lines []string) string {
		if at == len(lines) {
			return "nothing"
		}
		return fmt.Sprintf("%q", lines[at])
	}
	t.Errorf("%s is stale: %s with -update writes it; line %d has %s and should have %s", path, t.Name(), at+1, line(wants), line(gots))
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
