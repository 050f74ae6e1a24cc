package hunt

import (
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/hunts"
)

// FuzzRule reads any text as a rule file: no panic, and what is made of it once is made of it twice.
func FuzzRule(f *testing.F) {
	all, err := Load(hunts.FS)
	if err != nil {
		f.Fatal(err)
	}
	text, err := hunts.FS.ReadFile(all[0].Path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("id: x\nname: y\nquery: |\n  // functions: Net\n  T\nreplaytrace:\n  role: link\n")
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := Parse("Rule.yaml", []byte(text)); err == nil && (h.Signal == "" || h.Role == "" || strings.TrimSpace(h.Query) == "") {
			t.Errorf("a rule without signal, role or query: %+v", h)
		}
		once := Deployable(text)
		if twice := Deployable(once); twice != once || strings.HasPrefix(once, "replaytrace:") || strings.Contains(once, "\nreplaytrace:") {
			t.Errorf("%q is deployed as %q, that as %q", text, once, twice)
		}
		if once, err := Inline(text, hunts.Functions); err == nil {
			if twice, err := Inline(once, hunts.Functions); err != nil || twice != once {
				t.Errorf("%q becomes %q, that %q, %v", text, once, twice, err)
			}
		}
	})
}
