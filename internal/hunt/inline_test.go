package hunt

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/golden"
)

// TestInlined holds that every rule file carries the shared functions as they are now; -update copies them.
func TestInlined(t *testing.T) {
	err := fs.WalkDir(hunts.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		text, err := fs.ReadFile(hunts.FS, path)
		if err != nil {
			return err
		}
		want, err := Inline(string(text), hunts.Functions)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		golden.File(t, filepath.Join("..", "..", "hunts", filepath.FromSlash(path)), []byte(want))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestInlineNamesOnce holds that no rule, view or part names a part that another one it names stands on: what is left names
// what the query is about.
func TestInlineNamesOnce(t *testing.T) {
	named := regexp.MustCompile(`(?m)^ *// (?:functions|needs): (.*)$`)
	inlined := func(names []string) int {
		text, err := Inline(inlineBegin+strings.Join(names, " "), hunts.Functions)
		if err != nil {
			t.Fatal(err)
		}
		return len(text) - len(strings.Join(names, " "))
	}
	for _, fsys := range []fs.FS{hunts.FS, hunts.Views, hunts.Functions} {
		err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(fsys, path)
			if err != nil {
				return err
			}
			line := named.FindSubmatch(text)
			if line == nil {
				return nil
			}
			names := strings.Fields(string(line[1]))
			for i, name := range names {
				others := slices.Delete(slices.Clone(names), i, i+1)
				if inlined(others) == inlined(names) {
					t.Errorf("%s: %s comes with the others", path, name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestInline(t *testing.T) {
	const rule = "query: |\n  // functions: Shared\n  stale\n  // end of functions\n  T\n"
	fsys := os.DirFS(t.TempDir())
	if _, err := Inline(rule, fsys); err == nil {
		t.Error("a function that does not exist must be an error")
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "functions"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "functions", "Shared.part"), []byte("let T = print 1;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "query: |\n  // functions: Shared\n  let T = print 1;\n  // end of functions\n  T\n"
	for _, text := range []string{rule, want, "query: |\n  // functions: Shared\n  T\n"} {
		if got, err := Inline(text, os.DirFS(dir)); err != nil || got != want {
			t.Errorf("Inline(%q) = %q, %v", text, got, err)
		}
	}
}

// TestInlineNeeds: what a part needs comes before it, and once.
func TestInlineNeeds(t *testing.T) {
	fsys := fstest.MapFS{
		"functions/List.part":  {Data: []byte("let L = 1;\n")},
		"functions/Inner.part": {Data: []byte("// needs: List\nlet I = L;\n")},
		"functions/Outer.part": {Data: []byte("// needs: List Inner\nlet O = I + L;\n")},
		"functions/Lost.part":  {Data: []byte("// needs: Nothing\nlet X = 1;\n")},
	}
	const want = "  // functions: Outer Inner\n  let L = 1;\n  let I = L;\n  let O = I + L;\n  // end of functions\n  T\n"
	if got, err := Inline("  // functions: Outer Inner\n  T\n", fsys); err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Inline("  // functions: Lost\n", fsys); err == nil || !strings.Contains(err.Error(), "Nothing") {
		t.Errorf("a part that needs what does not exist: %v", err)
	}
}
