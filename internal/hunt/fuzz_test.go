package hunt

import (
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

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

// decodeWhole is decode without its short cut.
func decodeWhole(text string) (ruleFile, error) {
	var f ruleFile
	return f, yaml.UnmarshalWithOptions([]byte(text), &f, yaml.Strict())
}

// TestCutQuery: a rule whose query is cut out before the YAML is decoded is the rule that the decoder reads, and every shipped
// rule is read so.
func TestCutQuery(t *testing.T) {
	all, err := Load(hunts.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range all {
		text, err := hunts.FS.ReadFile(h.Path)
		if err != nil {
			t.Fatal(err)
		}
		if _, query, ok := cutQuery(string(text)); !ok || query != h.Query {
			t.Errorf("%s: the query is not cut out", h.Path)
		}
		if want, err := decodeWhole(string(text)); err != nil || want.Query != h.Query {
			t.Errorf("%s: the decoder reads another query (%v)", h.Path, err)
		}
	}
}

// FuzzDecode: the short cut changes nothing, whatever the file.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		"id: x\nquery: |\n  T\n  | take 1\nname: y\n",
		"id: x\nquery: |\n  T\n\n    | take 1\n\n\nname: y\n",
		"id: x\nquery: |\n    T\n  | take 1\n",
		"id: x\nquery: |\n  T\n    \n# a remark\nname: y\n",
		"id: x\nquery: |\n  T\n # a remark\n  U\nname: y\n",
		"id: x\nquery: |\n  T",
		"id: x\nquery: |\n\n  T\n",
		"id: x\nquery: |\n\nname: y\n",
		"id: x\nquery: |\n  T\nquery: |\n  U\n",
		"id: x\ndescription: \"\nquery: |\n  T\n\"\nquery: U\n",
		"id: x\ndescription: |\n  the query\nquery: |\n  T\n",
		"id: x\n---\nquery: |\n  T\n",
		"id: x\nquery: |\n  T\n...\nname: y\n",
		"id: x\nquery: |\n  T\r\n  U\t\x00\n",
		"id: x\nquery: |\n  # T\n  --- \n  \xff\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := decode(text)
		want, wrong := decodeWhole(text)
		if (err == nil) != (wrong == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q reads as %+v, %v; without the short cut as %+v, %v", text, got, err, want, wrong)
		}
	})
}
