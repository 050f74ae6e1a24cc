package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOrderAndThreads hunts the same files in other orders, in one step and in several, and with one, two and four
// threads: every byte of the result is the same. One of the files repeats rows of another.
func TestOrderAndThreads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, "simulate", "--out", dir, "--seed", "21", "--users", "12", "--days", "8", "--incidents", "6", "--shape", "jsonl")
	files := split(t, filepath.Join(dir, "evidence"))
	hunt := func(args ...string) []byte { return run(t, append([]string{"hunt", "--format", "json"}, args...)...) }
	want := hunt(append([]string{"--threads", "2"}, files...)...)
	if n := bytes.Count(want, []byte(`"verdict"`)); n < 2 {
		t.Fatalf("%d findings: too few to compare", n)
	}
	same := func(what string, got []byte) {
		t.Helper()
		if !bytes.Equal(got, want) {
			a, b := difference(want, got)
			t.Errorf("%s changes the result:\n%s\n%s", what, a, b)
		}
	}
	backwards := slices.Clone(files)
	slices.Reverse(backwards)
	same("the order of the files", hunt(backwards...))
	if testing.Short() {
		return
	}
	for _, n := range []string{"1", "4"} {
		same(n+" threads", hunt(append([]string{"--threads", n}, files...)...))
	}
	stepwise := filepath.Join(dir, "case")
	for _, f := range backwards {
		run(t, "ingest", f, "--case", stepwise)
	}
	same("one ingest for each file", hunt("--case", stepwise))
}

// split cuts each file of a folder into three and adds one that has every seventh line again. It returns the files.
func split(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parts := make([]strings.Builder, 4)
		n := 0
		for line := range strings.Lines(string(text)) {
			parts[n%3].WriteString(line)
			if n%7 == 0 {
				parts[3].WriteString(line)
			}
			n++
		}
		for i := range parts {
			if parts[i].Len() == 0 {
				continue
			}
			part := strings.TrimSuffix(path, ".jsonl") + []string{"-b", "-c", "-d", "-a"}[i] + ".jsonl" // the copies sort first
			if err := os.WriteFile(part, []byte(parts[i].String()), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, part)
		}
	}
	return files
}

// difference is what two texts have around the first byte in which they differ.
func difference(a, b []byte) (string, string) {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	around := func(x []byte) string { return string(x[max(i-200, 0):min(i+200, len(x))]) }
	return around(a), around(b)
}
