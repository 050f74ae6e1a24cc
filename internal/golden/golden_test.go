package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// witness is a test that says what was said to it. Fatal ends it as it would a test.
type witness struct {
	testing.TB
	said string
}

func (w *witness) Helper()                      {}
func (w *witness) Name() string                 { return "TestPage" }
func (w *witness) Errorf(f string, args ...any) { w.said += fmt.Sprintf(f, args...) }
func (w *witness) Fatalf(f string, args ...any) { w.Errorf(f, args...); panic(w) }
func (w *witness) Fatal(args ...any)            { w.Fatalf("%s", fmt.Sprint(args...)) }

func witnessed(f func(testing.TB)) string {
	w := &witness{}
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(w) {
				panic(r)
			}
		}()
		f(w)
	}()
	return w.said
}

func TestCompared(t *testing.T) {
	const page = "head\n<!-- list:begin -->\none\ntwo\n<!-- list:end -->\nfoot\n"
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		do   func(testing.TB)
		want string // in what is said; nothing is when it is empty
	}{
		"the same file":           {func(t testing.TB) { File(t, path, []byte(page)) }, ""},
		"another line":            {func(t testing.TB) { File(t, path, []byte(strings.Replace(page, "two", "three", 1))) }, `line 4 has "two" and should have "three"`},
		"a line too few":          {func(t testing.TB) { File(t, path, []byte(page+"\n")) }, "line 8 has nothing and should have"},
		"no file":                 {func(t testing.TB) { File(t, path+"x", nil) }, "no such file"},
		"the same part":           {func(t testing.TB) { Part(t, path, "list", "one\ntwo\n") }, ""},
		"another part":            {func(t testing.TB) { Part(t, path, "list", "one\n") }, `line 2 has "two" and should have ""`},
		"a part that is not":      {func(t testing.TB) { Part(t, path, "lost", "one\n") }, "has no part lost"},
		"a record of what is not": {func(t testing.TB) { WritePart(t, path, "lost", "") }, "has no part lost"},
	} {
		said := witnessed(c.do)
		if c.want == "" && said != "" || !strings.Contains(said, c.want) {
			t.Errorf("%s: said %q, want %q", name, said, c.want)
		}
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != page {
		t.Errorf("a comparison wrote the file: %q, %v", now, err)
	}
}

func TestWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("head\n<!-- list:begin -->\nold\n<!-- list:end -->\nfoot\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	WritePart(t, path, "list", "new\n")
	if now, err := os.ReadFile(path); err != nil || string(now) != "head\n<!-- list:begin -->\nnew\n<!-- list:end -->\nfoot\n" {
		t.Errorf("the page is %q, %v", now, err)
	}
}
